"""`ablate import`: saves a log as a study in the store."""

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.messages import say, say_next
from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.cli.terminal import columns
from ablate.text import plural, visible
from ablate.trainers.top_k import METRICS

if TYPE_CHECKING:
    from ablate.api.log_import import ImportedLog


@guarded
def import_log(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A log like studies/reference/baseline-log.md.")],
    study: Annotated[str, typer.Option("--study", metavar="NAME", help="The name of the study in the store.")],
    store: StoreUrl = DEFAULT_STORE,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of another log that has this name in the store.")
    ] = False,
) -> None:
    """Import an experiment log, and print the contradictions within it."""
    from ablate.api.log_import import import_log as import_into_store

    log = import_into_store(path, study, store, replace=replace)
    typer.echo(f"{study}: {log.rows} rows, {log.values} values, {_source(log)}")
    width = columns(sys.stdout) or 10_000
    for finding in log.findings:
        typer.echo(textwrap.fill(visible(finding), width, initial_indent="- ", subsequent_indent="  "))
    if log.layout:
        typer.echo(f"- {log.layout}")
    if log.replaced:
        say(f"replaced: a log with {visible(log.replaced, keep='')}; import its file again to get it back")
    say_next("report", study)


EXAMPLES = METRICS[0].display.examples
"""The word for the examples of a log."""


def _source(log: "ImportedLog") -> str:
    """Return the numbers of which the log's values are rates or means."""
    if log.seeds is None:
        return f"all whole numbers over {log.examples:,} {EXAMPLES}"
    of_examples = f" over {log.examples:,} {EXAMPLES}" if log.examples else ""
    return f"means of {plural(log.seeds, 'result')}{of_examples}"

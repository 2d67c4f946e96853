"""`ablate import`: saves a log as a study in the store."""

import sys
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from ablate.cli.messages import say_next
from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.cli.terminal import columns


@guarded
def import_log(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A log like studies/reference/baseline-log.md.")],
    study: Annotated[str, typer.Option("--study", metavar="NAME", help="The name of the study in the store.")],
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Import an experiment log, and print the contradictions within it."""
    from ablate.api.log_import import import_log as import_into_store

    log = import_into_store(path, study, store)
    typer.echo(f"{study}: {log.rows} rows, {log.values} values, all whole numbers over {log.queries:,} queries")
    width = columns(sys.stdout) or 10_000
    for finding in log.findings:
        typer.echo(textwrap.fill(finding, width, initial_indent="- ", subsequent_indent="  "))
    if log.layout:
        typer.echo(f"- {log.layout}")
    say_next("report", study)

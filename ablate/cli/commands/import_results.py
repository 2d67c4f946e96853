"""`ablate import`: saves the results of another program, or an experiment log, as a study in the store."""

import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.messages import say, say_next
from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.cli.terminal import columns
from ablate.text import plural, visible

if TYPE_CHECKING:
    from ablate.api.imports import ImportedResults
    from ablate.imports.understanding.study import ImportedStudy

HEADING = 14
"""The width of the headings of what was understood."""


@guarded
def import_results(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file or a folder with results.")],
    study: Annotated[
        str, typer.Option("--study", metavar="NAME", help="The name of the study in the store. Default: that of PATH.")
    ] = "",
    kind: Annotated[
        str, typer.Option("--from", metavar="KIND", help="The kind of PATH, such as table. Default: as recognised.")
    ] = "",
    factors: Annotated[
        str, typer.Option("--factors", metavar="A,B", help="The columns that are factors. Default: settings that vary.")
    ] = "",
    seed: Annotated[str, typer.Option("--seed", metavar="COLUMN", help="The column that pairs runs.")] = "",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME[:higher|lower]",
            help="A metric and its better values; the first is the one that verdicts are about. May be given several "
            "times.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="KEY=VALUE", help="Only runs with this value. May be given several times."),
    ] = None,
    examples: Annotated[
        int | None, typer.Option("--examples", metavar="N", help="The number of examples that each value is a mean of.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option("--seeds", metavar="N", help="The number of seeds that each mean is of.")
    ] = None,
    columns_are: Annotated[
        str, typer.Option("--columns-are", metavar="FACTOR", help="The columns of a table are levels of this factor.")
    ] = "",
    names: Annotated[
        str,
        typer.Option("--names", metavar="FORM", help="The form of run names, with the name of each part in braces."),
    ] = "",
    pattern: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern",
            metavar="NAME=REGEX",
            help="The regular expression that finds a metric in text logs. May be given several times.",
        ),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of other results that have this name in the store.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; guesses are used, and shown.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what was understood, and store nothing.")] = False,
) -> None:
    """Import results that are there already: a table, a folder of runs, a tracker, or an experiment log."""
    from ablate.api import imports
    from ablate.cli import import_dialog
    from ablate.imports.options import request_of

    if imports.is_log(path, kind):
        _import_log(path, study, store, replace, examples, dry_run)
        return
    options: dict[str, Any] = {
        "factors": factors,
        "seed": seed,
        "metrics": metric or (),
        "where": where or (),
        "examples": examples,
        "seeds": seeds,
        "columns_are": columns_are,
        "names": names,
        "patterns": pattern or (),
    }
    request = request_of(**options)
    imports.study_name(path, study)
    asks = not yes and import_dialog.can_ask()
    answers: list[str] = []
    if asks:
        read = partial(imports.read_results, path, kind=kind)
        understood, answers = import_dialog.ask_all(read, options, request_of)
    else:
        understood = imports.read_results(path, request, kind=kind)
    _show(understood)
    if answers:
        say(f"the same without questions: {import_dialog.without_questions(answers)}")
    if dry_run or (asks and not typer.confirm("store this?", default=True, err=True)):
        say("nothing is stored")
        return
    imported = imports.save_results(path, understood, study, store, replace=replace)
    say(f"{imported.study}: {_saved(imported)}")
    say_next("report", imported.study)


def _show(study: "ImportedStudy") -> None:
    from ablate.imports.understanding.words import lines

    width = columns(sys.stdout) or 10_000
    for heading, text in lines(study):
        begin = f"{heading:<{HEADING}}"
        typer.echo(textwrap.fill(visible(text), width, initial_indent=begin, subsequent_indent=" " * HEADING))


def _saved(imported: "ImportedResults") -> str:
    saved = imported.saved
    if not saved.new:
        return f"the store has all of its {plural(saved.trials, 'run')} already"
    more = "" if saved.new == saved.trials else f" of {saved.trials:,}"
    return f"{saved.new:,}{more} runs stored" if saved.new != 1 else f"1{more} run stored"


def _import_log(path: Path, study: str, store: str, replace: bool, examples: int | None, dry_run: bool) -> None:
    from ablate.api.imports import study_name
    from ablate.api.log_import import import_log as import_into_store

    name = study or study_name(path)
    log = import_into_store(path, name, store, replace=replace, examples=examples, dry_run=dry_run)
    typer.echo(f"{log.study}: {log.rows} rows, {log.values} values, {log.source}")
    width = columns(sys.stdout) or 10_000
    for finding in log.findings:
        typer.echo(textwrap.fill(visible(finding), width, initial_indent="- ", subsequent_indent="  "))
    if log.layout:
        typer.echo(f"- {log.layout}")
    if dry_run:
        say("nothing is stored: --dry-run")
        return
    if log.replaced:
        say(f"replaced: a log with {visible(log.replaced, keep='')}; import its file again to get it back")
    say_next("report", log.study)

"""`ablate compare`: whether our study reproduces another, contrast by contrast."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded, require_store
from ablate.errors import AblateError, unknown_name

if TYPE_CHECKING:
    from ablate.analysis.reproduction.comparison import Comparison

FORMATS = ("terminal", "markdown", "json")


@guarded
def compare(
    study: Annotated[str, typer.Argument(metavar="OURS", help="Our study.")],
    against: Annotated[str, typer.Option("--against", metavar="THEIRS", help="The study that ours is held against.")],
    store: StoreUrl = DEFAULT_STORE,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile of ours.")] = None,
    against_profile: Annotated[
        str | None, typer.Option("--against-profile", metavar="NAME", help="A profile of theirs.")
    ] = None,
    against_store: Annotated[
        str | None, typer.Option("--against-store", metavar="URL", help="The store of theirs, if it is another.")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="terminal, markdown or json.")] = "terminal",
    output: Annotated[Path | None, typer.Option(metavar="PATH", help="Write to a file, not to stdout.")] = None,
) -> None:
    """Compare our effects with another study's: reproduced, same sign, cannot tell, contradicted, not comparable."""
    if form not in FORMATS:
        raise AblateError(f"--format: {unknown_name('format', form, FORMATS)}")
    with closing(require_store(store)) as opened:  # first, so that a store that is not there is told at once
        from ablate.analysis.reproduction.comparison import compare as compared
        from ablate.analysis.results import load

        ours = load(opened, study, profile)
        theirs = load(opened, against, against_profile) if against_store is None else None
    if theirs is None:
        with closing(require_store(against_store or store)) as other:
            theirs = load(other, against, against_profile)
    found = compared(ours, theirs)
    _write(_text(found, form, output is None and sys.stdout.isatty()), output)
    if form != "json":
        _draw(found, opened.folder / "figures" / ours.study / ours.profile, form == "markdown" and output is None)


def _text(found: "Comparison", form: str, colour: bool) -> str:
    from ablate.report.sections import reproduction

    if form == "json":
        return reproduction.as_json(found)
    return reproduction.markdown(found) if form == "markdown" else reproduction.terminal(found, colour)


def _draw(found: "Comparison", folder: Path, as_markdown: bool) -> None:
    from ablate.report.figures.reproduction import draw

    try:
        for path in draw(found, folder):
            typer.echo(f"![{path.name}]({path})" if as_markdown else f"figure: {path}")
    except AblateError as error:  # what is compared from a store that may only be read is still told
        typer.echo(f"warning: {error}", err=True)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AblateError(f"--output {output}: cannot be written: {error.strerror}") from None
    typer.echo(f"written: {output}", err=True)

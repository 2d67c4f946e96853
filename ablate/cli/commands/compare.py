"""`ablate compare`: whether our study reproduces another, contrast by contrast."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.cli.output import is_coloured, print_figures, write_text
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
    from ablate.store import require_store

    with closing(require_store(store)) as opened:  # before the imports below, so that its absence is reported at once
        from ablate.analysis.loading import load
        from ablate.analysis.reproduction.comparison import compare as compared

        ours = load(opened, study, profile)
        theirs = load(opened, against, against_profile) if against_store is None else None
    if theirs is None:
        with closing(require_store(against_store or store)) as other:
            theirs = load(other, against, against_profile)
    comparison = compared(ours, theirs)
    write_text(_text(comparison, form, is_coloured(output)), output)
    if form != "json":
        from ablate.report.figures.reproduction import draw

        folder = opened.folder / "figures" / ours.study / ours.profile
        print_figures(lambda: draw(comparison, folder), as_markdown=form == "markdown" and output is None)


def _text(comparison: "Comparison", form: str, colour: bool) -> str:
    from ablate.report.sections import reproduction

    if form == "json":
        return reproduction.as_json(comparison)
    return reproduction.markdown(comparison) if form == "markdown" else reproduction.terminal(comparison, colour)

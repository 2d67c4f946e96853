"""`ablate report`: what came out, and what may be said of it, in the format asked for."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.cli.output import is_coloured, print_figures, write_text
from ablate.errors import AblateError, unknown_name


@guarded
def report(
    study: Annotated[str | None, typer.Argument(help="The study; default: the one last run or imported.")] = None,
    store: StoreUrl = DEFAULT_STORE,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile that was run.")] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="terminal, markdown, latex, csv, json or log.")
    ] = "terminal",
    population: Annotated[
        str,
        typer.Option(
            metavar="seeds|queries-and-seeds",
            help="What several seeds speak of: new seeds on these queries, or new queries and new seeds.",
        ),
    ] = "seeds",
    output: Annotated[Path | None, typer.Option(metavar="PATH", help="Write to a file, not to stdout.")] = None,
) -> None:
    """Print what each row reached, what each step changed, and what may be said of it."""
    from typing import get_args

    from ablate.analysis.analysis import Population, analyse
    from ablate.analysis.loading import load
    from ablate.analysis.search.results import load_search
    from ablate.report.formats import FORMATS, ILLUSTRATED, WITHOUT_FINDINGS
    from ablate.store import require_store

    if form not in FORMATS:
        raise AblateError(f"--format: {unknown_name('format', form, list(FORMATS))}")
    if population not in get_args(Population):
        raise AblateError(f"--population: {unknown_name('population', population, get_args(Population))}")
    asked: Population = "queries-and-seeds" if population == "queries-and-seeds" else "seeds"
    with closing(require_store(store)) as opened:
        results = load(opened, study, profile, by_query=asked == "queries-and-seeds")
        analysis = analyse(results, asked, load_search(opened, results))
    write_text(FORMATS[form](analysis, is_coloured(output)), output)
    if form in WITHOUT_FINDINGS:
        for finding in analysis.results.kept_although_stale:
            typer.echo(f"warning: {finding}", err=True)
    if form in ILLUSTRATED:
        from ablate.report.figures.rows import draw_all

        folder = opened.folder / "figures" / results.study / results.profile
        print_figures(lambda: draw_all(analysis, folder), as_markdown=form == "markdown" and output is None)

"""`ablate compare`: shows, contrast by contrast, if a study reproduces another one."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ablate.cli import completion
from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded
from ablate.cli.output import is_coloured, write_illustrated, write_text
from ablate.errors import AblateError, unknown_name

FORMATS = ("terminal", "markdown", "json")


@guarded
def compare(
    study: Annotated[
        str,
        typer.Argument(metavar="OURS", help="Our study, by its name in the store.", autocompletion=completion.studies),
    ],
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="THEIRS", help="The study to compare ours with.", autocompletion=completion.studies
        ),
    ],
    store: StoreUrl = DEFAULT_STORE,
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="NAME", help="A profile of our study.", autocompletion=completion.profiles),
    ] = None,
    against_profile: Annotated[
        str | None, typer.Option("--against-profile", metavar="NAME", help="A profile of the other study.")
    ] = None,
    against_store: Annotated[
        str | None,
        typer.Option("--against-store", metavar="URL", help="The store of the other study. Default: the same."),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="terminal, markdown or json.",
            autocompletion=completion.words("terminal", "markdown", "json"),
        ),
    ] = "terminal",
    output: Annotated[Path | None, typer.Option(metavar="PATH", help="Write to a file, not to stdout.")] = None,
) -> None:
    """Compare our effects with another study's: reproduced, same sign, cannot tell, contradicted, not comparable."""
    if form not in FORMATS:
        raise AblateError(f"--format: {unknown_name('format', form, FORMATS)}")
    from ablate.store import require_store

    with closing(require_store(store)) as opened:  # before the imports below, so that its absence is reported fast
        from ablate.analysis.reproduction.comparison import compare as compare_results
        from ablate.api.results import draw, figures_folder, load_results, render

        ours = load_results(study, opened, profile=profile)
        theirs = load_results(against, opened, profile=against_profile) if against_store is None else None
    if theirs is None:
        with closing(require_store(against_store or store)) as other:
            theirs = load_results(against, other, profile=against_profile)
    comparison = compare_results(ours, theirs)
    text = render(comparison, form, colour=is_coloured(output))
    if form == "json":
        write_text(text, output, is_json=True)
    else:
        folder = figures_folder(opened, ours)
        write_illustrated(text, output, lambda: draw(comparison, folder), is_markdown=form == "markdown")

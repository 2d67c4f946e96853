"""`ablate report`: what came out, in the format asked for."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ablate.cli.options import DEFAULT_STORE, StoreUrl, guarded, require_store
from ablate.errors import AblateError, unknown_name


@guarded
def report(
    study: Annotated[str | None, typer.Argument(help="The study; default: the one last run or imported.")] = None,
    store: StoreUrl = DEFAULT_STORE,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile that was run.")] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="terminal, markdown, csv, json or log.")
    ] = "terminal",
    output: Annotated[Path | None, typer.Option(metavar="PATH", help="Write to a file, not to stdout.")] = None,
) -> None:
    """Print what each row reached and what each step changed."""
    from ablate.analysis.results import load
    from ablate.report.formats import FORMATS, ILLUSTRATED, WITHOUT_FINDINGS

    if form not in FORMATS:
        raise AblateError(f"--format: {unknown_name('format', form, list(FORMATS))}")
    with closing(require_store(store)) as opened:
        results = load(opened, study, profile)
    text = FORMATS[form](results, output is None and sys.stdout.isatty())
    _write(text, output)
    if form in WITHOUT_FINDINGS:
        for finding in results.kept_although_stale:
            typer.echo(f"warning: {finding}", err=True)
    if form in ILLUSTRATED:
        from ablate.report.figures import draw_all

        folder = opened.folder / "figures" / results.study / results.profile
        try:
            for path in draw_all(results, folder):
                typer.echo(f"![{path.name}]({path})" if form == "markdown" and output is None else f"figure: {path}")
        except AblateError as error:  # a report from a store that may only be read is still a report
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

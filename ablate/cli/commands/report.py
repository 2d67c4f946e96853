"""`ablate report`: prints the results of a study and the verdicts about it."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ablate.cli import completion
from ablate.cli.hints import command, typeable
from ablate.cli.messages import say, say_options
from ablate.cli.options import DEFAULT_STORE, Profile, StoreUrl, StudyName, guarded
from ablate.cli.output import is_coloured, shown_path, write_illustrated, write_text
from ablate.errors import AblateError, unknown_name


@guarded
def report(
    study: StudyName = None,
    store: StoreUrl = DEFAULT_STORE,
    profile: Profile = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="terminal, markdown, latex, csv, json or log.",
            autocompletion=completion.words("terminal", "markdown", "latex", "csv", "json", "log"),
        ),
    ] = "terminal",
    population: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What several seeds stand for: seeds (new seeds on the same examples), or examples-and-seeds (new "
            "examples and new seeds).",
            autocompletion=completion.words("seeds", "examples-and-seeds"),
        ),
    ] = "seeds",
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The metric that the report is about. Default: the primary one. Effects on another one are for "
            "exploring, without verdicts.",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Costs of the trainings to show as columns, such as seconds,peak_memory."),
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="PATH", help="Write to a file, not to stdout.")] = None,
) -> None:
    """Print the result of each row, the change at each step, and the verdicts."""
    from typing import get_args

    from ablate.analysis.analysis import Population
    from ablate.api.results import analyse_study, draw, figures_folder, other_profile, render
    from ablate.report.formats import FORMATS, ILLUSTRATED, WITHOUT_FINDINGS
    from ablate.store import require_store

    if form not in FORMATS:
        raise AblateError(f"--format: {unknown_name('format', form, list(FORMATS))}")
    if population not in get_args(Population):
        raise AblateError(f"--population: {unknown_name('population', population, get_args(Population))}")
    chosen: Population = "examples-and-seeds" if population == "examples-and-seeds" else "seeds"
    with closing(require_store(store)) as opened:
        analysis = analyse_study(
            study,
            opened,
            profile=profile,
            population=chosen,
            metric=metric,
            columns=[name.strip() for name in (columns or "").split(",") if name.strip()],
            every_metric=form == "json",
        )
        other = other_profile(opened, analysis.results) if form in ILLUSTRATED else None
    text = render(analysis, form, colour=is_coloured(output))
    if form == "terminal":
        text = typeable(text, analysis.results.study)
    if form in ILLUSTRATED:
        folder = figures_folder(opened, analysis.results)
        write_illustrated(text, output, lambda: draw(analysis, folder), is_markdown=form == "markdown")
    else:
        write_text(text, output, is_json=form == "json")
    if form in WITHOUT_FINDINGS:
        for finding in (*analysis.results.doubtful, *analysis.results.wiring):
            say(f"warning: {finding}")
    results = analysis.results
    if results.document.overrides and not analysis.search:
        say_options(results.document.overrides, shown_path(results.document.file), results.study, results.profile)
    if other is not None:
        about = "rows of this study's design" if analysis.search else "search of this study"
        shown = command("report", analysis.results.study, "--profile", other)
        say(f"the {about} {'have' if analysis.search else 'has'} a report too: `{shown}`")

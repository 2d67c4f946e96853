"""Reading the results of a study, analysing and comparing them, and rendering reports and figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ablate.analysis.analysis import Analysis, Population, analyse
from ablate.analysis.loading import load, load_plan
from ablate.analysis.reproduction.comparison import Comparison
from ablate.analysis.results import StudyResults
from ablate.analysis.search.results import load_search
from ablate.api.plan import is_study_file, plan_study
from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_read
from ablate.errors import AblateError, unknown_name
from ablate.filesystem import expanded, file_word
from ablate.run.preparation import plan_of
from ablate.store import Store
from ablate.store.plans import read_plans
from ablate.study.search_space.origin import SEARCHED


def load_results(
    study: Path | str | None = None, store: StoreOrUrl = DEFAULT_STORE, *, profile: str | None = None
) -> StudyResults:
    """Read the results of a study from the store, by default of the one that was last run or imported.

    `study`: the name of a study, whose plan is that of its last run; or the path of a study file, whose own plan need
    not have been run. `profile`: a profile; by default the latest that was run, or the default one of the file. Raises
    StoreError if there is no store or no such study.
    """
    return _load(store_to_read(store), study, profile)


def _load(store: Store, study: Path | str | None, profile: str | None, **parts: Any) -> StudyResults:
    """Return the results of a study by its name or by its file; `parts`: what else to read, as `load` takes it."""
    if study is None or not is_study_file(study):
        return load(store, None if study is None else str(study), profile, **parts)
    planned = plan_study(study, store, profile=profile)
    return load_plan(store, plan_of(planned.study, planned.trials), **parts)


def analyse_study(
    study: Path | str | None = None,
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    profile: str | None = None,
    population: Population = "seeds",
    metric: str | None = None,
    columns: Sequence[str] = (),
    every_metric: bool = False,
) -> Analysis:
    """Read the results of a study, and of its search if it has one, and return contrasts, effects and verdicts.

    `study` is a name or the path of a study file, see `load_results`.
    `population` is what several seeds stand for: `seeds` for new seeds on the same examples, `examples-and-seeds`
    for new examples and new seeds.
    `metric`: the metric that effects are about, by default the primary one. Of another one they are for exploring, and
    have no verdicts. `columns`: costs, such as `seconds`, that are shown among the metrics of rows.
    `every_metric`: read the examples of all metrics, without which seeds that stand alone show no effects on others.
    Raises AblateError for a metric that the study does not have.
    """
    opened = store_to_read(store)
    parts = {"about": metric or "", "columns": columns, "every_metric": every_metric}
    results = _load(opened, study, profile, by_example=population == "examples-and-seeds", **parts)
    return analyse(results, population, load_search(opened, results))


def other_profile(store: StoreOrUrl, results: StudyResults) -> str | None:
    """Return the profile of a study's search for its rows, and that of its rows for its search; None if not stored."""
    profile = results.profile
    other = profile.removesuffix(SEARCHED) if profile.endswith(SEARCHED) else profile + SEARCHED
    with store_to_read(store).read() as connection:
        stored = {(plan.study, plan.profile) for plan in read_plans(connection)}
    return other if (results.study, other) in stored else None


def render(result: Analysis | Comparison, format: str = "markdown", *, colour: bool = False) -> str:
    """Return the report of an analysis or of a comparison as text.

    `format`: terminal, markdown, latex, csv, json or log; of a comparison terminal, markdown or json. `colour` allows
    the terminal format to use colours.
    """
    from ablate.report.formats import COMPARISON_FORMATS, FORMATS

    if isinstance(result, Comparison):
        if format not in COMPARISON_FORMATS:
            raise AblateError(unknown_name("format", format, COMPARISON_FORMATS))
        return COMPARISON_FORMATS[format](result, colour)
    if format not in FORMATS:
        raise AblateError(unknown_name("format", format, FORMATS))
    return FORMATS[format](result, colour)


def draw(result: Analysis | Comparison, folder: Path | str) -> list[Path]:
    """Draw the figures of an analysis or of a comparison into a folder, each as SVG, PNG and CSV.

    Returns the paths of the SVG and PNG files. Raises AblateError if the folder cannot be written.
    """
    place = Path(expanded(str(folder)))
    if isinstance(result, Comparison):
        from ablate.report.figures.reproduction import draw as draw_comparison

        return draw_comparison(result, place)
    from ablate.report.figures.rows import draw_all

    return draw_all(result, place)


def figures_folder(store: StoreOrUrl, results: StudyResults) -> Path:
    """Return the folder next to a store where `ablate report` puts the figures of a study and profile.

    Figures about a metric that is not the primary one have a folder within it.
    """
    folder = store_to_read(store).folder / "figures" / results.study / results.profile
    return folder if results.is_primary else folder / f"metric-{file_word(results.metric.name)}"

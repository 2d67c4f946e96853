"""Reading the results of a study, analysing and comparing them, and rendering reports and figures."""

from pathlib import Path

from ablate.analysis.analysis import Analysis, Population, analyse
from ablate.analysis.loading import load
from ablate.analysis.reproduction.comparison import Comparison
from ablate.analysis.results import StudyResults
from ablate.analysis.search.results import load_search
from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_read
from ablate.errors import AblateError, unknown_name
from ablate.filesystem import expanded
from ablate.store.plans import read_plans
from ablate.study.search_space.origin import SEARCHED


def load_results(
    study: str | None = None, store: StoreOrUrl = DEFAULT_STORE, *, profile: str | None = None
) -> StudyResults:
    """Read the results of a study from the store, by default of the one that was last run or imported.

    `profile`: a profile that was run; by default the latest. Raises StoreError if there is no store or no such study.
    """
    return load(store_to_read(store), study, profile)


def analyse_study(
    study: str | None = None,
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    profile: str | None = None,
    population: Population = "seeds",
) -> Analysis:
    """Read the results of a study, and of its search if it has one, and return contrasts, effects and verdicts.

    `population` is what several seeds stand for: `seeds` for new seeds on the same queries, `queries-and-seeds` for
    new queries and new seeds.
    """
    opened = store_to_read(store)
    results = load(opened, study, profile, by_query=population == "queries-and-seeds")
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
    """Return the folder next to a store where `ablate report` puts the figures of a study and profile."""
    return store_to_read(store).folder / "figures" / results.study / results.profile

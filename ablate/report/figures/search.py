"""All figures of a search."""

from pathlib import Path

from ablate.analysis.analysis import Analysis
from ablate.report.figures.search_history import history_figure
from ablate.report.figures.search_importance import importance_figure
from ablate.report.figures.search_map import map_figure


def search_figures(analysis: Analysis, folder: Path) -> list[Path]:
    """Of a plan that has a search; of the second metric and later ones, files of their own."""
    search = analysis.search
    if search is None or not search.candidates:
        return []
    paths: list[Path] = []
    for metric in search.metrics:
        end = "" if metric == search.metric else f"-{metric}"
        paths += map_figure(analysis, search, metric, folder / f"search-map{end}")
        paths += history_figure(analysis, search, metric, folder / f"search-history{end}")
    return paths + importance_figure(analysis, search, folder / "search-importance")

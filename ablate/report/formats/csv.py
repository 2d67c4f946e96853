"""The report as CSV: a line for each row, with its levels, rates, and changes from the row above and the baseline."""

import csv
import io
from typing import Any

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import Contrast
from ablate.analysis.results import RowResult
from ablate.report.wording import METRIC_NAMES

CHANGE = ["change_pp", "change_low_pp", "change_high_pp", "differs", "undeclared", "identified"]
MORE = ["change_p_holm", "verdict", "baseline_change_pp", "baseline_low_pp", "baseline_high_pp", "baseline_verdict"]
STATE = ["failed", "missing", "tied_best"]
TEST = ["gallery", "data"]


def render(analysis: Analysis) -> str:
    """Return the CSV: rates in [0, 1], changes in percentage points, a cell empty if there is no result."""
    results = analysis.results
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = [*METRIC_NAMES, *results.precisions]
    metrics = [f"{name}{suffix}" for name in names for suffix in ("", "_low", "_high")]
    writer.writerow(["kind", "row", *results.factors, "seeds", "n", *metrics, *CHANGE, *MORE, *STATE, *TEST])
    best = analysis.best
    for row, step in zip(results.rows, [None, *analysis.steps], strict=True):
        against = analysis.against_baseline.get(row.number)
        changes = [*_change(step), *_more(step, against)]
        is_best = "yes" if row.label in best else "no"
        writer.writerow(["row", *_row(analysis, row), *changes, *_state(row), is_best, *_test(row)])
    for row in results.references:
        writer.writerow(
            ["reference", *_row(analysis, row), *_change(None), *_more(None, None), *_state(row), "", *_test(row)]
        )
    return buffer.getvalue()


def _row(analysis: Analysis, row: RowResult) -> list[Any]:
    n = next((metric.n for metric in row.metrics.values()), "")
    levels = [row.levels.get(name, "") for name in analysis.results.factors]
    rates = [cell for name in METRIC_NAMES for cell in _metric(analysis, row, name)]
    precisions = [cell for name in analysis.results.precisions for cell in _precision(analysis, row, name)]
    return [row.label, *levels, len(row.seeds), n, *rates, *precisions]


def _metric(analysis: Analysis, row: RowResult, name: str) -> list[Any]:
    if name not in row.metrics:
        return ["", "", ""]
    return [row.metrics[name].mean, *analysis.interval(row, name)]


def _precision(analysis: Analysis, row: RowResult, name: str) -> list[Any]:
    if name not in row.precisions:
        return ["", "", ""]
    return [row.precisions[name].mean, *(analysis.precision_interval(row, name) or ("", ""))]


def _change(step: Contrast | None) -> list[Any]:
    if step is None:
        return [""] * len(CHANGE)
    return [*_effect(step), ";".join(step.differs), ";".join(step.undeclared), step.identified]


def _more(step: Contrast | None, against: Contrast | None) -> list[Any]:
    own = ["", ""] if step is None else [_or_empty(step.estimate.p_holm), step.estimate.verdict]
    return [*own, *(["", "", "", ""] if against is None else [*_effect(against), against.estimate.verdict])]


def _effect(contrast: Contrast) -> list[Any]:
    estimate = contrast.estimate
    return [_or_empty(estimate.effect), *(estimate.interval or ("", ""))]


def _or_empty(value: float | None) -> Any:
    return "" if value is None else value


def _test(row: RowResult) -> list[Any]:
    first = next(iter(row.tests), None)
    return ["", ""] if first is None else ["" if first.gallery is None else first.gallery, first.data or ""]


def _state(row: RowResult) -> list[Any]:
    return [";".join(map(str, row.failed)), ";".join(map(str, row.missing))]

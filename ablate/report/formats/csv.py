"""The report as CSV: a line for each row, with its levels, rates, and changes.

Changes are from the row that it builds on, and from the baseline.
"""

from collections.abc import Sequence
from typing import Any

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import Contrast
from ablate.analysis.results import RowResult
from ablate.report.escapes import csv_line
from ablate.report.wording import METRIC_NAMES

CHANGE = ["change_pp", "change_low_pp", "change_high_pp", "differs", "undeclared", "identified"]
MORE = ["change_p_holm", "verdict", "baseline_change_pp", "baseline_low_pp", "baseline_high_pp", "baseline_verdict"]
STATE = ["failed", "missing", "tied_best"]
TEST = ["gallery", "data"]
RULES = ["primary", "delta_pp", "alpha", "overrides"]


def render(analysis: Analysis) -> str:
    """Return the CSV: rates in [0, 1], changes in percentage points, a cell empty if there is no result."""
    results = analysis.results
    names = [*METRIC_NAMES, *results.precisions]
    metrics = [f"{name}{suffix}" for name in names for suffix in ("", "_low", "_high")]
    of_seeds = ["seeds_used", "seeds_stale", *(f"{name}_hits" for name in METRIC_NAMES)]
    fixed = ["seeds", "n", *metrics, *CHANGE, *MORE, *STATE, *TEST, *of_seeds, *RULES]
    taken = {"kind", "row", *fixed}
    factors = [f"{name} (factor)" if name in taken else name for name in results.factors]
    lines = [csv_line(["kind", "row", *factors, *fixed])]
    best = analysis.best
    for row in results.rows:
        step = analysis.step_to.get(row.number)
        against = analysis.against_baseline.get(row.number)
        changes = [*_change(step), *_more(step, against)]
        is_best = "yes" if row.label in best else "no"
        own = [*_row(analysis, row), *changes, *_state(row), is_best, *_test(row)]
        lines.append(csv_line(["row", *own, *_seeds(row), *_rules(analysis)]))
    for row in results.references:
        own = [*_row(analysis, row), *_change(None), *_more(None, None), *_state(row), "", *_test(row)]
        lines.append(csv_line(["reference", *own, *_seeds(row), *_rules(analysis)]))
    return "".join(lines)


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
    return [_joined(row.failed), _joined(row.missing)]


def _seeds(row: RowResult) -> list[Any]:
    """Return the seeds with a result, those of them with a stale one, and the hits of each seed on each metric."""
    stale = [seed for seed, result in row.results.items() if result.changes]
    hits = [_joined(row.metrics[name].hits) if name in row.metrics else "" for name in METRIC_NAMES]
    return [_joined(row.seeds), _joined(stale), *hits]


def _rules(analysis: Analysis) -> list[Any]:
    results = analysis.results
    return [results.primary, results.delta, results.alpha, " ".join(results.document.overrides)]


def _joined(values: Sequence[int]) -> str:
    return ";".join(map(str, values))

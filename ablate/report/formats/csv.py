"""The report as CSV: a line for each row, with its levels, means, and changes.

Changes are from the row that it builds on, and from the baseline, in the unit in which reports print them.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import Contrast
from ablate.analysis.results import RowResult, StudyResults
from ablate.measurement import Kind, Metric
from ablate.report.units import effect_cells
from ablate.text import csv_line

CHANGES = ["change", "change_low", "change_high"]
DIFFERS = ["differs", "undeclared", "identified", "change_p_holm", "verdict"]
AGAINST = ["baseline_change", "baseline_low", "baseline_high"]
STATE = ["failed", "diverged", "missing", "tied_best"]
RULES = ["alpha", "overrides", "n_inferred"]


def render(analysis: Analysis) -> str:
    """Return the CSV: means in the metric's unit, a cell empty if there is no result."""
    results = analysis.results
    metrics = columns_of(results)
    unit = "_pp" if results.metric.is_rate else ""
    changes = [*(name + unit for name in CHANGES), *DIFFERS, *(name + unit for name in AGAINST), "baseline_verdict"]
    means = [f"{metric.name}{suffix}" for metric in metrics for suffix in ("", "_low", "_high")]
    counted = [metric for metric in metrics if metric.kind is Kind.PROPORTION]
    sizes = _sizes(results)
    of_seeds = ["seeds_used", "seeds_stale", *(f"{metric.name}_{metric.display.count}" for metric in counted)]
    of_primary = "_pp" if results.metrics[results.primary].is_rate else ""
    rules = ["primary", f"delta{of_primary}", *RULES, *(["unpaired"] if results.unpaired else [])]
    fixed = ["seeds", "n", *means, *changes, *STATE, *sizes, "data", *of_seeds, *rules]
    taken = {"kind", "row", *fixed}
    factors = [f"{name} (factor)" if name in taken else name for name in results.factors]
    lines = [csv_line(["kind", "row", *factors, *fixed])]
    best = analysis.best
    for at, row in enumerate((*results.rows, *results.references)):
        is_row = at < len(results.rows)
        step = analysis.step_to.get(row.number) if is_row else None
        against = analysis.against_baseline.get(row.number) if is_row else None
        is_best = ("yes" if row.label in best else "no") if is_row else ""
        own = [*_row(analysis, row, metrics), *_change(step), *_against(against), *_state(row), is_best]
        own += [*_test(row, sizes), *_seeds(row, counted), *_rules(analysis)]
        lines.append(csv_line(["row" if is_row else "reference", *own]))
    return "".join(lines)


def columns_of(results: StudyResults) -> list[Metric]:
    """Return the metrics that have columns: those of the trainer's proportions, and others that some row has."""
    proportions = [metric for metric in results.metrics.values() if metric.kind is Kind.PROPORTION]
    chosen = [*(proportions if results.metric in proportions else [results.metric]), *results.measured]
    return list(dict.fromkeys(chosen))


def _sizes(results: StudyResults) -> list[str]:
    """Return the words of what the tests have, except examples: their number is in the column `n`."""
    examples = {metric.display.examples for metric in results.metrics.values()}
    return [word for word in results.sizes if word not in examples]


def _row(analysis: Analysis, row: RowResult, metrics: Sequence[Metric]) -> list[Any]:
    n = next((row.values[metric.name].n for metric in metrics if metric.name in row.values), None)
    levels = [row.levels.get(name, "") for name in analysis.results.factors]
    means = [cell for metric in metrics for cell in _mean(analysis, row, metric.name)]
    results = analysis.results
    runs = len(row.seeds) if results.summary(row, results.metric.name) is None else _or_empty(results.runs(row))
    return [row.label, *levels, runs, _or_empty(n), *means]


def _mean(analysis: Analysis, row: RowResult, name: str) -> list[Any]:
    if name not in row.values:
        return ["", "", ""]
    return [row.values[name].mean, *(analysis.interval(row, name) or ("", ""))]


def _change(step: Contrast | None) -> list[Any]:
    if step is None:
        return [""] * (len(CHANGES) + len(DIFFERS))
    own = [";".join(step.differs), ";".join(step.undeclared), step.identified]
    return [*_effect(step), *own, _or_empty(step.estimate.p_holm), step.estimate.verdict]


def _against(against: Contrast | None) -> list[Any]:
    return [""] * (len(AGAINST) + 1) if against is None else [*_effect(against), against.estimate.verdict]


def _effect(contrast: Contrast) -> list[Any]:
    estimate = contrast.estimate
    return effect_cells(estimate.metric, estimate.effect, estimate.interval)


def _or_empty(value: float | None) -> Any:
    return "" if value is None else value


def _test(row: RowResult, sizes: Sequence[str]) -> list[Any]:
    first = next(iter(row.tests), None)
    known = dict(first.sizes) if first else {}
    return [*(_or_empty(known.get(word)) for word in sizes), (first.data or "") if first else ""]


def _state(row: RowResult) -> list[Any]:
    return [_joined(row.failed), _joined(row.diverged), _joined(row.missing)]


def _seeds(row: RowResult, counted: Sequence[Metric]) -> list[Any]:
    """Return the seeds with a result, those with a stale one, and each seed's count of the examples of proportions."""
    stale = [seed for seed, result in row.results.items() if result.changes]
    return [_joined(row.seeds), _joined(stale), *(_joined(counts(row, metric.name)) for metric in counted)]


def counts(row: RowResult, name: str) -> list[int | None]:
    """Return the number of examples for which a proportion holds, for each seed; empty if it is not known.

    None for a seed whose value is not a finite number.
    """
    of_row = row.values.get(name)
    if of_row is None or not of_row.n:
        return []
    return [round(value * of_row.n) if isfinite(value) else None for value in of_row.values]


def _rules(analysis: Analysis) -> list[Any]:
    results = analysis.results
    declared = [results.primary, results.document.delta, results.alpha, " ".join(results.document.overrides)]
    inferred = "yes" if results.document.examples_inferred else "no"
    return [*declared, inferred, *([results.unpaired] if results.unpaired else [])]


def _joined(values: Sequence[int | None]) -> str:
    return ";".join("" if value is None else str(value) for value in values)

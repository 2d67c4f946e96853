"""The report as CSV: a line a row, with its levels, rates, and the change against the row above."""

import csv
import io
from typing import Any

from ablate.analysis.contrasts import Contrast, steps
from ablate.analysis.results import RowResult, StudyResults
from ablate.report.words import METRIC_NAMES


def render(results: StudyResults) -> str:
    """Rates in [0, 1], changes in percentage points; empty where there is no result."""
    kept = io.StringIO()
    writer = csv.writer(kept, lineterminator="\n")
    metrics = [f"{name}{suffix}" for name in METRIC_NAMES for suffix in ("", "_low", "_high")]
    change = ["change_pp", "change_low_pp", "change_high_pp", "differs", "undeclared", "identified"]
    writer.writerow(["kind", "row", *results.factors, "seeds", "n", *metrics, *change])
    for row, step in zip(results.rows, [None, *steps(results)], strict=True):
        writer.writerow(["row", *_row(row, results.factors), *_change(step)])
    for row in results.references:
        writer.writerow(["reference", *_row(row, results.factors), *_change(None)])
    return kept.getvalue()


def _row(row: RowResult, factors: list[str]) -> list[Any]:
    n = next((metric.n for metric in row.metrics.values()), "")
    levels = [row.levels.get(name, "") for name in factors]
    return [row.label, *levels, len(row.seeds), n, *(cell for name in METRIC_NAMES for cell in _metric(row, name))]


def _metric(row: RowResult, name: str) -> list[Any]:
    if name not in row.metrics:
        return ["", "", ""]
    return [row.metrics[name].mean, *row.metrics[name].interval]


def _change(step: Contrast | None) -> list[Any]:
    if step is None:
        return [""] * 6
    effect: list[Any] = ["", "", ""]
    if step.effect is not None and step.interval is not None:
        effect = [step.effect, *step.interval]
    return [*effect, ";".join(step.differs), ";".join(step.undeclared), step.identified]

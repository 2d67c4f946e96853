"""The JSON report: the shape that other programs are built on. Rates in [0, 1], effects in percentage points.

What this version does not compute yet, it gives as null or an empty list, never as a guess: simultaneous
intervals, p-values and verdicts, effects over the whole design, aliases, suggestions.
"""

import json
from typing import Any

from ablate.analysis.contrasts import Contrast, all_contrasts
from ablate.analysis.results import Metric, RowResult, StudyResults


def render(results: StudyResults) -> str:
    return json.dumps(document(results), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def document(results: StudyResults) -> dict[str, Any]:
    """The report as plain values."""
    data = results.document.get("data") or {}
    return {
        "schema": 1,
        "study": results.study,
        "profile": results.profile,
        "overrides": list(results.document.get("overrides", [])),
        "question": results.document.get("question", ""),
        "primary": results.primary,
        "delta_pp": results.document["delta_pp"],
        "alpha": results.alpha,
        "data": {**data, "queries": results.queries, "gallery": results.gallery},
        "rows": [_row(row) for row in results.rows],
        "references": [_row(row) for row in results.references],
        "contrasts": [_contrast(contrast) for contrast in all_contrasts(results)],
        "effects": [],
        "aliases": [],
        "findings": results.findings,
        "suggestions": [],
    }


def _row(row: RowResult) -> dict[str, Any]:
    return {
        "label": row.label,
        "title": row.title,
        "levels": dict(row.levels),
        "seeds": list(row.seeds),
        "failed": list(row.failed),
        "missing": list(row.missing),
        "metrics": {name: _metric(metric) for name, metric in row.metrics.items()},
    }


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "mean": metric.mean,
        "values": metric.values,
        "hits": list(metric.hits),
        "n": metric.n,
        "ci": list(metric.interval),
    }


def _contrast(contrast: Contrast) -> dict[str, Any]:
    return {
        "from": contrast.before.label,
        "to": contrast.after.label,
        "differs": list(contrast.differs),
        "undeclared": list(contrast.undeclared),
        "metric": contrast.metric,
        "effect_pp": contrast.effect,
        "ci_pp": None if contrast.interval is None else list(contrast.interval),
        "ci_simultaneous_pp": None,
        "method": "newcombe",
        "seeds": contrast.seeds,
        "p": None,
        "p_holm": None,
        "identified": contrast.identified,
        "verdict": None,
    }

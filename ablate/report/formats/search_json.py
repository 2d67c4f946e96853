"""A search in the JSON report; rates in [0, 1], optimism and effects in percentage points."""

from dataclasses import asdict
from typing import Any

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import Contrast
from ablate.analysis.search.results import Finalist, FinalistRerun, SearchResults
from ablate.report.sections.search import NO_EFFECTS, against_baseline, test_row, winner_against

Plain = dict[str, Any]


def search_document(analysis: Analysis) -> Plain | None:
    """Null unless the plan has a search."""
    found = analysis.search
    if found is None:
        return None
    return {
        "search_id": found.search_id,
        "sampler": found.sampler,
        "pruner": found.pruner,
        "seed": found.seed,
        "metrics": list(found.metrics),
        "trials": found.trials,
        "hours": found.hours,
        "seconds": found.seconds,
        "dimensions": [asdict(axis) for axis in found.dimensions],
        "baseline": dict(found.baseline),
        "proposed": len(found.proposed),
        "finished": len(found.finished),
        "reused": len(found.reused),
        "steps_saved": found.steps_saved,
        "best": [one.number for one in found.front],
        "candidates": [asdict(one) for one in found.candidates],
        "finalists": [_finalist(analysis, found, one) for one in found.finalists],
        "importance": {metric: asdict(one) for metric, one in found.importance.items()},
        "importance_warning": NO_EFFECTS,
    }


def _finalist(analysis: Analysis, found: SearchResults, one: Finalist) -> Plain:
    row, winner, primary = test_row(analysis, one), found.finalists[0], analysis.results.primary
    metric = row.metrics.get(primary) if row else None
    return {
        "label": one.label,
        "number": one.number,
        "validation": {name: _rerun(rerun) for name, rerun in one.reruns.items()},
        "test": {"mean": metric.mean, "ci": list(analysis.interval(row, primary))} if row and metric else None,
        "against_baseline": _contrast(against_baseline(analysis, one)),
        "winner_against_it": None if one is winner else _contrast(winner_against(analysis, winner, one)),
    }


def _rerun(rerun: FinalistRerun) -> Plain:
    return {
        "search": rerun.score,
        "mean": rerun.mean,
        "values": list(rerun.rates),
        "ci": rerun.interval,
        "optimism_pp": rerun.optimism,
        "ci_optimism_pp": rerun.optimism_interval,
    }


def _contrast(found: Contrast | None) -> Plain | None:
    if found is None:
        return None
    estimate = found.estimate
    ends = {"effect_pp": estimate.effect, "ci_pp": estimate.interval, "p_holm": estimate.p_holm}
    return {**ends, "verdict": estimate.verdict}

"""The JSON report: the shape that other programs are built on. Rates in [0, 1], effects in percentage points.

What cannot be given is null or an empty list, never a guess; nothing is rounded. The contract is docs/reports.md.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import Contrast
from ablate.analysis.effects import Effect, Interaction
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.estimation.unpaired_totals import Pairing
from ablate.analysis.results import RowResult, StudyResults
from ablate.analysis.verdicts import UNDECIDED
from ablate.report.formats.search_json import search_document
from ablate.report.sections.looks import decided

Plain = dict[str, Any]


def render(analysis: Analysis) -> str:
    """The document, a line an entry of each list: thousands of contrasts stay fast to write and easy to search."""
    return "{\n" + ",\n".join(_members(document(analysis))) + "\n}\n"


def document(analysis: Analysis) -> Plain:
    """The report as plain values."""
    results = analysis.results
    data = asdict(results.document.data) if results.document.data else {}
    best = analysis.best
    return {
        "schema": 1,
        "study": results.study,
        "profile": results.profile,
        "overrides": list(results.document.overrides),
        "question": results.document.question,
        "primary": results.primary,
        "delta_pp": results.document.delta,
        "alpha": results.alpha,
        "population": analysis.population,
        "family": {
            "name": analysis.family.name,
            "size": analysis.family.size,
            "tested": analysis.family.tested,
        },
        "data": {**data, "queries": results.queries, "gallery": results.gallery},
        "rows": [_row(analysis, row) for row in results.rows],
        "references": [_row(analysis, row) for row in results.references],
        "tied_best": [row.label for row in results.rows if row.label in best],
        "noisy_rows": [
            {"label": noisy.row.label, "sd_pp": noisy.sd, "others_sd_pp": noisy.others_sd, "p": noisy.p}
            for noisy in analysis.noisy_rows
        ],
        "looks": _looks(analysis.results),
        **_judged(analysis),
        "interactions": [_interaction(analysis, found) for found in analysis.interactions],
        "findings": results.findings,
        "suggestions": [
            {"levels": dict(found.levels), "resolves": list(found.resolves)} for found in analysis.suggestions
        ],
        "readings": [
            {"reading": words, **_judged(analyse(other, analysis.population))}
            for words, other in analysis.other_readings.items()
        ],
        "search": search_document(analysis),
    }


def _members(found: Mapping[str, Any]) -> Iterator[str]:
    for key, value in found.items():
        if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
            entries = ",\n".join(f"  {_text(entry)}" for entry in value)
            yield f" {_text(key)}: [\n{entries}\n ]"
        else:
            yield f" {_text(key)}: {_text(value)}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _judged(analysis: Analysis) -> Plain:
    return {
        "contrasts": [_contrast(analysis, contrast) for contrast in analysis.contrasts],
        "effects": [_effect(analysis, effect) for effect in analysis.effects],
        "aliases": [list(group) for group in analysis.aliases],
    }


def _looks(results: StudyResults) -> Plain | None:
    if not results.schedule:
        return None
    return {
        "declared": list(results.schedule),
        "spending": "power",
        "family": len(results.ended) + 1,
        "ended": list(results.ended),
        "taken": [
            {
                "number": look.number,
                "seeds": look.seeds,
                "bound_z": look.bound,
                "spent": look.spent,
                "decided": decided(look),
                "undecided": sum(seen.verdict == UNDECIDED for seen in look.results),
                "going_on": list(look.continuing),
                "trials": look.trials,
            }
            for look in results.looks
        ],
    }


def _row(analysis: Analysis, row: RowResult) -> Plain:
    return {
        "label": row.label,
        "title": row.title,
        "levels": dict(row.levels),
        "seeds": list(row.seeds),
        "failed": list(row.failed),
        "missing": list(row.missing),
        "metrics": {
            name: {
                "mean": metric.mean,
                "values": metric.values,
                "hits": list(metric.hits),
                "n": metric.n,
                "ci": list(analysis.interval(row, name)),
            }
            for name, metric in row.metrics.items()
        }
        | {
            name: {
                "mean": precision.mean,
                "values": list(precision.values),
                "ci": _ends(analysis.precision_interval(row, name)),
            }
            for name, precision in row.precisions.items()
        },
    }


def _contrast(analysis: Analysis, contrast: Contrast) -> Plain:
    return {
        "from": contrast.before.label,
        "to": contrast.after.label,
        "differs": list(contrast.differs),
        "undeclared": list(contrast.undeclared),
        "metric": contrast.metric,
        **_estimate(contrast.estimate),
        "identified": contrast.identified,
        "in_family": contrast.in_family,
        "totals": _totals(analysis.pairing(contrast)),
    }


def _effect(analysis: Analysis, effect: Effect) -> Plain:
    return {
        "factor": effect.factor,
        "from": effect.baseline,
        "to": effect.level,
        "metric": analysis.results.primary,
        **_estimate(effect.estimate),
        "identified": effect.identified,
        "contexts": effect.contexts,
        "aliased_with": list(effect.aliased_with),
        "in_family": analysis.results.family.kind == "effects",
    }


def _estimate(estimate: EffectEstimate) -> Plain:
    return {
        "effect_pp": estimate.effect,
        "ci_pp": _ends(estimate.interval),
        "ci_simultaneous_pp": _ends(estimate.simultaneous),
        "ci_separate_pp": _ends(estimate.separate),
        "method": estimate.method,
        "seeds": estimate.seeds,
        "p": estimate.p,
        "p_holm": estimate.p_holm,
        "p_equivalence_holm": estimate.p_equivalence,
        "verdict": estimate.verdict,
        "more_seeds": estimate.more_seeds,
    }


def _interaction(analysis: Analysis, found: Interaction) -> Plain:
    return {
        "factors": list(found.factors),
        "levels": list(found.levels),
        "metric": analysis.results.primary,
        "squares": found.squares,
        "effect_pp": found.estimate.effect,
        "ci_pp": _ends(found.estimate.interval),
        "method": found.estimate.method,
        "seeds": found.estimate.seeds,
        "p": found.estimate.p,
        "p_exploring": found.p_exploring,
    }


def _totals(found: Pairing | None) -> Plain | None:
    if found is None:
        return None
    return {
        "d_hits": found.hits,
        "agresti_caffo_pp": list(found.agresti_caffo),
        "discordant": list(found.discordant),
        "closest_ci_pp": list(found.closest),
        "farthest_ci_pp": list(found.farthest),
        "significant_up_to": found.significant_up_to,
        "equivalent_up_to": found.equivalent_up_to,
        "tipping_sd_pp": found.tipping_sd,
        "reading": found.reading,
    }


def _ends(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)

"""The JSON report, for other programs. Values and effects are in their metric's unit; on a log scale, effects are
ratios.

Keys that end with `_pp` repeat an effect of a rate in percentage points, as schema 1 had it.

A value that does not exist is null or an empty list, never a guess. Nothing is rounded. See docs/reports.md.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.contrasts import Contrast
from ablate.analysis.effects import Effect, Interaction
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.estimation.unpaired_totals import Pairing
from ablate.analysis.results import RowResult, StudyResults
from ablate.analysis.search.reruns import Finalist, FinalistRerun
from ablate.analysis.search.results import SearchResults
from ablate.analysis.untested import Untested
from ablate.analysis.verdicts import UNDECIDED
from ablate.measurement import Kind, Metric
from ablate.report import units
from ablate.report.formats.csv import counts
from ablate.report.sections.looks import decided
from ablate.report.sections.search import NO_EFFECTS
from ablate.report.sections.search_words import against_baseline, test_row, winner_against
from ablate.study.plan.limits import RowLimits
from ablate.trainers.costs import COSTS

Plain = dict[str, Any]
UNITS = {cost.name: cost.unit for cost in COSTS}


def render(analysis: Analysis) -> str:
    """Return the document with one line for each entry of a list: thousands of contrasts stay easy to search."""
    return "{\n" + ",\n".join(_members(document(analysis))) + "\n}\n"


def document(analysis: Analysis) -> Plain:
    """Return the report as plain values."""
    results = analysis.results
    data = asdict(results.common_data) if results.common_data else {}
    best = analysis.best
    return {
        "schema": 2,
        "study": results.study,
        "profile": results.profile,
        "overrides": list(results.document.overrides),
        "question": results.document.question,
        "primary": results.primary,
        "metric": results.metric.name,
        **_unit(results.metric),
        **units.amounts(results.metric, {"delta": results.delta}),
        "alpha": results.alpha,
        "population": analysis.population,
        "family": {
            "name": analysis.family.name,
            "size": analysis.family.size,
            "tested": analysis.family.tested,
        },
        "data": {**data, **results.sizes},
        "examples_inferred": results.document.examples_inferred,
        "unpaired": results.unpaired or None,
        "summaries": {
            label: {name: asdict(one) for name, one in of_row.items()}
            for label, of_row in results.document.summaries.items()
        },
        "metrics": [_metric(analysis, metric) for metric in results.measured],
        "limits": [_limits(results, limits) for limits in results.document.limits],
        "rows": [_row(analysis, row) for row in results.rows],
        "references": [_row(analysis, row) for row in results.references],
        "steps": [[above.label, row.label] for above, row in results.steps],
        "tied_best": [row.label for row in results.rows if row.label in best],
        "noisy_rows": [
            {
                "label": noisy.row.label,
                **units.spreads(results.metric, {"sd": noisy.sd, "others_sd": noisy.others_sd}),
                "p": noisy.p,
            }
            for noisy in analysis.noisy_rows
        ],
        "unequal_spread": [{"label": one.row.label, "p": one.p} for one in analysis.unequal_spreads],
        "looks": _looks(analysis.results),
        **_tests(analysis),
        "interactions": [_interaction(analysis, interaction) for interaction in analysis.interactions],
        "findings": results.findings,
        "suggestions": [{"levels": dict(run.levels), "resolves": list(run.resolves)} for run in analysis.suggestions],
        "readings": [
            {"reading": words, **_tests(analyse(other, analysis.population))}
            for words, other in analysis.other_readings.items()
        ],
        "search": _search(analysis),
    }


def _members(values: Mapping[str, Any]) -> Iterator[str]:
    """Return the members of the document, each as text."""
    for key, value in values.items():
        if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
            entries = ",\n".join(f"  {_text(entry)}" for entry in value)
            yield f" {_text(key)}: [\n{entries}\n ]"
        else:
            yield f" {_text(key)}: {_text(value)}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _tests(analysis: Analysis) -> Plain:
    """Return contrasts, effects and aliases, which each reading of a log has."""
    return {
        "contrasts": [_contrast(analysis, contrast) for contrast in analysis.contrasts],
        "effects": [_effect(analysis, effect) for effect in analysis.effects],
        "aliases": [list(group) for group in analysis.aliases],
    }


def _looks(results: StudyResults) -> Plain | None:
    """Return the looks; null if the number of seeds is fixed."""
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
        "diverged": list(row.diverged),
        "missing": list(row.missing),
        "reasons": {str(seed): reason for seed, reason in row.reasons.items()},
        "data": _tests_of(row),
        "changes": {str(seed): list(one.changes) for seed, one in row.results.items() if one.changes},
        "impossible": row.impossible or None,
        "metrics": {
            name: {
                "mean": _finite(of_row.mean),
                "values": [_finite(value) for value in of_row.values],
                **_counts(row, analysis.results.metrics[name]),
                "n": of_row.n,
                "ci": _ends(analysis.interval(row, name)),
            }
            for name, of_row in row.values.items()
        },
        "costs": _costs(row),
    }


def _costs(row: RowResult) -> Plain:
    """Return the recorded costs of a row's trainings, in the order of its seeds; null for a seed without one."""
    names = dict.fromkeys(name for one in row.results.values() for name in one.costs)
    of_seeds = {name: [one.costs.get(name) for one in row.results.values()] for name in names}
    return {
        name: {"unit": UNITS.get(name, ""), "values": [None if cost is None else _finite(cost.value) for cost in costs]}
        for name, costs in of_seeds.items()
    }


def _counts(row: RowResult, metric: Metric) -> Plain:
    """Return each seed's number of examples for which a proportion holds; nothing for other metrics."""
    return {metric.display.count: counts(row, metric.name)} if metric.kind is Kind.PROPORTION else {}


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _metric(analysis: Analysis, metric: Metric) -> Plain:
    """Return a metric with its effects: of the primary one they have verdicts, of the others they are for exploring."""
    about = analysis.by_metric[metric.name]
    return {
        "name": metric.name,
        "title": metric.title,
        "kind": metric.kind,
        **_unit(metric),
        "primary": metric.name == analysis.results.primary,
        "effects": [_effect(about, effect) for effect in about.effects],
    }


def _unit(metric: Metric) -> Plain:
    return {"unit": metric.unit, "direction": metric.direction, "scale": metric.scale}


def _limits(results: StudyResults, limits: RowLimits) -> Plain:
    """Return the limits of the tests of some rows, on each split."""
    labels = [row.label for row in (*results.rows, *results.references)]
    return {
        "rows": list(limits.rows) or labels,
        **{
            each.split: {
                each.nouns[1]: each.examples,
                "answerable": each.answerable,
                "unanswerable": [
                    {"reason": group.reason, each.nouns[1]: group.examples, "first": group.first}
                    for group in each.unanswerable
                ],
                "metrics": {metric: list(ends) for metric, ends in each.ranges.items()},
            }
            for each in limits.splits
        },
    }


def _tests_of(row: RowResult) -> Plain | None:
    """Return the data that a row was tested on; null without a result."""
    first = next(iter(row.tests), None)
    return None if first is None else {"fingerprint": first.data, **dict(first.sizes)}


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
        "totals": _totals(analysis.results.metric, analysis.pairing(contrast)),
        **({"bundles": [list(keys) for keys in contrast.bundles]} if contrast.bundles else {}),
        **_untested(contrast.untested),
    }


def _effect(analysis: Analysis, effect: Effect) -> Plain:
    return {
        "factor": effect.factor,
        "from": effect.baseline,
        "to": effect.level,
        "metric": analysis.results.metric.name,
        **_estimate(effect.estimate),
        "identified": effect.identified,
        "contexts": effect.contexts,
        "aliased_with": list(effect.aliased_with),
        "in_family": analysis.results.family.kind == "effects",
        **({"bundles": [list(effect.bundle)]} if effect.bundle else {}),
        **_untested(effect.untested),
    }


def _untested(untested: Untested | None) -> Plain:
    """Return why a comparison is not tested; nothing if it is, or if it only lacks results."""
    return {} if untested is None else {"untested": {"why": untested.why, "reasons": list(untested.reasons)}}


def _estimate(estimate: EffectEstimate) -> Plain:
    return {
        **units.amounts(
            estimate.metric,
            {
                "effect": estimate.effect,
                "ci": estimate.interval,
                "ci_simultaneous": estimate.agreeing,
                "ci_separate": estimate.separate,
            },
        ),
        "method": estimate.method,
        "seeds": estimate.seeds,
        "p": estimate.p,
        "p_holm": estimate.p_holm,
        "p_equivalence_holm": estimate.p_equivalence,
        "verdict": estimate.verdict,
        "more_seeds": estimate.more_seeds,
        **({} if estimate.constant is None else {"constant": estimate.constant}),
        **({"lacking": estimate.lacking} if estimate.lacking else {}),
    }


def _interaction(analysis: Analysis, interaction: Interaction) -> Plain:
    return {
        "factors": list(interaction.factors),
        "levels": list(interaction.levels),
        "metric": analysis.results.metric.name,
        "squares": interaction.squares,
        **units.amounts(
            interaction.estimate.metric,
            {"effect": interaction.estimate.effect, "ci": interaction.estimate.interval},
        ),
        "method": interaction.estimate.method,
        "seeds": interaction.estimate.seeds,
        "p": interaction.estimate.p,
        "p_exploring": interaction.p_exploring,
    }


def _totals(metric: Metric, pairing: Pairing | None) -> Plain | None:
    """Return the conclusions from two totals; null if outcomes of single examples are known."""
    if pairing is None:
        return None
    return {
        f"d_{metric.display.count}": pairing.difference,
        **units.amounts(metric, {"agresti_caffo": pairing.agresti_caffo}),
        "discordant": list(pairing.discordant),
        **units.amounts(metric, {"closest_ci": pairing.closest, "farthest_ci": pairing.farthest}),
        "significant_up_to": pairing.significant_up_to,
        "equivalent_up_to": pairing.equivalent_up_to,
        **units.spreads(metric, {"tipping_sd": pairing.tipping_sd}),
        "reading": pairing.reading,
    }


def _search(analysis: Analysis) -> Plain | None:
    """Return the search; null unless the plan has one."""
    search = analysis.search
    if search is None:
        return None
    return {
        "search_id": search.search_id,
        "sampler": search.sampler,
        "pruner": search.pruner,
        "seed": search.seed,
        "metrics": [metric.name for metric in search.metrics],
        "directions": {metric.name: str(metric.direction) for metric in search.metrics},
        "units": {metric.name: metric.unit for metric in search.metrics},
        "scales": {metric.name: str(metric.scale) for metric in search.metrics},
        "trials": search.trials,
        "hours": search.hours,
        "seconds": search.seconds,
        "dimensions": [asdict(axis) for axis in search.dimensions],
        "baseline": dict(search.baseline),
        "baseline_candidate": search.baseline_candidate.number if search.baseline_candidate else None,
        "baseline_is_best": search.is_baseline_best,
        "finalists_requested": search.top,
        "proposed": len(search.proposed),
        "finished": len(search.finished),
        "reused": len(search.reused),
        "steps_saved": search.steps_saved,
        "best": [one.number for one in search.front],
        "candidates": [asdict(one) for one in search.candidates],
        "finalists": [_finalist(analysis, search, one) for one in search.finalists],
        "importance": {metric: asdict(one) for metric, one in search.importance.items()},
        "importance_warning": NO_EFFECTS,
    }


def _finalist(analysis: Analysis, search: SearchResults, one: Finalist) -> Plain:
    row, winner, primary = test_row(analysis, one), search.finalists[0], analysis.results.primary
    of_row = row.values.get(primary) if row else None
    return {
        "label": one.label,
        "number": one.number,
        "validation": {name: _rerun(rerun) for name, rerun in one.reruns.items()},
        "test": {"mean": _finite(of_row.mean), "ci": _ends(analysis.interval(row, primary))}
        if row and of_row
        else None,
        "against_baseline": _brief_contrast(against_baseline(analysis, one)),
        "winner_against_it": None if one is winner else _brief_contrast(winner_against(analysis, winner, one)),
    }


def _rerun(rerun: FinalistRerun) -> Plain:
    return {
        "search": rerun.score,
        "mean": rerun.mean,
        "values": list(rerun.values),
        "without_score": rerun.unscored,
        "ci": rerun.interval,
        **units.amounts(rerun.metric, {"optimism": rerun.optimism, "ci_optimism": rerun.optimism_interval}),
        "direction": str(rerun.metric.direction),
        "unit": rerun.metric.unit,
    }


def _brief_contrast(contrast: Contrast | None) -> Plain | None:
    """Return the main values of a finalist's contrast; null if there is none."""
    if contrast is None:
        return None
    estimate = contrast.estimate
    amounts = units.amounts(estimate.metric, {"effect": estimate.effect, "ci": estimate.interval})
    return {**amounts, "p_holm": estimate.p_holm, "verdict": estimate.verdict}


def _ends(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)

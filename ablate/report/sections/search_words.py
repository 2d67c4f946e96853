"""The words for the candidates and finalists of a search, and its conclusions as sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ablate.analysis.analysis import Analysis
from ablate.analysis.contrasts import Contrast
from ablate.analysis.results import RowResult
from ablate.analysis.search.reruns import Finalist
from ablate.analysis.search.results import EvaluatedCandidate, SearchResults
from ablate.measurement import Direction, Metric, Scale
from ablate.report import units, wording
from ablate.report.tables import ReportSection
from ablate.study.factors import level_text
from ablate.text import listed
from ablate.trainers.costs import COST_NAMES

MOST_NAMED = 3
"""Candidates with the same score that are named one by one."""


def named(results: SearchResults, candidate: EvaluatedCandidate) -> str:
    """Return a candidate's number and values: `trial 17 (margin=0.213, omega=0.712)`."""
    labels = {finalist.number: finalist.label for finalist in results.finalists}
    return labels.get(candidate.number) or f"trial {candidate.number} ({placed(candidate.point)})"


def placed(point: Mapping[str, Any]) -> str:
    """Return the values of a point: `margin=0.213, omega=0.712`."""
    return ", ".join(f"{name}={point_value(value)}" for name, value in point.items())


def point_value(value: Any) -> str:
    """Return a value as a study file writes it, a fraction with three digits."""
    return f"{value:.3g}" if isinstance(value, float) else level_text(value)


def scores(results: SearchResults, one: EvaluatedCandidate) -> str:
    """Return the scores of a candidate: `top-1 27.05 %`."""
    return ", ".join(f"{each.title} {units.value_with_unit(each, one.scores[each.name])}" for each in results.metrics)


def short(finalist: Finalist) -> str:
    """Return `trial 17`."""
    return f"trial {finalist.number}"


def test_row(analysis: Analysis, finalist: Finalist) -> RowResult | None:
    """Return the row of a finalist in the plan of the search."""
    return next((row for row in analysis.results.rows if row.label == finalist.label), None)


def against_baseline(analysis: Analysis, finalist: Finalist) -> Contrast | None:
    """Return the contrast of a finalist with the baseline, on the test split."""
    row = test_row(analysis, finalist)
    return analysis.against_baseline.get(row.number) if row else None


def winner_against(analysis: Analysis, winner: Finalist, other: Finalist) -> Contrast | None:
    """Return the contrast of the first finalist with another one, on the test split."""
    after, before = test_row(analysis, winner), test_row(analysis, other)
    return analysis.contrasts.between(before, after) if after and before else None


def baseline_best_words(results: SearchResults) -> str:
    """Return the conclusion if no candidate was better than the baseline; empty if one was, or if it was none."""
    own = results.baseline_candidate
    if own is None or not results.is_baseline_best:
        return ""
    words = "the best candidate is the baseline itself; nothing tried was better"
    if not results.different:
        words = "only the baseline has a result"
    return f"{words} (trial {own.number}, {scores(results, own)}{split_words(results)}{level_words(results, own)})"


def level_words(results: SearchResults, candidate: EvaluatedCandidate) -> str:
    """Return the other trials with a candidate's score, as `; trial 3 has the same score`; empty if there are none.

    If all have it, the search chose nothing.
    """
    level = [f"trial {one.number}" for one in results.level_with(candidate)]
    if not level:
        return ""
    if len(level) > 1 and len(level) + 1 == sum(not one.repeats for one in results.finished):
        return "; all other candidates have the same score, so the search could not tell them apart"
    names = listed(level) if len(level) <= MOST_NAMED else f"{len(level)} other candidates"
    return f"; {names} {'has' if len(level) == 1 else 'have'} the same score"


def is_cost(metric: Metric) -> bool:
    """Return True for a metric of the training itself, which has no value on a split of the data."""
    return metric.name in COST_NAMES


def place_of(metric: Metric) -> str:
    """Return where a score on a metric comes from: `on validation`, or `of the training` for its cost."""
    return "of the training" if is_cost(metric) else "on validation"


def split_words(results: SearchResults) -> str:
    """Return ` on validation` if all scores come from there; otherwise empty, as some are costs of the training."""
    return "" if any(map(is_cost, results.metrics)) else " on validation"


def place_in_full(metric: Metric) -> str:
    """Return where a score comes from, in full: `on the validation split`, or `of the training` for a cost."""
    return place_of(metric).replace("validation", "the validation split")


def one_seed_words(metric: Metric) -> str:
    """Return the meaning of a drawn score: `One seed per candidate, on the validation split`."""
    return f"One seed per candidate{'' if is_cost(metric) else f', {place_in_full(metric)}'}"


def first_name(results: SearchResults) -> str:
    """Return the name of the first finalist, which is no winner if the baseline was better."""
    return "best other candidate" if results.is_baseline_best else "winner"


def ring_name(results: SearchResults) -> str:
    """Return the meaning of a numbered ring in a figure."""
    return f"finalist, 1 is the {first_name(results)}"


def in_words(analysis: Analysis, results: SearchResults) -> ReportSection:
    """Return the conclusions of a search as sentences; an empty section without finalists."""
    if not results.finalists:
        return ReportSection("")
    others = results.finalists[1:]
    notes = [f"{wording.sentence_case(words)}."] if (words := baseline_best_words(results)) else []
    notes.append(_first(analysis, results))
    if others:
        notes.append(_against_others(analysis, results, others))
    notes += [_optimism(results, metric) for metric in results.metrics]
    if others:
        notes += _best_reruns(results)
    if len(results.dimensions) > 1:
        names = listed([axis.name for axis in results.dimensions], "or")
        notes.append(
            "Candidates differ in all searched values at once: the verdict on a finalist is about its whole "
            f"configuration, not about {names} alone."
        )
    return ReportSection("Conclusions of the search", notes=notes, items=True)


def _first(analysis: Analysis, results: SearchResults) -> str:
    first = results.finalists[0]
    contrast, opening = (
        against_baseline(analysis, first),
        f"The {first_name(results)}, {first.label}, against the baseline",
    )
    if contrast is None:
        return f"{opening}: no result yet."
    return f"{opening}: {_size(contrast)}{wording.meaning(contrast, analysis.results)}."


def _size(contrast: Contrast) -> str:
    estimate = contrast.estimate
    if estimate.effect is None:
        return ""
    unit = units.difference_unit(estimate.metric)
    return f"{units.difference_and_interval(estimate.metric, estimate.effect, estimate.interval, unit)}: "


def _against_others(analysis: Analysis, results: SearchResults, others: Sequence[Finalist]) -> str:
    verdicts = []
    for other in others:
        contrast = winner_against(analysis, results.finalists[0], other)
        effect = contrast.estimate.effect if contrast else None
        size = ""
        if contrast is not None and effect is not None:
            size = f" {units.difference_with_unit(contrast.estimate.metric, effect)}"
        verdicts.append(f"{short(other)}{size}, {wording.phrase(contrast) if contrast else 'no result'}")
    return f"The {first_name(results)} against the other finalists: {'; '.join(verdicts)}."


def _optimism(results: SearchResults, metric: Metric) -> str:
    rerun = results.finalists[0].reruns[metric.name]
    name, first = metric.title, first_name(results)
    if rerun.score is None or rerun.mean is None or rerun.optimism is None:
        return f"The optimism of the search on {name} is not known: the {first} has no result on fresh seeds."
    among = wording.counted(len(results.different), "finished candidate")
    if results.baseline_candidate:
        among += " (without the baseline)"
    interval = rerun.optimism_interval
    ends = "" if interval is None else f" (optimism {units.difference_interval_text(metric, interval)})"
    gives = "gives" if len(rerun.values) == 1 else "give"
    chosen = f", chosen among {among}" if len(results.different) > 1 else ""
    return (
        f"In the search the {first} had {name} {units.value_with_unit(metric, rerun.score)} with one seed{chosen}; "
        f"{wording.counted(len(rerun.values), 'fresh seed')} {gives} {units.value_with_unit(metric, rerun.mean)}, "
        f"{_less_or_more(metric, -metric.direction.sign * rerun.optimism)}{ends}."
    )


def _less_or_more(metric: Metric, difference: float) -> str:
    """Return how the mean of fresh seeds differs from the score of the search: `0.17 pp more`, or `the same`."""
    if units.difference_text(metric, abs(difference)) == units.difference_text(metric, 0.0):
        return "the same"
    if metric.scale is Scale.LOG:
        return f"{units.difference_text(metric, difference)} as much"
    size = units.difference_with_unit(metric, abs(difference)).removeprefix("+")
    return f"{size} {'more' if difference > 0 else 'less'}"


def _best_reruns(results: SearchResults) -> Iterator[str]:
    """Return the best finalist on fresh seeds and, if it is not the first one, the price of choosing it."""
    first = results.finalists[0]
    for metric in results.metrics:
        best = results.best_rerun(metric.name)
        if best is None:
            continue
        name = f"{metric.title} {place_of(metric)}"
        mean = best.reruns[metric.name].mean or 0.0
        level = [one for one in results.finalists if one is not best and one.reruns[metric.name].mean == mean]
        again = f"by {name} ({units.value_with_unit(metric, mean)})"
        if first is best:
            same = f", level with {listed([short(one) for one in level])}" if level else ""
            yield f"On fresh seeds, too, the {first_name(results)} is the best finalist, by {name}{same}."
        else:
            yield (
                f"On fresh seeds {short(best)} is the best finalist, {again}. "
                f"Choosing it is safer than choosing by one seed. But {_flattered(metric)}, because the "
                "same seeds chose it."
            )


def _flattered(metric: Metric) -> str:
    """Return which way a result on the test split errs if it is that of the seeds that chose a finalist."""
    noun = "value" if is_cost(metric) else "test rate" if metric.is_rate else "test value"
    return f"its {noun} is then slightly too {'high' if metric.direction is Direction.MAXIMIZE else 'low'}"

"""Sentences about the limits of a study's tests: examples that cannot be answered, and metrics that cannot vary."""

from collections.abc import Iterator, Sequence
from math import isfinite, isnan

from ablate.analysis.analysis import Analysis
from ablate.analysis.results import StudyResults
from ablate.measurement import TEST, VALIDATION, Direction, Metric, Scale
from ablate.report import units
from ablate.study.plan.limits import RowLimits
from ablate.text import listed, listed_in_part
from ablate.trainers.limits import SplitLimits

MOST_NAMED = 4
"""Rows that are named; of more the sentence has the number."""


def limits(analysis: Analysis) -> Iterator[str]:
    """Yield what the tests cannot show, whatever is trained; nothing for tests without limits."""
    results = analysis.results
    for shared in results.document.limits:
        yield from _sentences(results, shared, TEST, results.metric)
        if analysis.search is not None:
            yield from _sentences(results, shared, VALIDATION, analysis.search.metric)
    value = analysis.constant
    if value is not None:
        yield (
            f"Every {results.metric.title} result is {units.value_with_unit(results.metric, value)}, so this report "
            "shows neither an effect nor the absence of one."
        )
    else:
        yield from _beyond_reach(results)


def _beyond_reach(results: StudyResults) -> Iterator[str]:
    """Yield a sentence if the values of a bounded metric leave no room for a change of delta, up or down."""
    metric = results.metric
    means = [row.values[metric.name].mean for row in results.rows if metric.name in row.values]
    if not means or isnan(results.delta) or metric.scale is Scale.LOG or not all(map(isfinite, metric.bounds)):
        return
    fall, rise, delta = max(means) - metric.bounds[0], metric.bounds[1] - min(means), results.delta
    declared = units.delta_text(metric, delta)
    ends = f"from {units.value_text(metric, min(means))} to {units.value_with_unit(metric, max(means))}"
    noun = "rates" if metric.is_rate else "values"
    if delta > max(fall, rise):
        yield (
            f"No change can reach delta ({declared}): with {noun} {ends}, none can be larger than "
            f"{units.spread_text(metric, max(fall, rise))}. So `no effect beyond delta` tells nothing here; use a "
            "smaller delta."
        )
    elif delta > min(fall, rise):
        side, room = ("decrease", fall) if fall < rise else ("increase", rise)
        word = {"decrease": "worse", "increase": "better"}[side]
        if metric.direction is Direction.MINIMIZE:
            word = {"worse": "better", "better": "worse"}[word]
        yield (
            f"No row can be {word} by delta ({declared}): the {noun}, {ends}, leave room for "
            f"{units.spread_text(metric, room)}. Use a smaller delta."
        )


def _sentences(results: StudyResults, shared: RowLimits, split: str, metric: Metric) -> Iterator[str]:
    """Yield the sentences about the test of some rows on one split, by the rows if not all share the limits."""
    limits = shared.on(split)
    if limits is None:
        return
    opening = f"{_named(shared)}: " if shared.rows else ""
    low, high = limits.ends(metric)
    reachable = units.range_text(metric, (low, high))
    ends = f"{metric.title} is {reachable}, whatever is trained" if reachable else ""
    if limits.unanswerable:
        reasons = "; ".join(f"{group.examples:,}: {group.reason}" for group in limits.unanswerable)
        answered = f"{limits.answerable:,} of {limits.examples:,} {split} {limits.nouns[1]} can be answered ({reasons})"
        yield f"{opening}{answered}{ends and f'; {ends}'}."
    elif ends:
        because = limits.because if low == high else f"some {limits.nouns[1]} cannot be missed"
        yield f"{opening}{ends} ({because})."
    fixed = [other for other in results.metrics.values() if other.name in limits.ranges and limits.is_fixed(other.name)]
    fixed = [other for other in fixed if other.name != metric.name]
    if fixed and limits.answerable:
        yield f"{opening}{_fixed(limits, fixed)} on the {split} split, whatever is trained ({limits.because})."


def _fixed(limits: SplitLimits, metrics: Sequence[Metric]) -> str:
    names = listed([metric.title for metric in metrics])
    value = units.value_with_unit(metrics[0], limits.ends(metrics[0])[1])
    return f"{names} {'is' if len(metrics) == 1 else 'are'} {value}"


def _named(shared: RowLimits) -> str:
    """Return `Row plain`; of many rows the first few, and how many more there are."""
    return f"Row{'s' if len(shared.rows) > 1 else ''} {listed_in_part(shared.rows, MOST_NAMED)}"

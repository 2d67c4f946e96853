"""Sentences about the limits of a study's tests: queries that cannot be answered, and metrics that cannot vary."""

from collections.abc import Iterator

from ablate.analysis.analysis import Analysis
from ablate.analysis.results import StudyResults
from ablate.report import wording
from ablate.study.plan.limits import TEST, VALIDATION, RowLimits
from ablate.text import listed
from ablate.trainers.limits import SplitLimits

MOST_NAMED = 4
"""Rows that are named; of more the sentence has the number."""


def limits(analysis: Analysis) -> Iterator[str]:
    """Yield what the tests cannot show, whatever is trained; nothing for tests without limits."""
    results = analysis.results
    for shared in results.document.limits:
        yield from _sentences(shared, TEST, results.primary)
        if analysis.search is not None:
            yield from _sentences(shared, VALIDATION, analysis.search.metric)
    rate = analysis.constant
    if rate is not None:
        yield (
            f"Every {wording.METRIC_NAMES[results.primary]} result is {_percent(rate)}, so this report shows "
            "neither an effect nor the absence of one."
        )
    else:
        yield from _beyond_reach(results)


def _beyond_reach(results: StudyResults) -> Iterator[str]:
    """Yield a sentence if these rates leave no room for a change of delta, up or down."""
    rates = [100 * row.metrics[results.primary].mean for row in results.rows if results.primary in row.metrics]
    if not rates:
        return
    fall, rise, delta = max(rates), 100 - min(rates), f"{results.delta:g} pp"
    if results.delta > max(fall, rise):
        yield (
            f"No change can reach delta ({delta}): with rates from {min(rates):.2f} to {max(rates):.2f} %, none can be "
            f"larger than {max(fall, rise):.2f} pp. So `no effect beyond delta` tells nothing here; use a smaller "
            "delta."
        )
    elif results.delta > min(fall, rise):
        side, room = ("worse", fall) if fall < rise else ("better", rise)
        yield (
            f"No row can be {side} by delta ({delta}): the rates, from {min(rates):.2f} to {max(rates):.2f} %, leave "
            f"room for {room:.2f} pp. Use a smaller delta."
        )


def _sentences(shared: RowLimits, split: str, metric: str) -> Iterator[str]:
    """Yield the sentences about the test of some rows on one split, by the rows if not all share the limits."""
    limits = shared.on(split)
    if limits is None:
        return
    opening = f"{_named(shared)}: " if shared.rows else ""
    name = wording.METRIC_NAMES[metric]
    low, high = limits.range(metric)
    bounds = [f"at least {_percent(low)}"] if low > 0 else []
    bounds += [f"at most {_percent(high)}"] if high < 1 else []
    ends = f"{name} is {' and '.join(bounds)}, whatever is trained" if bounds else ""
    if limits.unanswerable:
        reasons = "; ".join(f"{group.queries:,}: {group.reason}" for group in limits.unanswerable)
        answered = f"{limits.answerable:,} of {limits.queries:,} {split} queries can be answered ({reasons})"
        yield f"{opening}{answered}; {ends}."
    elif ends:
        because = limits.because if low == high else "some queries cannot be missed"
        yield f"{opening}{ends} ({because})."
    fixed = [other for other in wording.METRIC_NAMES if other != metric and limits.is_fixed(other)]
    if fixed and limits.answerable:
        yield f"{opening}{_fixed(limits, fixed)} on the {split} split, whatever is trained ({limits.because})."


def _fixed(limits: SplitLimits, metrics: list[str]) -> str:
    names = listed([wording.METRIC_NAMES[metric] for metric in metrics])
    verb = "is" if len(metrics) == 1 else "are"
    return f"{names} {verb} {_percent(limits.range(metrics[0])[1])}"


def _percent(rate: float) -> str:
    return f"{wording.rate(rate)} %"


def _named(shared: RowLimits) -> str:
    """Return `Row plain`; of many rows the first few, and how many more there are."""
    more = len(shared.rows) - MOST_NAMED
    names = [*shared.rows[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"Row{'s' if len(shared.rows) > 1 else ''} {listed(names)}"

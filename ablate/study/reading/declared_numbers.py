"""The numbers that a study declares about its claims: those that are accepted, and those that are hardly meant."""

import math
from collections.abc import Iterator

from ablate.measurement import Metric, Scale

MOST_ALPHA = 0.5
"""The largest error rate; with a larger one a claim is more often false than right."""
USUAL_DELTA = 0.5
"""The smallest effect that counts of a rate, in percentage points, if a study declares none."""
ERROR_RATE = f"an error rate, more than 0 and at most {MOST_ALPHA:g}"
USUAL_ALPHAS = (0.05, 0.01, 0.1, 0.001, 0.005, 0.025, 0.2)
UNUSUAL_ALPHA, STRICT_ALPHA = 0.2, 1e-4
"""An error rate above the first or below the second is accepted with a warning."""
LARGE_DELTA, SMALL_DELTA = 0.2, 1e-4
"""As a share of the largest possible effect: a delta above the first or below the second is accepted with a warning."""
LARGE_RATIO, SMALL_RATIO = 2.0, 1.0001
"""The same of a delta on a log scale, which is a ratio."""


def error_rate(alpha: float) -> float:
    """Return an error rate that is accepted; ValueError with what is accepted otherwise."""
    if 0 < alpha <= MOST_ALPHA:
        return alpha
    raise ValueError(ERROR_RATE)


def has_usual_delta(metric: Metric) -> bool:
    """Return True if a study about this metric need not declare a delta."""
    return metric.is_rate and metric.scale is Scale.LINEAR


def is_delta(metric: Metric, delta: float) -> bool:
    """Return True if an effect of this size, in the unit of shown effects, can be the smallest one that counts."""
    return delta > 1 if metric.scale is Scale.LOG else 0 < delta < largest_effect(metric)


def accepted_delta(metric: Metric, delta: float) -> str:
    """Return the accepted values in words, next to a value that is none of them."""
    if metric.scale is Scale.LOG:
        return "a ratio above 1; write 1.05 for five percent"
    largest, unit = largest_effect(metric), _unit(metric)
    if math.isinf(largest):
        return f"more than 0{unit}"
    what = "a rate" if metric.is_rate else metric.name
    why = f"; no change of {what} is larger" if delta > 0 else ", the smallest effect worth acting on"
    return f"more than 0 and less than {largest:g}{unit}{why}"


def example_delta(metric: Metric) -> float:
    """Return a delta that a message may give as an example."""
    largest = largest_effect(metric)
    return 0.02 if math.isinf(largest) else float(f"{largest / 100:.1g}")


def largest_effect(metric: Metric) -> float:
    """Return the largest possible difference of two values on a linear scale, as reports print it."""
    low, high = metric.bounds
    return (high - low) * metric.display.factor


def warnings(alpha: float, delta: float, metric: Metric) -> list[str]:
    """Return a sentence for each of the two numbers that is valid but hardly meant. `delta` is one of `metric`."""
    sentences = []
    if alpha > UNUSUAL_ALPHA:
        sentences.append(
            f"alpha is {alpha:g}: a study without any effect claims one with a probability of up to "
            f"{100 * alpha:g} %; 0.05 is usual"
        )
    if alpha < STRICT_ALPHA:
        sentences.append(f"alpha is {alpha:g}: hardly any number of seeds can show an effect; 0.05 is usual")
    return [*sentences, *(_of_ratio(delta) if metric.scale is Scale.LOG else _of_difference(delta, metric))]


def of_another_metric(delta: float, written_for: Metric, metric: Metric) -> list[str]:
    """Return a sentence if `delta` was written for a metric of another unit than `metric`, which it now stands for."""
    if _in_words(delta, written_for) == _in_words(delta, metric):
        return []
    was, now = ((_in_words(delta, one), one.name) for one in (written_for, metric))
    return [f"delta was written as {was[0]} of {was[1]}, and is now {now[0]} of {now[1]}; set `delta` too"]


def _in_words(delta: float, metric: Metric) -> str:
    return f"a ratio of {delta:g}" if metric.scale is Scale.LOG else f"{delta:g}{_unit(metric)}"


def _of_difference(delta: float, metric: Metric) -> Iterator[str]:
    share, usual = delta / largest_effect(metric), has_usual_delta(metric)
    if share > LARGE_DELTA:
        yield (
            f"delta is {delta:g}{_unit(metric)}: every smaller effect counts as none"
            + (f"; {USUAL_DELTA:g} is usual" if usual else "")
        )
    if 0 < share < SMALL_DELTA:
        yield (
            f"delta is {delta:g}{_unit(metric)}, which hardly any number of seeds can resolve"
            + (f"; it is no rate: for a rate of {delta:g} write {100 * delta:g}" if usual else "")
        )


def _of_ratio(delta: float) -> Iterator[str]:
    if delta > LARGE_RATIO:
        percent = f"; for {delta:g} percent write {1 + delta / 100:g}" if delta <= 100 else ""
        yield f"delta is {delta:g}, a ratio: every effect below a factor of {delta:g} counts as none{percent}"
    if delta < SMALL_RATIO:
        yield f"delta is {delta:.12g}, a ratio that hardly any number of seeds can resolve; five percent is 1.05"


def _unit(metric: Metric) -> str:
    """Return the unit of a delta on a linear scale, with a space before it; empty if there is none."""
    unit = "percentage points" if metric.is_rate else metric.display.difference_unit
    return f" {unit}" if unit else ""


def intended_error_rate(alpha: float) -> float | None:
    """Return the usual error rate that a confidence or a percentage stands for: 0.05 for 0.95, 5 and 95; else None."""
    rate = alpha / 100 if 1 <= alpha <= 100 else alpha
    return next((usual for usual in USUAL_ALPHAS if math.isclose(usual, rate) or math.isclose(usual, 1 - rate)), None)

"""The metrics of a search as goals: which of two candidates is better, whatever the direction of a metric."""

from collections.abc import Mapping, Sequence
from math import isfinite, nan

from ablate.measurement import Metric

Gains = tuple[float, ...]
"""The score of each metric of a search with the sign that makes larger ones better."""


def gains(metrics: Sequence[Metric], scores: Mapping[str, float]) -> Gains:
    """Return the gains of a candidate. `scores`: {metric: value}; KeyError without a value for each of `metrics`."""
    return tuple(metric.direction.sign * scores[metric.name] for metric in metrics)


def is_scored(metrics: Sequence[Metric], scores: Mapping[str, float] | None) -> bool:
    """Return True if there is a finite score for each metric: only such candidates can be compared."""
    return scores is not None and all(isfinite(scores.get(metric.name, nan)) for metric in metrics)


def dominates(one: Gains, other: Gains) -> bool:
    """Return True if the first is as good on all metrics and better on one."""
    return one != other and all(own >= its for own, its in zip(one, other, strict=True))


def is_better_somewhere(one: Gains, other: Gains) -> bool:
    """Return True if the first is better on a metric."""
    return any(own > its for own, its in zip(one, other, strict=True))

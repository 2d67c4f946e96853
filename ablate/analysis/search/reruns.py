"""Finalists of a search on fresh seeds: their means, and how optimistic the scores of the search were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from statistics import fmean

import numpy as np

from ablate.analysis.stats.resolution import variance_of_seeds
from ablate.analysis.stats.t_tests import t_interval
from ablate.measurement import Kind, Metric, Scale
from ablate.store.results import StoredValue


@dataclass(frozen=True)
class FinalistRerun:
    """A finalist on one metric, in the metric's unit. On a log scale, means and differences are those of logarithms."""

    metric: Metric
    score: float | None
    """Its score in the search, of one seed."""
    values: tuple[float, ...]
    """Its scores with fresh seeds, finite ones only."""
    confidence: float
    n: int = 0
    """The number of examples that each of its scores with fresh seeds is the mean over; 0 if it is not known."""
    unscored: int = 0
    """The number of further fresh seeds, which have a result without a finite score."""

    @property
    def mean(self) -> float | None:
        """The mean of `values`, on a log scale the geometric one; None without any, and if it is `off_scale`."""
        return self._value(fmean(self._compared(self.values))) if self.values and not self.off_scale else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval of the mean, by Student's t over the fresh seeds.

        It is None with fewer than two seeds. Seeds that agree exactly still spread by the rounding of a proportion to
        whole examples; of other metrics, no rounding is known, so that there is no interval.
        """
        ends = self._compared_interval
        if ends is None:
            return None
        low, high = self.metric.bounds
        return max(low, self._value(ends[0])), min(high, self._value(ends[1]))

    @property
    def off_scale(self) -> tuple[float, ...]:
        """The values that have no place on a log scale, as they are not positive; empty on any other scale."""
        every = self.values if self.score is None else (self.score, *self.values)
        return tuple(value for value in every if value <= 0) if self.metric.scale is Scale.LOG else ()

    @property
    def is_constant(self) -> bool:
        """True if several fresh seeds agree exactly, so that there is no interval."""
        return len(self.values) > 1 and not self.off_scale and self._compared_interval is None

    @property
    def optimism(self) -> float | None:
        """How much better the search's score is than the mean of the fresh seeds; negative if it is worse.

        It is a difference in the metric's unit; on a log scale, a difference of natural logarithms.
        """
        if self.score is None or self.mean is None:
            return None
        score, mean = self._compared((self.score, self.mean))
        return self.metric.direction.sign * (score - mean)

    @property
    def optimism_interval(self) -> tuple[float, float] | None:
        """The interval of the optimism. The score is an observed number, so that only the mean is uncertain."""
        if self.score is None or self.interval is None:
            return None
        score, *ends = self._compared((self.score, *self.interval))
        one, other = (self.metric.direction.sign * (score - end) for end in ends)
        return min(one, other), max(one, other)

    @property
    def _compared_interval(self) -> tuple[float, float] | None:
        if len(self.values) < 2 or self.off_scale:
            return None
        values = np.array(self._compared(self.values))
        error = np.sqrt(variance_of_seeds(values, self._resolution) / len(values))
        if np.isnan(error):
            return None
        low, high = t_interval(values.mean(), error, np.array(float(len(values) - 1)), self.confidence)
        return float(low), float(high)

    @property
    def _resolution(self) -> float:
        return 1 / self.n if self.metric.kind is Kind.PROPORTION and self.n else 0.0

    def _compared(self, values: Sequence[float]) -> list[float]:
        """Return values as they are compared: their logarithms on a log scale."""
        return [log(value) for value in values] if self.metric.scale is Scale.LOG else list(values)

    def _value(self, compared: float) -> float:
        return exp(compared) if self.metric.scale is Scale.LOG else compared


@dataclass(frozen=True)
class Finalist:
    """A candidate that was trained again, with fresh seeds."""

    label: str
    """The label of its row in the plan."""
    number: int
    """Its number among the candidates."""
    reruns: Mapping[str, FinalistRerun]
    """{metric: its results on the validation split}."""


def rerun(
    metric: Metric, score: float | None, values: Sequence[StoredValue | None], confidence: float
) -> FinalistRerun:
    """Return a finalist on a metric. `values`: those of its trials with fresh seeds, None if the metric is missing."""
    finite = [one for one in values if one is not None and isfinite(one.value)]
    n = min((one.n for one in finite if one.n), default=0)
    return FinalistRerun(metric, score, tuple(one.value for one in finite), confidence, n, len(values) - len(finite))

"""Intervals of each row's own rate, and the rows whose spread is larger than that of the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.observations import Observations, compared, observations_of, row_spread
from ablate.analysis.estimation.row_spreads import RowSpread
from ablate.analysis.results import RowResult, RowValues, StudyResults
from ablate.analysis.stats.clusters import variance_of_mean
from ablate.analysis.stats.proportions import wilson
from ablate.analysis.stats.resolution import known_variance, resolution_variance, variance_of_seeds
from ablate.analysis.stats.t_tests import t_interval
from ablate.measurement import Kind, Metric, Scale

Floats = NDArray[np.float64]

ROUNDING = 1e-9
"""Variances that differ by a smaller share are equal."""


@dataclass(frozen=True)
class NoisyRow:
    """A row whose seeds spread more than those of the other rows."""

    row: RowResult
    sd: float
    """The SD of its runs over the seeds that it shares with other rows."""
    others_sd: float
    """The SD of the other rows' runs over the same seeds."""
    p: float
    """The p of the check of equal spread."""


@dataclass(frozen=True)
class UnequalSpread:
    """A row for which the check of equal spread fails, though it does not spread more than the other rows.

    The check compares changes from seed to seed. With few common seeds it finds that some row differs, but not which.
    """

    row: RowResult
    p: float
    """The p of the check of equal spread."""


@dataclass(frozen=True)
class RowIntervals:
    """Intervals of the rows' means. The spread between seeds is pooled over all rows, except noisy ones."""

    results: StudyResults
    observations: Observations
    """On the metric that the analysis is about."""

    @cached_property
    def noisy_rows(self) -> list[NoisyRow]:
        """Rows with more spread than all others can explain, and than each other row has."""
        return [
            NoisyRow(self.results.rows[at], float(np.sqrt(own)), float(np.sqrt(others)), self._noisy_p(at))
            for at, (own, others) in self._spreads_of_noisy.items()
        ]

    @cached_property
    def unequal_spreads(self) -> list[UnequalSpread]:
        """Rows that fail the check of equal spread without being among `noisy_rows`."""
        noisy = self._spreads_of_noisy
        rows = [int(at) for at in np.flatnonzero(self.observations.noisy) if at not in noisy]
        return [UnequalSpread(self.results.rows[at], self._noisy_p(at)) for at in rows if self.results.rows[at].seeds]

    def _noisy_p(self, at: int) -> float:
        return float(self.observations.variance_model.noisy_p[self.observations.groups[at]])

    @cached_property
    def _spreads_of_noisy(self) -> Mapping[int, tuple[float, float]]:
        """{position of a noisy row: its variance and that of the rows that are not noisy, on common seeds}.

        Rows with different numbers of seeds are compared on the seeds that both have.
        """
        spreads = {}
        for at in map(int, np.flatnonzero(self.observations.noisy)):
            pairs = self._variances_on_common_seeds(at)
            if len(pairs) and np.all(pairs[:, 0] > (1 + ROUNDING) * pairs[:, 1]):
                own, others = np.average(pairs[:, :2], axis=0, weights=pairs[:, 2])
                spreads[at] = float(own), float(others)
        return spreads

    def _variances_on_common_seeds(self, at: int) -> Floats:
        """Return a row's variance, the other row's, and the df, for each row that is not noisy; shape (rows, 3)."""
        observations = self.observations
        own = observations.values[at]
        pairs = []
        for other in map(int, np.flatnonzero(~observations.noisy)):
            values = observations.values[other]
            common = ~np.isnan(own) & ~np.isnan(values)
            if common.sum() > 1:
                variances = variance_of_seeds(np.stack([own[common], values[common]]), observations.resolution)
                pairs.append([*np.nan_to_num(variances).tolist(), float(common.sum() - 1)])
        return np.array(pairs, dtype=float).reshape(-1, 3)

    def interval(self, row: RowResult, name: str) -> tuple[float, float] | None:
        """Return the interval of a row's mean on a metric at 1 − alpha, in the metric's unit; None if it has none.

        With several seeds, Student's t on the seeds, with the variance pooled over all rows; a noisy row and a
        reference use their own variance, and so does every row if rows are not paired by seed. On a log scale, it is
        the interval of the geometric mean. With one seed, Wilson's interval of a proportion, and Student's t on the
        examples of another metric, if they are known and the analysis is about it.
        """
        metric, of_row = self.results.metrics[name], row.values[name]
        if self.results.unpaired:
            spread = self._own_spread(row, metric)
            if spread.runs != 1:
                return self._over_runs(spread, of_row, metric)
        if self.results.different_seeds(row) > 1:
            return self._over_seeds(row, of_row, metric)
        if metric.kind is not Kind.PROPORTION:
            return self._over_examples(row, metric)
        if not of_row.n or not 0 <= of_row.mean <= 1:
            return None
        low, high = wilson(of_row.mean * of_row.n, of_row.n, 1 - self.results.alpha)
        return float(low), float(high)

    def _own_spread(self, row: RowResult, metric: Metric) -> RowSpread:
        return row_spread(row, metric, self.results, resolution_variance(self._observations[metric.name].resolution))

    def _over_runs(self, spread: RowSpread, of_row: RowValues, metric: Metric) -> tuple[float, float] | None:
        """Return the interval of a row that is not paired with others, by t on its own runs; None without a spread."""
        values = compared(np.array(of_row.values, dtype=float), metric)
        if spread.lacking or not np.isfinite(values).all():
            return None
        return self._around(values, spread.variance / spread.runs, float(spread.runs - 1), metric)

    def _over_examples(self, row: RowResult, metric: Metric) -> tuple[float, float] | None:
        """Return the interval of the mean over the examples of a row's first seed, by t; None if they are not known."""
        if metric.name != self.results.metric.name:
            return None
        trial = next(iter(row.trials.values()))
        values = self.results.examples.get(metric.name, {}).get(trial)
        if values is None or metric.scale is Scale.LOG or not np.isfinite(values).all():
            return None
        numbers = values.astype(float)
        variance, df = variance_of_mean(numbers, self.results.clusters.get(trial))
        known = known_variance(variance, 0.0, np.abs(numbers).max(initial=0.0))
        return self._around(numbers, float(known), df, metric)

    def _over_seeds(self, row: RowResult, of_row: RowValues, metric: Metric) -> tuple[float, float] | None:
        values = compared(np.array(of_row.values, dtype=float), metric)
        if not np.isfinite(values).all():
            return None
        if row.label in self._own_variance:
            resolution = self._observations[metric.name].resolution
            variance, df = float(variance_of_seeds(values, resolution)), float(len(values) - 1)
        else:
            variance, df = map(float, self._observations[metric.name].variance_model.mean_variance)
        return self._around(values, variance / self.results.different_seeds(row), df, metric)

    def _around(self, values: Floats, variance: float, df: float, metric: Metric) -> tuple[float, float] | None:
        """Return the interval around the mean of values by Student's t, within the metric's bounds; None without error.

        `variance`: of the mean, with `df` degrees of freedom. On a log scale, values are logarithms, the ends are not.
        """
        error = np.sqrt(np.array(variance))
        ends = t_interval(np.array(values.mean()), error, np.array(df), 1 - self.results.alpha)
        low, high = (metric.of_compared(float(end)) for end in ends)
        return None if np.isnan(low) else (max(metric.bounds[0], low), min(metric.bounds[1], high))

    @cached_property
    def _own_variance(self) -> frozenset[str]:
        """The labels of rows that use their own variance: noisy rows, and references, which no row is compared with."""
        return frozenset(row.label for row in (*(noisy.row for noisy in self.noisy_rows), *self.results.references))

    @cached_property
    def _observations(self) -> Mapping[str, Observations]:
        """{metric: observations without examples}."""
        return {metric.name: observations_of(self.results, metric) for metric in self.results.measured}

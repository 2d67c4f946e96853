"""Intervals of each row's own rate, and the rows whose spread is larger than that of the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.observations import Observations, precision_observations, rate_observations
from ablate.analysis.results import MeanPrecision, RowRates, RowResult, StudyResults
from ablate.analysis.stats.proportions import wilson
from ablate.analysis.stats.resolution import variance_of_seeds
from ablate.analysis.stats.t_tests import t_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NoisyRow:
    """A row whose seeds spread more than those of the other rows."""

    row: RowResult
    sd: float
    """The SD of its runs, in pp, over the seeds that it shares with other rows."""
    others_sd: float
    """The SD of the other rows' runs, in pp, over the same seeds."""
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
    """Intervals of the rows' rates. The spread between seeds is pooled over all rows, except noisy ones."""

    results: StudyResults
    observations: Observations
    """On the primary metric."""

    @cached_property
    def noisy_rows(self) -> list[NoisyRow]:
        """Rows with more spread on the primary metric than all others can explain, and than each other row has."""
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
        """{position of a noisy row: its variance and that of the rows that are not noisy, in pp², on common seeds}.

        Rows with different numbers of seeds are compared on the seeds that both have.
        """
        spreads = {}
        for at in map(int, np.flatnonzero(self.observations.noisy)):
            pairs = self._variances_on_common_seeds(at)
            if len(pairs) and np.all(pairs[:, 0] > pairs[:, 1]):
                own, others = np.average(pairs[:, :2], axis=0, weights=pairs[:, 2])
                spreads[at] = float(own), float(others)
        return spreads

    def _variances_on_common_seeds(self, at: int) -> Floats:
        """Return a row's variance, the other row's, and the df, for each row that is not noisy; shape (rows, 3)."""
        observations = self.observations
        own = observations.rates[at]
        pairs = []
        for other in map(int, np.flatnonzero(~observations.noisy)):
            rates = observations.rates[other]
            common = ~np.isnan(own) & ~np.isnan(rates)
            if common.sum() > 1:
                queries = min(int(observations.n[at]), int(observations.n[other]))
                variances = variance_of_seeds(np.stack([own[common], rates[common]]), queries)
                pairs.append([*variances.tolist(), float(common.sum() - 1)])
        return np.array(pairs, dtype=float).reshape(-1, 3)

    def interval(self, row: RowResult, metric: str) -> tuple[float, float]:
        """Return the interval of a row's rate at 1 − alpha, in [0, 1].

        With one seed, Wilson's. With several seeds, Student's t on the seeds, with the variance pooled over all rows; a
        noisy row and a reference use their own variance.
        """
        rate = row.metrics[metric]
        if self.results.different_seeds(row) < 2:
            low, high = wilson(sum(rate.hits) / len(rate.hits), rate.n, 1 - self.results.alpha)
            return float(low), float(high)
        return self._over_seeds(row, rate, metric)

    def precision_interval(self, row: RowResult, name: str) -> tuple[float, float] | None:
        """Return the interval of a row's mAP or mAP@R over its seeds, as `interval` does; None with one seed."""
        return self._over_seeds(row, row.precisions[name], name) if self.results.different_seeds(row) > 1 else None

    def _over_seeds(self, row: RowResult, measure: RowRates | MeanPrecision, name: str) -> tuple[float, float]:
        if row.label in self._own_variance:
            values = 100 * np.array(measure.values)
            variance, df = float(variance_of_seeds(values, self._queries(row))), float(len(values) - 1)
        else:
            variance, df = self._pooled_variances[name]
        error = np.sqrt(np.array(variance / self.results.different_seeds(row)))
        low, high = t_interval(np.array(100 * measure.mean), error, np.array(df), 1 - self.results.alpha)
        return max(0.0, float(low) / 100), min(1.0, float(high) / 100)

    def _queries(self, row: RowResult) -> int:
        return next((rate.n for rate in row.metrics.values()), self.results.queries or 0)

    @cached_property
    def _own_variance(self) -> frozenset[str]:
        """The labels of rows that use their own variance: noisy rows, and references, which no row is compared with."""
        return frozenset(row.label for row in (*(noisy.row for noisy in self.noisy_rows), *self.results.references))

    @cached_property
    def _pooled_variances(self) -> Mapping[str, tuple[float, float]]:
        """{metric: (variance of one run about its row's mean in pp², its df)}."""
        names = {name for row in self.results.rows for name in row.metrics}
        variances = {name: rate_observations(self.results, name).variance_model.mean_variance for name in names}
        for name in self.results.precisions:
            variances[name] = precision_observations(self.results, name).variance_model.mean_variance
        return {name: (float(variance), float(df)) for name, (variance, df) in variances.items()}

"""Intervals of each row's own rate, and the rows whose spread is larger than that of the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ablate.analysis.estimation.observations import Observations, precision_observations, rate_observations
from ablate.analysis.results import MeanPrecision, Metric, RowResult, StudyResults
from ablate.analysis.stats.proportions import wilson
from ablate.analysis.stats.t_tests import t_interval


@dataclass(frozen=True)
class NoisyRow:
    """A row whose seeds spread more than those of the other rows."""

    row: RowResult
    sd: float
    """The SD of its runs, in pp."""
    others_sd: float
    """The SD of the other rows' runs, in pp."""
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
        """Rows with more spread on the primary metric than that of all others can explain."""
        observations = self.observations
        if not observations.noisy.any():
            return []
        repeated = np.sum(~np.isnan(observations.rates), axis=1) > 1
        variances = np.full(len(observations.n), np.nan)
        variances[repeated] = np.nanvar(observations.rates[repeated], axis=1, ddof=1)
        return [
            NoisyRow(
                self.results.rows[at],
                float(np.sqrt(variances[at])),
                float(np.sqrt(np.nanmean(np.delete(variances, at)))),
                float(observations.variance_model.noisy_p[observations.groups[at]]),
            )
            for at in np.flatnonzero(observations.noisy & repeated)
        ]

    def interval(self, row: RowResult, metric: str) -> tuple[float, float]:
        """Return the interval of a row's rate at 1 − alpha, in [0, 1].

        With one seed, Wilson's. With several seeds, Student's t on the seeds, with the variance pooled over all rows; a
        noisy row and a reference use their own variance.
        """
        rate = row.metrics[metric]
        if len(row.seeds) < 2:
            low, high = wilson(sum(rate.hits) / len(rate.hits), rate.n, 1 - self.results.alpha)
            return float(low), float(high)
        return self._over_seeds(row, rate, metric)

    def precision_interval(self, row: RowResult, name: str) -> tuple[float, float] | None:
        """Return the interval of a row's mAP or mAP@R over its seeds, as `interval` does; None with one seed."""
        return self._over_seeds(row, row.precisions[name], name) if len(row.seeds) > 1 else None

    def _over_seeds(self, row: RowResult, measure: Metric | MeanPrecision, name: str) -> tuple[float, float]:
        if row.label in self._own_variance:
            variance, df = float(np.var(100 * np.array(measure.values), ddof=1)), float(len(measure.values) - 1)
        else:
            variance, df = self._pooled_variances[name]
        error = np.sqrt(np.array(variance / len(row.seeds)))
        low, high = t_interval(np.array(100 * measure.mean), error, np.array(df), 1 - self.results.alpha)
        return max(0.0, float(low) / 100), min(1.0, float(high) / 100)

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

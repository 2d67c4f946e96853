"""The spread between seeds: `metric ~ row + seed`, its residual variance, and whether all rows share it.

Arrays are (..., rows, seeds), with any number of studies in front; values that are missing are nan, and missing at
the same places in every study. Rates are in percentage points throughout.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NOISY = 0.05
"""Level of the check of equal spread, over all rows."""


@dataclass(frozen=True)
class VarianceModel:
    """What rows and seeds leave unexplained. `floor`: the least variance that is believed, in pp².

    A rate is known to one query only, so that two runs may agree to the last one by luck; below the variance of
    such rounding, a twelfth of a query squared (Sheppard 1898), nothing can be seen.
    """

    rates: Floats
    floor: float = 0.0

    @cached_property
    def present(self) -> Bools:
        """Which cells have a value, shape (rows, seeds)."""
        present: Bools = ~np.isnan(self.rates[(0,) * (self.rates.ndim - 2)])
        return present

    @property
    def rows(self) -> int:
        """How many rows have any value."""
        return int(self.present.any(axis=1).sum())

    @cached_property
    def df(self) -> int:
        """Residual degrees of freedom, (rows − 1)(seeds − 1) where nothing is missing; 0 or less: no variance."""
        return _df(self.present)

    @cached_property
    def variance(self) -> Floats:
        """Residual variance of one run, pp², shape (...); nan where df is 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            raw = self._unexplained / self.df if self.df > 0 else np.full(self._unexplained.shape, np.nan)
        return np.maximum(raw, self.floor)

    @cached_property
    def noisy_p(self) -> Floats:
        """Of each row, the p of the largest-variance check, Bonferroni's correction included; shape (..., rows).

        F of the row's own part of the residual variance against that of all others, which is exact for normal
        residuals (the row as the outlier; Cochran's C is the same test). nan where there is too little to compare.
        """
        found = np.full((*self.rates.shape[:-2], len(self.present)), np.nan)
        own_squares = np.sum(self._within**2, axis=-1)
        sums, squares = self._within.sum(axis=-2), own_squares.sum(axis=-1)
        for pattern in np.unique(self.present, axis=0):
            alike = np.flatnonzero((self.present == pattern).all(axis=1))
            others = np.delete(self.present, alike[0], axis=0)
            df = _df(others)
            own = self.df - df
            if df <= 0 or own <= 0:
                continue
            rest_sums = sums[..., None, :] - self._within[..., alike, :]
            rest = squares[..., None] - own_squares[..., alike] - _explained(rest_sums, others)
            within = np.maximum(self._unexplained[..., None] - rest, 0.0) / own
            rest_variance = np.maximum(np.maximum(rest, 0.0) / df, max(self.floor, np.finfo(float).tiny))
            found[..., alike] = special.fdtrc(own, df, within / rest_variance)
        tested = np.sum(~np.isnan(found[(0,) * (found.ndim - 1)]))
        corrected: Floats = np.minimum(1.0, found * tested)
        return corrected

    @cached_property
    def noisy(self) -> Bools:
        """Rows whose spread is larger than that of the others can explain, shape (..., rows)."""
        return self.noisy_p <= NOISY

    @cached_property
    def mean_variance(self) -> tuple[Floats, Floats]:
        """Variance of one run about its row's mean, seeds' shared part included, and its df by Satterthwaite.

        It is the pooled variance within rows: MS_seed / rows + (1 − 1/rows)·MS_residual in a full table.
        """
        counts = self.present.sum(axis=1)
        rows, seeds = int((counts > 0).sum()), int(self.present.any(axis=0).sum())
        free = int((counts - 1)[counts > 0].sum())
        if free <= 0:
            nothing = np.full(self.rates.shape[:-2], np.nan)
            return nothing, nothing
        pooled = np.maximum(np.sum(self._within**2, axis=(-2, -1)) / free, self.floor)
        if self.df <= 0:
            return pooled, np.full(pooled.shape, float(free))
        residual = (1 - 1 / rows) * self.variance
        shared = np.maximum(pooled - residual, 0.0)
        return pooled, pooled**2 / (shared**2 / (seeds - 1) + residual**2 / self.df)

    @cached_property
    def _within(self) -> Floats:
        """Values less their row's mean, 0 where missing."""
        kept = np.where(self.present, self.rates, 0.0)
        means = kept.sum(axis=-1, keepdims=True) / np.maximum(self.present.sum(axis=1, keepdims=True), 1)
        return np.where(self.present, kept - means, 0.0)

    @cached_property
    def _unexplained(self) -> Floats:
        """Residual sum of squares of `row + seed`."""
        explained = _explained(self._within.sum(axis=-2), self.present)
        found: Floats = np.maximum(np.sum(self._within**2, axis=(-2, -1)) - explained, 0.0)
        return found


def _explained(sums: Floats, present: Bools) -> Floats:
    """The sum of squares that seeds explain, from each seed's sum of values less their row's mean."""
    found: Floats = np.einsum("...s,st,...t->...", sums, np.linalg.pinv(_seed_matrix(present)), sums)
    return found


def _seed_matrix(present: Bools) -> Floats:
    """The normal equations of the seeds once rows are eliminated, shape (seeds, seeds)."""
    counts = present.sum(axis=1)
    shares = present[counts > 0] / counts[counts > 0, None]
    matrix: Floats = np.diag(present.sum(axis=0).astype(float)) - present[counts > 0].T @ shares
    return matrix


def _df(present: Bools) -> int:
    """Cells, less the rows that have any, less the seeds that they can be compared by."""
    rank = int(np.linalg.matrix_rank(_seed_matrix(present), hermitian=True)) if present.any() else 0
    return int(present.sum()) - int(present.any(axis=1).sum()) - rank

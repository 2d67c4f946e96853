"""The spread between seeds: the model `metric ~ row + seed`, its residual variance, and a check that rows share it.

Arrays have the shape (..., rows, seeds); leading dimensions are studies. A missing value is nan, and it is missing at
the same places in every study. Variances are in the unit of the values, squared.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablate.analysis.stats.resolution import SAME, known_variance

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SINGULAR = 1e-10
"""An eigenvalue of the seeds' normal equations below this share of the largest one is rounding: it is 0. With many
rows, rounding is larger than numpy's own limits."""
ROUNDING = 1e-12
"""A remainder that is a smaller share of the sum of squares is 0: it comes from rounding in floats."""
NOISY = 0.05
"""Level of the check of equal spread, over all rows together."""


@dataclass(frozen=True)
class VarianceModel:
    """The variance that rows and seeds leave unexplained."""

    values: Floats
    """Values of one metric, shape (..., rows, seeds); nan if missing."""
    floor: float = 0.0
    """The smallest variance that is used: that of the metric's resolution, see `resolution_variance`. With 0, the
    variance of values that agree exactly is nan: it is not known."""

    @cached_property
    def present(self) -> Bools:
        """True for each run that has a value, shape (rows, seeds)."""
        present: Bools = ~np.isnan(self.values[(0,) * (self.values.ndim - 2)])
        return present

    @property
    def rows(self) -> int:
        """The number of rows that have any value."""
        return int(self.present.any(axis=1).sum())

    @cached_property
    def df(self) -> int:
        """Residual degrees of freedom: (rows − 1)(seeds − 1) if nothing is missing. With 0 or less, no variance."""
        return _df(self.present)

    @cached_property
    def variance(self) -> Floats:
        """Residual variance of one run, shape (...); nan if df is 0."""
        with np.errstate(invalid="ignore", divide="ignore"):
            raw = self._unexplained / self.df if self.df > 0 else np.full(self._unexplained.shape, np.nan)
        return known_variance(raw, self.floor, self.largest)

    @cached_property
    def noisy_p(self) -> Floats:
        """The p of the largest-variance check for each row, with Bonferroni's correction; shape (..., rows).

        F of the row's own part of the residual variance against that of all others, which is exact for normal
        residuals (the row as the outlier; Cochran's C is the same test). nan if there is too little to compare.
        """
        p = np.full((*self.values.shape[:-2], len(self.present)), np.nan)
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
            rest_squares = squares[..., None] - own_squares[..., alike]
            rest = _remainder(rest_squares - _explained(rest_sums, others), squares[..., None])
            within = np.maximum(self._unexplained[..., None] - rest, 0.0) / own
            least = np.maximum(np.maximum(self.floor, np.square(SAME * self.largest)), np.finfo(float).tiny)
            rest_variance = np.maximum(rest / df, least[..., None])
            p[..., alike] = special.fdtrc(own, df, within / rest_variance)
        tested = np.sum(~np.isnan(p[(0,) * (p.ndim - 1)]))
        corrected: Floats = np.minimum(1.0, p * tested)
        return corrected

    @cached_property
    def noisy(self) -> Bools:
        """True for rows with more spread than the other rows can explain, shape (..., rows)."""
        return self.noisy_p <= NOISY

    @cached_property
    def mean_variance(self) -> tuple[Floats, Floats]:
        """Variance of one run about its row's mean, with the part that seeds share, and its df by Satterthwaite.

        It is the pooled variance within rows: MS_seed / rows + (1 − 1/rows)·MS_residual in a full table. Both nan if
        no row has two values.
        """
        counts = self.present.sum(axis=1)
        rows, seeds = int((counts > 0).sum()), int(self.present.any(axis=0).sum())
        free = int((counts - 1)[counts > 0].sum())
        if free <= 0:
            nan = np.full(self.values.shape[:-2], np.nan)
            return nan, nan
        pooled = known_variance(np.sum(self._within**2, axis=(-2, -1)) / free, self.floor, self.largest)
        if self.df <= 0:
            return pooled, np.full(pooled.shape, float(free))
        residual = (1 - 1 / rows) * np.nan_to_num(self.variance)  # nan: the seeds explain all of the spread
        shared = np.maximum(pooled - residual, 0.0)
        return pooled, pooled**2 / (shared**2 / (seeds - 1) + residual**2 / self.df)

    @cached_property
    def largest(self) -> Floats:
        """The largest absolute value, shape (...)."""
        largest: Floats = np.abs(np.where(self.present, self.values, 0.0)).max(axis=(-2, -1), initial=0.0)
        return largest

    @cached_property
    def _within(self) -> Floats:
        """Values minus the mean of their row; 0 if missing."""
        kept = np.where(self.present, self.values, 0.0)
        means = kept.sum(axis=-1, keepdims=True) / np.maximum(self.present.sum(axis=1, keepdims=True), 1)
        return np.where(self.present, kept - means, 0.0)

    @cached_property
    def _unexplained(self) -> Floats:
        """The residual sum of squares of `row + seed`, shape (...)."""
        squares = np.sum(self._within**2, axis=(-2, -1))
        return _remainder(squares - _explained(self._within.sum(axis=-2), self.present), squares)


def _explained(sums: Floats, present: Bools) -> Floats:
    """Return the sum of squares that seeds explain. `sums`: over each seed's values minus the means of their rows."""
    inverse = np.linalg.pinv(_seed_matrix(present), rcond=SINGULAR, hermitian=True)
    explained: Floats = np.einsum("...s,st,...t->...", sums, inverse, sums)
    return explained


def _remainder(difference: Floats, total: Floats) -> Floats:
    """Return a difference of sums of squares, of which the largest is `total`; 0 if it is rounding in floats."""
    return np.where(difference > ROUNDING * total, difference, 0.0)


def _seed_matrix(present: Bools) -> Floats:
    """Return the normal equations of the seeds after rows are eliminated, shape (seeds, seeds)."""
    counts = present.sum(axis=1)
    shares = present[counts > 0] / counts[counts > 0, None]
    matrix: Floats = np.diag(present.sum(axis=0).astype(float)) - present[counts > 0].T @ shares
    return matrix


def _df(present: Bools) -> int:
    """Return the number of values, minus the rows that have any, minus the seed differences that can be estimated."""
    rank = 0
    if present.any():
        sizes = np.abs(np.linalg.eigvalsh(_seed_matrix(present)))
        rank = int(np.sum(sizes > SINGULAR * sizes.max()))
    return int(present.sum()) - int(present.any(axis=1).sum()) - rank

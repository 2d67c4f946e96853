"""Adjustment of p-values for the number of hypotheses in a family, of size m. Leading dimensions are a batch."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def holm(p: ArrayLike) -> Floats:
    """Return adjusted p-values, shape (..., m), of families along the last axis.

    Controls the probability of any false claim in a family; Holm 1979. nan marks a hypothesis that is not tested yet:
    it stays nan, and it counts among the m as if its p were 1.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, axis=-1)  # nan last
    left = p.shape[-1] - np.arange(p.shape[-1])
    adjusted = np.maximum.accumulate(np.take_along_axis(p, order, axis=-1) * left, axis=-1)
    return _unsorted(np.minimum(adjusted, 1), order)


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Return adjusted p-values, shape (..., m), of families along the last axis.

    Controls the false discovery rate; Benjamini & Hochberg 1995. nan marks a hypothesis that is not tested yet: it
    stays nan, and it counts among the m as if its p were 1.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, axis=-1)  # nan last
    ranked = np.take_along_axis(p, order, axis=-1)
    scaled = np.where(np.isnan(ranked), 1.0, ranked) * (p.shape[-1] / np.arange(1, p.shape[-1] + 1))
    adjusted = np.minimum(np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1], 1)
    return _unsorted(np.where(np.isnan(ranked), np.nan, adjusted), order)


def _unsorted(ranked: Floats, order: NDArray[np.intp]) -> Floats:
    """Return sorted values in their original order; `order` is the argsort that sorted them."""
    values = np.empty_like(ranked)
    np.put_along_axis(values, order, ranked, axis=-1)
    return values

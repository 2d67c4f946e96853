"""The least spread between seeds that results can show: a rate is known to one query only."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def rounding_variance(queries: float) -> float:
    """Return the variance of a rate, in pp², that rounding to whole queries alone gives; 0 for no queries.

    It is a twelfth of a query squared (Sheppard 1898). Two runs may agree exactly by chance, so that every variance
    between seeds that an interval or a test uses is at least this.
    """
    return (100 / queries) ** 2 / 12 if queries > 0 else 0.0


def at_least_rounding(variance: ArrayLike, floor: ArrayLike) -> Floats:
    """Return a variance between seeds, in pp², that is nowhere smaller than `floor`; nan stays nan."""
    raised: Floats = np.maximum(np.asarray(variance, dtype=float), floor)
    return raised


def variance_of_seeds(values: ArrayLike, queries: float) -> Floats:
    """Return the variance of one run, in pp², over the seeds along the last axis, which are two or more.

    `values`: rates in pp over this number of queries. The variance is never below that of rounding.
    """
    return at_least_rounding(np.var(np.asarray(values, dtype=float), axis=-1, ddof=1), rounding_variance(queries))

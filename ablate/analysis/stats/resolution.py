"""The least spread between seeds that results can show: the mean of n zeros and ones is known to 1/n only."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SAME = 1e-12
"""Values that differ by less than this share of the largest one agree: their difference is rounding in floats."""


def resolution_variance(resolution: float) -> float:
    """Return the variance that rounding to multiples of `resolution` alone gives, in its unit squared; 0 for 0.

    It is a twelfth of the resolution squared (Sheppard 1898). Two runs may agree exactly by chance, so that every
    variance between seeds that an interval or a test uses is at least this.
    """
    return resolution * resolution / 12


def known_variance(variance: ArrayLike, floor: ArrayLike, largest: ArrayLike = 0.0) -> Floats:
    """Return a variance between seeds that is nowhere smaller than `floor`, that of rounding; nan stays nan.

    Without a floor (0), the variance of values that agree exactly is not known: it is nan. `largest`: the largest
    absolute value among those that the variance is of.
    """
    raised = np.maximum(np.asarray(variance, dtype=float), floor)
    known: Floats = np.where(raised > np.square(SAME * np.asarray(largest)), raised, np.nan)
    return known


def variance_of_seeds(values: ArrayLike, resolution: float) -> Floats:
    """Return the variance of one run over the seeds along the last axis, which are two or more.

    The variance is never below that of the resolution of the values. Without one (0), it is nan for values that agree.
    """
    numbers = np.asarray(values, dtype=float)
    largest = np.abs(numbers).max(axis=-1)
    return known_variance(np.var(numbers, axis=-1, ddof=1), resolution_variance(resolution), largest)

"""Statistics of rates: pure functions of counts, each with its source. Shapes broadcast; rates are in [0, 1]."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """The ends of an interval, floats or arrays of one shape; nan where it cannot be given."""

    low: Floats
    high: Floats


def wilson(hits: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Interval:
    """The score interval of a rate hits / n; nan for n = 0. Wilson 1927; Newcombe 1998a, method 3."""
    hits, n = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    z = _z(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = hits / n
        middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = np.where(hits == 0, np.where(n == 0, np.nan, 0.0), middle - half)
    high = np.where(hits == n, np.where(n == 0, np.nan, 1.0), middle + half)
    return Interval(low[()], high[()])  # exact at the ends, where the formula is so but for rounding


def newcombe(
    hits_a: ArrayLike, n_a: ArrayLike, hits_b: ArrayLike, n_b: ArrayLike, confidence: float = 0.95
) -> Interval:
    """The interval of rate b − rate a from totals alone; nan where an n is 0. Newcombe 1998b, method 10."""
    rate_a, rate_b = _rate(hits_a, n_a), _rate(hits_b, n_b)
    low_a, high_a = wilson(hits_a, n_a, confidence)
    low_b, high_b = wilson(hits_b, n_b, confidence)
    difference = rate_b - rate_a
    low = difference - np.hypot(rate_b - low_b, high_a - rate_a)
    high = difference + np.hypot(high_b - rate_b, rate_a - low_a)
    return Interval(low[()], high[()])


def _rate(hits: ArrayLike, n: ArrayLike) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate: Floats = np.asarray(hits, dtype=float) / np.asarray(n, dtype=float)
    return rate


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)

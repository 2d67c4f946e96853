"""Intervals and tests for rates and for differences between rates: functions of arrays, each with its source.

Arguments broadcast against each other, and every result has the broadcast shape. Rates are in [0, 1] and differences
of rates in [−1, 1]. A result is nan if it cannot be computed. `n` is a number of examples, `confidence` the coverage
of an interval.
"""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # scipy.stats takes a second to import, so it is not imported here

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """The two ends of an interval: floats or arrays of one shape, nan if there is no interval."""

    low: Floats
    high: Floats


class McNemar(NamedTuple):
    """Two-sided p-values for one pair of networks on the same examples: floats or arrays of one shape."""

    exact: Floats
    midp: Floats


def wilson(count: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return the score interval of the rate count / n; nan for n = 0. Wilson 1927; Newcombe 1998a, method 3."""
    count, n = np.asarray(count, dtype=float), np.asarray(n, dtype=float)
    z = _z(confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = count / n
        middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = np.where(count == 0, np.where(n == 0, np.nan, 0.0), middle - half)
    high = np.where(count == n, np.where(n == 0, np.nan, 1.0), middle + half)
    return Interval(low[()], high[()])  # the formula gives exactly 0 and 1 at the ends, except for rounding


def newcombe(
    count_a: ArrayLike, n_a: ArrayLike, count_b: ArrayLike, n_b: ArrayLike, confidence: float = 0.95
) -> Interval:
    """Return the interval of rate b − rate a from totals alone; nan if an n is 0. Newcombe 1998b, method 10."""
    rate_a, rate_b = _rate(count_a, n_a), _rate(count_b, n_b)
    low_a, high_a = wilson(count_a, n_a, confidence)
    low_b, high_b = wilson(count_b, n_b, confidence)
    difference = rate_b - rate_a
    low = difference - np.hypot(rate_b - low_b, high_a - rate_a)
    high = difference + np.hypot(high_b - rate_b, rate_a - low_a)
    return Interval(low[()], high[()])


def agresti_caffo(
    count_a: ArrayLike, n_a: ArrayLike, count_b: ArrayLike, n_b: ArrayLike, confidence: float = 0.95
) -> Interval:
    """Return the interval of rate b − rate a from totals alone, not clipped to [−1, 1]; nan if an n is 0.

    Agresti & Caffo 2000.
    """
    observed = _rate(count_b, n_b) - _rate(count_a, n_a)
    n_a, n_b = np.asarray(n_a, dtype=float) + 2, np.asarray(n_b, dtype=float) + 2
    rate_a, rate_b = (np.asarray(count_a) + 1) / n_a, (np.asarray(count_b) + 1) / n_b
    half = _z(confidence) * np.sqrt(rate_a * (1 - rate_a) / n_a + rate_b * (1 - rate_b) / n_b)
    difference = np.where(np.isnan(observed), np.nan, rate_b - rate_a)
    return Interval((difference - half)[()], (difference + half)[()])


def pooled_z(count_a: ArrayLike, n_a: ArrayLike, count_b: ArrayLike, n_b: ArrayLike) -> Floats:
    """Return the two-sided p of equal rates, from totals alone; nan if an n is 0.

    The z test with pooled variance, whose square is Pearson's chi-squared; Pearson 1900. p is 1 if both rates are 0
    or both are 1, because there is no variance then.
    """
    n_a, n_b = np.asarray(n_a, dtype=float), np.asarray(n_b, dtype=float)
    difference = _rate(count_b, n_b) - _rate(count_a, n_a)
    rate = _rate(np.add(count_a, count_b), n_a + n_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = difference / np.sqrt(rate * (1 - rate) * (1 / n_a + 1 / n_b))
    p: Floats = np.where(difference == 0, 1.0, 2 * special.ndtr(-np.abs(z)))
    return p[()]


def mcnemar(b: ArrayLike, c: ArrayLike) -> McNemar:
    """Return two-sided p-values from the examples gained (b) and lost (c); both are 1 for b + c = 0.

    nan if b or c is nan. Exact: McNemar 1947 with the binomial distribution of b given b + c. Mid-p: the observed
    point counts with half of its probability; Lancaster 1961, recommended by Fagerland, Lydersen & Laake 2013.
    """
    b, c = np.asarray(b, dtype=float), np.asarray(c, dtype=float)
    few, many = np.minimum(b, c), np.maximum(b, c)
    up_to = special.betainc(many, few + 1, 0.5)  # P(X ≤ few); betainc keeps digits that gammaln would lose
    below = np.where(few == 0, 0.0, special.betainc(many + 1, few, 0.5))
    exact = np.where(b == c, 1.0, np.minimum(1.0, 2 * up_to))
    midp = np.where(b == c, 1.0, np.minimum(1.0, up_to + below))
    return McNemar(exact[()], midp[()])


def bonett_price(b: ArrayLike, c: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Interval:
    """Return the interval of the gain (b − c) / n on the same n examples, clipped to [−1, 1].

    b: examples gained. c: examples lost. nan for n = 0, and for b + c > n, which is impossible. Bonett & Price 2012.
    """
    b, c, n = (np.asarray(count, dtype=float) for count in (b, c, n))
    gained, lost = (b + 1) / (n + 2), (c + 1) / (n + 2)
    possible = (n > 0) & (b + c <= n)
    variance = np.where(possible, gained + lost - (gained - lost) ** 2, np.nan) / (n + 2)
    half = _z(confidence) * np.sqrt(variance)
    return Interval(np.clip(gained - lost - half, -1, 1)[()], np.clip(gained - lost + half, -1, 1)[()])


def _rate(count: ArrayLike, n: ArrayLike) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate: Floats = np.asarray(count, dtype=float) / np.asarray(n, dtype=float)
    return rate


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)

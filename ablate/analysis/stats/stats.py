"""Statistics of hits and of seeds: pure functions of arrays, each with its source.

Shapes broadcast, and leading dimensions are a batch. Rates and differences of rates are in [0, 1] and [−1, 1];
where nothing can be said the answer is nan. In the docstrings m is a family's size, S seeds, Q queries, pp
percentage points.
"""

import math
import warnings
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # scipy.stats takes a second to import: only where it is needed

from ablate.analysis.stats.group_sequential import boundaries, crossing, wang_tsiatis

__all__ = [
    "CrossedMean",
    "Equivalence",
    "Interval",
    "McNemar",
    "agresti_caffo",
    "bca",
    "benjamini_hochberg",
    "bonett_price",
    "boundaries",
    "crossed",
    "crossing",
    "holm",
    "mcnemar",
    "newcombe",
    "pooled_z",
    "tost_paired",
    "wang_tsiatis",
    "wilson",
]

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """The ends of an interval, floats or arrays of one shape; nan where it cannot be given."""

    low: Floats
    high: Floats


class McNemar(NamedTuple):
    """Two-sided p-values of one pair of networks on the same queries, floats or arrays of one shape."""

    exact: Floats
    midp: Floats


class Equivalence(NamedTuple):
    """The p-value of two one-sided tests, and the 90 % interval that lies inside ±δ where p < .05."""

    p: Floats
    low: Floats
    high: Floats


class CrossedMean(NamedTuple):
    """A mean over seeds and queries, its error for new seeds and new queries, and whether there is such an error."""

    estimate: Floats
    standard_error: Floats
    df: Floats
    positive: NDArray[np.bool_]


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


def agresti_caffo(
    hits_a: ArrayLike, n_a: ArrayLike, hits_b: ArrayLike, n_b: ArrayLike, confidence: float = 0.95
) -> Interval:
    """The interval of rate b − rate a from totals alone, not clipped; nan where an n is 0. Agresti & Caffo 2000."""
    observed = _rate(hits_b, n_b) - _rate(hits_a, n_a)
    n_a, n_b = np.asarray(n_a, dtype=float) + 2, np.asarray(n_b, dtype=float) + 2
    rate_a, rate_b = (np.asarray(hits_a) + 1) / n_a, (np.asarray(hits_b) + 1) / n_b
    half = _z(confidence) * np.sqrt(rate_a * (1 - rate_a) / n_a + rate_b * (1 - rate_b) / n_b)
    difference = np.where(np.isnan(observed), np.nan, rate_b - rate_a)
    return Interval((difference - half)[()], (difference + half)[()])


def pooled_z(hits_a: ArrayLike, n_a: ArrayLike, hits_b: ArrayLike, n_b: ArrayLike) -> Floats:
    """Two-sided p of equal rates, from totals alone; 1 where nobody or everybody hits, nan where an n is 0.

    The z test with pooled variance, whose square is Pearson's chi-squared; Pearson 1900.
    """
    n_a, n_b = np.asarray(n_a, dtype=float), np.asarray(n_b, dtype=float)
    difference = _rate(hits_b, n_b) - _rate(hits_a, n_a)
    rate = _rate(np.add(hits_a, hits_b), n_a + n_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = difference / np.sqrt(rate * (1 - rate) * (1 / n_a + 1 / n_b))
    p: Floats = np.where(difference == 0, 1.0, 2 * special.ndtr(-np.abs(z)))
    return p[()]


def mcnemar(b: ArrayLike, c: ArrayLike) -> McNemar:
    """Two-sided p-values from the queries gained (b) and lost (c); both 1 for b + c = 0, nan where b or c is.

    Exact: McNemar 1947 with the binomial distribution of b given b + c. Mid-p: half of the observed point's
    probability counts; Lancaster 1961, advised by Fagerland, Lydersen & Laake 2013.
    """
    b, c = np.asarray(b, dtype=float), np.asarray(c, dtype=float)
    few, many = np.minimum(b, c), np.maximum(b, c)
    up_to = special.betainc(many, few + 1, 0.5)  # P(X ≤ few); betainc keeps its digits where gammaln would lose them
    below = np.where(few == 0, 0.0, special.betainc(many + 1, few, 0.5))
    exact = np.where(b == c, 1.0, np.minimum(1.0, 2 * up_to))
    midp = np.where(b == c, 1.0, np.minimum(1.0, up_to + below))
    return McNemar(exact[()], midp[()])


def bonett_price(b: ArrayLike, c: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Interval:
    """The interval of the gain (b − c) / n in hits on the same n queries, clipped to [−1, 1]; nan for n = 0.

    b queries gained, c lost; nan also where b + c > n, which no queries can give. Bonett & Price 2012.
    """
    b, c, n = (np.asarray(count, dtype=float) for count in (b, c, n))
    gained, lost = (b + 1) / (n + 2), (c + 1) / (n + 2)
    possible = (n > 0) & (b + c <= n)
    variance = np.where(possible, gained + lost - (gained - lost) ** 2, np.nan) / (n + 2)
    half = _z(confidence) * np.sqrt(variance)
    return Interval(np.clip(gained - lost - half, -1, 1)[()], np.clip(gained - lost + half, -1, 1)[()])


def holm(p: ArrayLike) -> Floats:
    """Adjusted p-values (..., m) of a family along the last axis: control of any false claim. Holm 1979.

    nan is a hypothesis not tested yet: it stays nan and counts among the m, as if its p were to be 1.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, axis=-1)  # nan last
    left = p.shape[-1] - np.arange(p.shape[-1])
    adjusted = np.maximum.accumulate(np.take_along_axis(p, order, axis=-1) * left, axis=-1)
    return _back(np.minimum(adjusted, 1), order)


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Adjusted p-values (..., m) along the last axis: control of the false discovery rate. Benjamini & Hochberg 1995.

    nan is a hypothesis not tested yet: it stays nan and counts among the m, as if its p were to be 1.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, axis=-1)  # nan last
    ranked = np.take_along_axis(p, order, axis=-1)
    scaled = np.where(np.isnan(ranked), 1.0, ranked) * (p.shape[-1] / np.arange(1, p.shape[-1] + 1))
    adjusted = np.minimum(np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1], 1)
    return _back(np.where(np.isnan(ranked), np.nan, adjusted), order)


def tost_paired(x: ArrayLike, y: ArrayLike, delta: float) -> Equivalence:
    """Is the mean of x − y within ±delta? x, y: (..., n) pairs along the last axis, in the unit of delta.

    p is the larger of two one-sided t tests; low and high are the ends of the 90 % interval of the mean. With no
    spread p is 0 inside ±delta, .5 at its edge and 1 outside. nan for fewer than two pairs or a nan among them.
    ValueError for lengths that differ and for a delta that is not positive. Schuirmann 1987.
    """
    x, y = np.atleast_1d(np.asarray(x, dtype=float)), np.atleast_1d(np.asarray(y, dtype=float))
    if not delta > 0:
        raise ValueError(f"delta is {delta}; a positive number is needed")
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"{x.shape[-1]} values of x against {y.shape[-1]} of y; pairs are needed")
    mean, error = _mean_and_error(x - y)
    rounding = 8 * np.finfo(float).eps * np.maximum(np.abs(x), np.abs(y)).max(axis=-1, initial=0)
    error = np.where(error <= rounding, 0.0, error)  # no spread but that of the subtraction
    room = delta - np.abs(mean)
    room = np.where(np.abs(room) <= rounding, 0.0, room)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((room == 0) & (error == 0), 0.0, room / error)
    df = max(x.shape[-1] - 1, 1)
    half = special.stdtrit(df, 0.95) * error
    return Equivalence(special.stdtr(df, -t)[()], (mean - half)[()], (mean + half)[()])


def crossed(hits: ArrayLike) -> CrossedMean:
    """The mean over seeds × queries (..., S, Q) for new seeds and new queries: hits, or differences of them.

    Var = (MS_s + MS_q − MS_e) / (S·Q), the estimate of a two-way layout of random effects, with Satterthwaite's
    (1946) degrees of freedom. Where it is not positive, and for S < 2 or Q < 2, standard_error and df are nan and
    positive is False: fall back on the seeds alone. estimate is nan without values, everything is for a nan among
    them. Holds one float array of the input's size.
    """
    values = np.asarray(hits)
    seeds, queries = values.shape[-2:]
    if not seeds * queries:
        return _no_variance(np.full(values.shape[:-2], np.nan))
    first = values[..., :1, :1].astype(float)
    rest = np.subtract(values, first, dtype=float)  # so that equal values have exactly no variance
    mean = rest.mean(axis=(-2, -1), keepdims=True)
    of_seed, of_query = rest.mean(axis=-1, keepdims=True) - mean, rest.mean(axis=-2, keepdims=True) - mean
    estimate = (first + mean)[..., 0, 0]
    if seeds < 2 or queries < 2:
        return _no_variance(estimate)
    rest -= of_seed
    rest -= of_query
    rest -= mean
    df = np.array([seeds - 1, queries - 1, (seeds - 1) * (queries - 1)])
    squares = np.stack([_squares(of_seed) * queries, _squares(of_query) * seeds, _squares(rest)], axis=-1) / df
    return _satterthwaite(estimate, squares, df, seeds * queries)


def bca(
    values: ArrayLike,
    statistic: Callable[[Floats], float],
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Interval:
    """The bias-corrected and accelerated bootstrap interval of statistic(values), values (n,). Efron 1987.

    The statistic takes one sample (n,) and returns a float. Without rng the same values give the same interval.
    Equal values give an interval of no width. nan for fewer than two values, for one that is not finite, and where
    all resampled statistics are equal, or lie on one side of the observed one.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"values of shape {values.shape}; one dimension is needed")
    if len(values) < 2 or not np.isfinite(values).all():
        return Interval(*np.full(2, np.nan))
    if (values == values[0]).all():
        return Interval(*np.full(2, statistic(values)))
    from scipy import stats

    rng = np.random.default_rng(0) if rng is None else rng
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # the answer is nan, which says it
        found = stats.bootstrap(
            (values,), statistic, vectorized=False, confidence_level=confidence, method="BCa", rng=rng
        )
    return Interval(*found.confidence_interval)


def _rate(hits: ArrayLike, n: ArrayLike) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate: Floats = np.asarray(hits, dtype=float) / np.asarray(n, dtype=float)
    return rate


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _back(ranked: Floats, order: NDArray[np.intp]) -> Floats:
    """Values by rank, each put where it came from."""
    unranked = np.empty_like(ranked)
    np.put_along_axis(unranked, order, ranked, axis=-1)
    return unranked


def _mean_and_error(values: Floats) -> tuple[Floats, Floats]:
    """The mean along the last axis and its standard error; nan for fewer than two values."""
    n = values.shape[-1]
    if n < 2:
        return np.full(values.shape[:-1], np.nan), np.full(values.shape[:-1], np.nan)
    return values.mean(axis=-1), values.std(axis=-1, ddof=1) / math.sqrt(n)


def _squares(values: Floats) -> Floats:
    """The sum of squares over the last two axes, without a copy of them."""
    squares: Floats = np.einsum("...sq,...sq->...", values, values)
    return squares


def _no_variance(estimate: Floats) -> CrossedMean:
    nothing = np.full(np.shape(estimate), np.nan)
    return CrossedMean(estimate[()], nothing[()], nothing[()], np.zeros(np.shape(estimate), dtype=bool)[()])


def _satterthwaite(estimate: Floats, squares: Floats, df: NDArray[np.int_], cells: int) -> CrossedMean:
    """squares: (..., 3) mean squares of seeds, queries and residual, with df degrees of freedom each."""
    total = squares @ np.array([1.0, 1.0, -1.0])
    positive = total > 1e-12 * squares.sum(axis=-1)  # less is the rounding of a difference that is zero
    total = np.where(positive, total, np.nan)
    return CrossedMean(
        estimate[()], np.sqrt(total / cells)[()], (total**2 / (squares**2 / df).sum(axis=-1))[()], positive[()]
    )

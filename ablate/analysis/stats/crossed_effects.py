"""Mean over seeds × examples with its standard error for new seeds and new examples: a crossed random-effects model."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class CrossedMean(NamedTuple):
    """A mean over seeds and examples with its standard error: floats or arrays of one shape."""

    estimate: Floats
    """The mean, in the unit of the values."""
    standard_error: Floats
    """Standard error of the mean for new seeds and new examples; nan if `positive` is False."""
    df: Floats
    """Satterthwaite's degrees of freedom; nan if `positive` is False."""
    positive: NDArray[np.bool_]
    """True if the estimated variance is positive, so that there is a standard error."""


def crossed(scores: ArrayLike) -> CrossedMean:
    """Return the mean over S seeds × Q examples, shape (..., S, Q), with its error for new seeds and new examples.

    `scores`: a value for each seed and example, or differences of values. Leading dimensions are a batch.

    Var = (MS_s + MS_q − MS_e) / (S·Q), the estimate of a two-way layout of random effects, with Satterthwaite's
    (1946) degrees of freedom. If it is not positive, and for S < 2 or Q < 2, standard_error and df are nan and
    positive is False: use the seeds alone then. estimate is nan if there are no values; a nan among the values makes
    everything nan. The function holds one float array of the input's size.
    """
    values = np.asarray(scores)
    seeds, examples = values.shape[-2:]
    if not seeds * examples:
        return _no_variance(np.full(values.shape[:-2], np.nan))
    first = values[..., :1, :1].astype(float)
    rest = np.subtract(values, first, dtype=float)  # so that equal values have exactly no variance
    mean = rest.mean(axis=(-2, -1), keepdims=True)
    of_seed, of_query = rest.mean(axis=-1, keepdims=True) - mean, rest.mean(axis=-2, keepdims=True) - mean
    estimate = (first + mean)[..., 0, 0]
    if seeds < 2 or examples < 2:
        return _no_variance(estimate)
    rest -= of_seed
    rest -= of_query
    rest -= mean
    df = np.array([seeds - 1, examples - 1, (seeds - 1) * (examples - 1)])
    sums = np.stack([_sum_of_squares(of_seed) * examples, _sum_of_squares(of_query) * seeds, _sum_of_squares(rest)], -1)
    return _satterthwaite(estimate, sums / df, df, seeds * examples)


def _sum_of_squares(values: Floats) -> Floats:
    """Return the sum of squares over the last two axes, without a copy of the values."""
    squares: Floats = np.einsum("...sq,...sq->...", values, values)
    return squares


def _no_variance(estimate: Floats) -> CrossedMean:
    nan = np.full(np.shape(estimate), np.nan)
    return CrossedMean(estimate[()], nan[()], nan[()], np.zeros(np.shape(estimate), dtype=bool)[()])


def _satterthwaite(estimate: Floats, mean_squares: Floats, df: NDArray[np.int_], values: int) -> CrossedMean:
    """Return the mean with its error. `values`: how many values the mean is over.

    `mean_squares`: shape (..., 3), the mean squares of seeds, examples and residual, with `df` degrees of freedom each.
    """
    total = mean_squares @ np.array([1.0, 1.0, -1.0])
    positive = total > 1e-12 * mean_squares.sum(axis=-1)  # anything less is the rounding of a difference of zero
    total = np.where(positive, total, np.nan)
    return CrossedMean(
        estimate[()], np.sqrt(total / values)[()], (total**2 / (mean_squares**2 / df).sum(axis=-1))[()], positive[()]
    )

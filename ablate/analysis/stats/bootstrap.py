"""The bias-corrected and accelerated (BCa) bootstrap interval."""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis.stats.proportions import Interval

Floats = NDArray[np.float64]


def bca(
    values: ArrayLike,
    statistic: Callable[[Floats], float],
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> Interval:
    """Return the BCa bootstrap interval of statistic(values), `values` of shape (n,). Efron 1987.

    The statistic takes one sample, shape (n,), and returns a float. Without `rng` the same values always give the same
    interval. Equal values give an interval of no width. nan for fewer than two values, for a value that is not
    finite, and if all resampled statistics are equal or lie on one side of the observed one. ValueError for values of
    more or fewer dimensions than one.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"values of shape {values.shape}; one dimension is needed")
    if len(values) < 2 or not np.isfinite(values).all():
        return Interval(*np.full(2, np.nan))
    if (values == values[0]).all():
        return Interval(*np.full(2, statistic(values)))
    from scipy import stats  # takes a second to import

    rng = np.random.default_rng(0) if rng is None else rng
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # the result is nan then, which is documented
        result = stats.bootstrap(
            (values,), statistic, vectorized=False, confidence_level=confidence, method="BCa", rng=rng
        )
    return Interval(*result.confidence_interval)

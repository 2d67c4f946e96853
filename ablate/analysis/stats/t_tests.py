"""Student's t for effects that have a standard error and degrees of freedom; with infinite df it is the normal law.

`effect`, `error` (its standard error) and `df` are arrays that broadcast. effect, error and delta have one unit.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]


class Equivalence(NamedTuple):
    """The result of two one-sided tests: floats or arrays of one shape."""

    p: Floats
    """The larger p of the two one-sided tests."""
    low: Floats
    """Lower end of the 90 % interval, which lies inside ±delta if p < .05."""
    high: Floats
    """Upper end of that interval."""


def t_test(effect: Floats, error: Floats, df: Floats) -> Floats:
    """Return the two-sided p of no effect; 1 if effect and error are both 0, nan if the error is nan."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((effect == 0) & (error == 0), 0.0, np.abs(effect) / error)
    p: Floats = 2 * _cdf(-t, df)
    return p


def t_equivalence(effect: Floats, error: Floats, df: Floats, delta: float) -> Floats:
    """Return the p of an effect of `delta` or more: the larger p of two one-sided tests. Schuirmann 1987."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _cdf((np.abs(effect) - delta) / error, df)


def t_interval(effect: Floats, error: Floats, df: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the ends of the two-sided interval; nan if the error is nan."""
    upper = (1 + confidence) / 2
    finite = special.stdtrit(np.where(np.isinf(df), 1.0, df), upper)
    half = np.where(np.isinf(df), special.ndtri(upper), finite) * error
    return effect - half, effect + half


def tost_paired(x: ArrayLike, y: ArrayLike, delta: float) -> Equivalence:
    """Test if the mean of x − y is within ±delta. x, y: pairs along the last axis, shape (..., n), in delta's unit.

    p is the larger of two one-sided t tests; low and high are the ends of the 90 % interval of the mean. If the
    differences have no spread, p is 0 inside ±delta, .5 at its edge and 1 outside. nan for fewer than two pairs or a
    nan among them. ValueError if the lengths differ or delta is not positive. Schuirmann 1987.
    """
    x, y = np.atleast_1d(np.asarray(x, dtype=float)), np.atleast_1d(np.asarray(y, dtype=float))
    if not delta > 0:
        raise ValueError(f"delta is {delta}; a positive number is needed")
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(f"{x.shape[-1]} values of x against {y.shape[-1]} of y; pairs are needed")
    mean, error = _mean_and_error(x - y)
    rounding = 8 * np.finfo(float).eps * np.maximum(np.abs(x), np.abs(y)).max(axis=-1, initial=0)
    error = np.where(error <= rounding, 0.0, error)  # the subtraction alone gives that much spread
    room = delta - np.abs(mean)
    room = np.where(np.abs(room) <= rounding, 0.0, room)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((room == 0) & (error == 0), 0.0, room / error)
    df = max(x.shape[-1] - 1, 1)
    half = special.stdtrit(df, 0.95) * error
    return Equivalence(special.stdtr(df, -t)[()], (mean - half)[()], (mean + half)[()])


def _mean_and_error(values: Floats) -> tuple[Floats, Floats]:
    """Return the mean along the last axis and its standard error; nan for fewer than two values."""
    n = values.shape[-1]
    if n < 2:
        return np.full(values.shape[:-1], np.nan), np.full(values.shape[:-1], np.nan)
    return values.mean(axis=-1), values.std(axis=-1, ddof=1) / math.sqrt(n)


def _cdf(t: Floats, df: Floats) -> Floats:
    """Return P(T ≤ t) for Student's t, or for the normal law if df is infinite."""
    finite = special.stdtr(np.where(np.isinf(df), 1.0, df), t)
    p: Floats = np.where(np.isinf(df), special.ndtr(t), finite)
    return p

"""Student's t for effects with a standard error and degrees of freedom; infinitely many are the normal law."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


def t_test(effect: Floats, error: Floats, df: Floats) -> Floats:
    """Two-sided p of no effect; nan where there is no error, 1 where neither is. An infinite df is the normal law."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where((effect == 0) & (error == 0), 0.0, np.abs(effect) / error)
    p: Floats = 2 * _below(-t, df)
    return p


def t_equivalence(effect: Floats, error: Floats, df: Floats, delta: float) -> Floats:
    """p of an effect of `delta` or more on either side: the larger of two one-sided tests. Schuirmann 1987."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _below((np.abs(effect) - delta) / error, df)


def t_interval(effect: Floats, error: Floats, df: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The two-sided interval; nan where there is no error."""
    upper = (1 + confidence) / 2
    finite = special.stdtrit(np.where(np.isinf(df), 1.0, df), upper)
    half = np.where(np.isinf(df), special.ndtri(upper), finite) * error
    return effect - half, effect + half


def _below(t: Floats, df: Floats) -> Floats:
    finite = special.stdtr(np.where(np.isinf(df), 1.0, df), t)
    found: Floats = np.where(np.isinf(df), special.ndtr(t), finite)
    return found

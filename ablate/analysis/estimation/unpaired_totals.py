"""Conclusions from two totals if hits of single queries are not known: for every pairing, or for some pairings only."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from ablate.analysis.stats.proportions import Interval, agresti_caffo, bonett_price

WHATEVER: Final = "differs: whatever the pairing"
UNLESS_NEGATIVE: Final = "differs if hits are not negatively correlated"
NO_EFFECT_WHATEVER: Final = "no effect beyond delta: whatever the pairing"
NO_DIFFERENCE: Final = "no difference can be shown; equivalence undecidable without per-query hits"
UNDECIDABLE: Final = "undecidable without per-query hits"


@dataclass(frozen=True)
class Pairing:
    """A difference of two totals under all pairings of the same n queries; intervals in percentage points (pp)."""

    hits: int
    """The difference in hits."""
    agresti_caffo: tuple[float, float]
    """The interval for independent samples (Agresti and Caffo)."""
    discordant: tuple[int, int]
    """The smallest and the largest possible number of queries on which the two disagree."""
    closest: tuple[float, float]
    """The interval with the smallest number of discordant queries (Bonett and Price)."""
    farthest: tuple[float, float]
    """The interval with the largest number of discordant queries (Bonett and Price)."""
    significant_up_to: float
    """The number of discordant queries up to which McNemar's test rejects."""
    equivalent_up_to: float | None
    """The number of discordant queries up to which the test of equivalence rejects; None if it never does."""
    tipping_sd: float
    """The SD of a run's own shift, in pp, at which the difference would be no more than chance."""
    reading: str
    """The conclusion, one of this module's five sentences."""


def pairing(hits_a: int, hits_b: int, n: int, alpha: float, delta: float) -> Pairing | None:
    """Return the conclusions from `hits_b` of n queries against `hits_a` of the same n; None for n = 0.

    McNemar 1947 rejects if and only if D ≤ d² / z², for D discordant queries. Equivalence: Schuirmann 1987, with the
    variance of a paired difference, D − d² / n. `delta`: in pp.
    """
    if n == 0:
        return None
    d = hits_b - hits_a
    z, z_one_sided = special.ndtri(1 - alpha / 2), special.ndtri(1 - alpha)
    least, most = abs(d), min(hits_a + hits_b, 2 * n - hits_a - hits_b)
    independent = hits_a + hits_b - 2 * hits_a * hits_b / n
    significant = d * d / (z * z)
    room = delta / 100 * n - abs(d)
    equivalent = (room / z_one_sided) ** 2 + d * d / n if room > 0 else None
    rates = np.array([hits_a, hits_b]) / n
    own = d * d / (n * n * z * z) - float(np.sum(rates * (1 - rates))) / n
    confidence = 1 - alpha
    half = (most + d) / 2, (most - d) / 2
    small = max(map(abs, _pp(bonett_price(*half, n, 1 - 2 * alpha)))) < delta
    return Pairing(
        hits=d,
        agresti_caffo=_pp(agresti_caffo(hits_a, n, hits_b, n, confidence)),
        discordant=(least, most),
        closest=_pp(bonett_price((least + d) / 2, (least - d) / 2, n, confidence)),
        farthest=_pp(bonett_price(*half, n, confidence)),
        significant_up_to=float(significant),
        equivalent_up_to=None if equivalent is None else float(equivalent),
        tipping_sd=100 * float(np.sqrt(max(0.0, own / 2))),
        reading=_reading(float(significant), small, least, most, independent),
    )


def _reading(significant: float, small: bool, least: int, most: int, independent: float) -> str:
    """Return the conclusion. `small`: the interval with most discordant queries lies within ±delta.

    The other arguments are numbers of discordant queries: up to which the test rejects, the smallest and the largest
    possible one, and the one expected if hits are independent.
    """
    if significant >= most and significant > 0:
        return WHATEVER
    if significant >= independent and significant > 0:
        return UNLESS_NEGATIVE
    if small:
        return NO_EFFECT_WHATEVER
    return NO_DIFFERENCE if significant < max(least, 1) else UNDECIDABLE


def _pp(interval: Interval) -> tuple[float, float]:
    return 100 * float(interval.low), 100 * float(interval.high)

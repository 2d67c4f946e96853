"""Conclusions from two totals if single examples are not known: for every pairing, or for some pairings only."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import special

from ablate.analysis.stats.proportions import Interval, agresti_caffo, bonett_price

WHATEVER: Final = "differs: whatever the pairing"
UNLESS_NEGATIVE: Final = "differs if outcomes are not negatively correlated"
NO_EFFECT_WHATEVER: Final = "no effect beyond delta: whatever the pairing"
NO_DIFFERENCE: Final = "no difference can be shown; equivalence undecidable without outcomes per example"
UNDECIDABLE: Final = "undecidable without outcomes per example"


@dataclass(frozen=True)
class Pairing:
    """A difference of two totals under all pairings of the same n examples; intervals are of the rates, in [−1, 1]."""

    difference: int
    """The difference in successes."""
    agresti_caffo: tuple[float, float]
    """The interval for independent samples (Agresti and Caffo)."""
    discordant: tuple[int, int]
    """The smallest and the largest possible number of examples on which the two disagree."""
    closest: tuple[float, float]
    """The interval with the smallest number of discordant examples (Bonett and Price)."""
    farthest: tuple[float, float]
    """The interval with the largest number of discordant examples (Bonett and Price)."""
    significant_up_to: float
    """The number of discordant examples up to which McNemar's test rejects."""
    equivalent_up_to: float | None
    """The number of discordant examples up to which the test of equivalence rejects; None if it never does."""
    tipping_sd: float
    """The SD of a run's own shift of the rate at which the difference would be no more than chance."""
    reading: str
    """The conclusion, one of this module's five sentences."""


def pairing(total_a: int, total_b: int, n: int, alpha: float, delta: float) -> Pairing | None:
    """Return the conclusions from `total_b` of n examples against `total_a` of the same n; None for n = 0.

    McNemar 1947 rejects if and only if D ≤ d² / z², for D discordant examples. Equivalence: Schuirmann 1987, with the
    variance of a paired difference, D − d² / n. `delta`: of the rate, in [0, 1].
    """
    if n == 0:
        return None
    d = total_b - total_a
    z, z_one_sided = special.ndtri(1 - alpha / 2), special.ndtri(1 - alpha)
    least, most = abs(d), min(total_a + total_b, 2 * n - total_a - total_b)
    independent = total_a + total_b - 2 * total_a * total_b / n
    significant = d * d / (z * z)
    room = delta * n - abs(d)
    equivalent = (room / z_one_sided) ** 2 + d * d / n if room > 0 else None
    rates = np.array([total_a, total_b]) / n
    own = d * d / (n * n * z * z) - float(np.sum(rates * (1 - rates))) / n
    confidence = 1 - alpha
    half = (most + d) / 2, (most - d) / 2
    small = max(map(abs, _ends(bonett_price(*half, n, 1 - 2 * alpha)))) < delta
    return Pairing(
        difference=d,
        agresti_caffo=_ends(agresti_caffo(total_a, n, total_b, n, confidence)),
        discordant=(least, most),
        closest=_ends(bonett_price((least + d) / 2, (least - d) / 2, n, confidence)),
        farthest=_ends(bonett_price(*half, n, confidence)),
        significant_up_to=float(significant),
        equivalent_up_to=None if equivalent is None else float(equivalent),
        tipping_sd=float(np.sqrt(max(0.0, own / 2))),
        reading=_reading(float(significant), small, least, most, independent),
    )


def _reading(significant: float, small: bool, least: int, most: int, independent: float) -> str:
    """Return the conclusion. `small`: the interval with most discordant examples lies within ±delta.

    The other arguments are numbers of discordant examples: up to which the test rejects, the smallest and the largest
    possible one, and the one expected if outcomes are independent.
    """
    if significant >= most and significant > 0:
        return WHATEVER
    if significant >= independent and significant > 0:
        return UNLESS_NEGATIVE
    if small:
        return NO_EFFECT_WHATEVER
    return NO_DIFFERENCE if significant < max(least, 1) else UNDECIDABLE


def _ends(interval: Interval) -> tuple[float, float]:
    return float(interval.low), float(interval.high)

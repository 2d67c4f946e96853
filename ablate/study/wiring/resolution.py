"""The smallest difference that the values of a metric can show, estimated from the values themselves."""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST = 20_000
"""The largest number of examples for which a rate is recognized. A rate of more examples is fine enough anyway."""
MOST_VALUES = 50
"""Values that are looked at: more of them make the grid finer, but hardly."""
DIGITS = 12
"""Digits of numbers of 64 bits that are right after a few calculations: 100 · 0.9361 is 93.61000000000001."""
SINGLE_ULP = 2.0**-23
"""The relative step of numbers of 32 bits, in which many trainers compute."""


def step_of(values: Iterable[float]) -> float:
    """Return the step of the coarsest grid that all values lie on; 0 without a value.

    The grid is one of 1/N for a whole N, and for percentages 100/N; it is never finer than the values are written. A
    rate over 360 examples has steps of 1/360, even if it is printed as 0.9361, or computed in 32 or 64 bits. The grid
    of few values may be too coarse, and is never too fine: chance seems to explain more equal values than it does.
    """
    different = sorted(set(map(float, values)), key=abs)
    if not different:
        return 0.0
    shown = np.array(different)
    precision = SINGLE_ULP if _are_single(shown) or _are_single(shown / 100) else 0.0
    written = max(_written_step(different), precision * abs(different[0]))
    slack = max(written / 2, precision * abs(different[-1]))
    return max(written, _grid(shown, slack), 100 * _grid(shown / 100, slack / 100))


def _grid(values: Floats, slack: float) -> float:
    """Return 1/N for the smallest whole N for which all values are multiples of it, up to `slack`; 0 without such N."""
    most = min(LARGEST, int(0.5 / slack))  # of a larger N, every value is that close to a multiple
    numbers = np.arange(1, most + 1)
    fits = np.ones(most, dtype=bool)
    for value in values[:MOST_VALUES]:
        multiples = value * numbers[fits]
        fits[fits] = np.abs(multiples - np.rint(multiples)) <= slack * numbers[fits]
    return 1 / float(numbers[fits][0]) if fits.any() else 0.0


def _written_step(values: Iterable[float]) -> float:
    """Return the place value of the last digit of some value, of at most as many digits as calculations keep."""
    exponents = [int(Decimal(f"{value:.{DIGITS}g}").normalize().as_tuple().exponent) for value in values if value]
    return 10.0 ** min(exponents, default=0)


def _are_single(values: Floats) -> bool:
    """Return True for numbers that 32 bits hold, up to the rounding of a calculation in 64 bits."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32).astype(np.float64)
    return bool(np.all(np.abs(rounded - values) <= 2 * np.spacing(np.abs(values))))

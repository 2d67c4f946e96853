"""The smallest difference that the values of a metric can show, estimated from the values themselves."""

from collections.abc import Iterable
from decimal import Decimal
from math import ulp
from struct import error as struct_error
from struct import pack, unpack

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST = 20_000
"""The largest number of examples for which a rate is recognized. A rate of more examples is fine enough anyway."""
MOST_VALUES = 50
"""Values that are looked at: more of them make the grid finer, but hardly."""
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
    single = all(map(_is_single, different))
    written = max(_written_step(different), SINGLE_ULP * abs(different[0]) if single else 0.0)
    slack = max(written / 2, abs(different[-1]) * SINGLE_ULP if single else 4 * ulp(different[-1]))
    shown = np.array(different)
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
    """Return the place value of the last digit with which some value is written."""
    exponents = [int(Decimal(repr(value)).normalize().as_tuple().exponent) for value in values if value]
    return 10.0 ** min(exponents, default=0)


def _is_single(value: float) -> bool:
    """Return True for a number that 32 bits hold."""
    try:
        return bool(unpack("f", pack("f", value))[0] == value)
    except (OverflowError, struct_error):
        return False

"""The number of queries of a log: given, stated in its setting, or inferred from the decimals of its values."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

STATED = ("queries", "test queries", "examples", "test examples")
"""The keys of a log's setting that state the number of queries."""
WHOLE = re.compile(r"[1-9]\d{0,2}(,\d{3})+|[1-9]\d{0,11}")
LEAST_DECIMALS, LEAST_VALUES = 6, 3
"""The number of queries is inferred from no fewer different values with no fewer decimals."""
MOST_QUERIES = 1_000_000
"""The largest number of queries that is inferred."""
BY_CHANCE = 1e-6
"""The number of queries is inferred only if values of another number fit it less often than this by chance."""
MOST_MEANS = 100
"""Rates that were rounded, and then averaged over up to this many seeds, are no sign of the number of queries."""
ROUNDED = range(2, 9)
"""Decimals to which rates are rounded before they are averaged."""
ZEROS = 20
"""A number up to MOST_QUERIES that divides a power of ten divides this one."""
CHUNK = 200_000
"""The number of candidates for the number of queries that are tried at once."""
OF_FLOATS = 2.0**-52
"""The largest distance of a rate from its shortest text as a float."""


@dataclass(frozen=True)
class QueryCount:
    """The number of queries that all values of a log are rates of."""

    n: int = 0
    """0 if it is not known."""
    inferred: bool = False
    """True if it was inferred from the decimals of the values; then it could be a multiple of `n`."""
    why: str = ""
    """Why it is not known."""


def stated(setting: Iterable[tuple[str, str]]) -> int:
    """Return the number of queries that a log's setting states; 0 if it states none, or several."""
    texts = [value.strip() for key, value in setting if key.strip().lower() in STATED]
    numbers = {int(text.replace(",", "")) for text in texts if WHOLE.fullmatch(text)}
    return numbers.pop() if len(numbers) == 1 and all(map(WHOLE.fullmatch, texts)) else 0


def counts_of(rate: str, n: int) -> range:
    """Return the numbers of hits of `n` queries whose rate may be printed as this text: rounded at its last decimal."""
    value, half = Fraction(rate), _half_unit(rate)
    return range(max(0, math.ceil((value - half) * n)), min(n, math.floor((value + half) * n)) + 1)


def fault(rate: str, n: int) -> str:
    """Return why a printed rate is none of `n` queries; empty if it may be one."""
    if counts_of(rate, n):
        return ""
    below = math.floor(Fraction(rate) * n)
    digits = max(decimals(rate), 1)
    near = " and ".join(f"{count:,} are {count / n:.{digits}f}" for count in (below, below + 1) if count <= n)
    return f"{rate} is no rate of {n:,} queries: {near}"


def rounding(rates: Iterable[str], n: int) -> str:
    """Return a sentence about rounded values that stand for several numbers of hits; empty if none does.

    Values with fewer decimals than others are taken as values of which zeros at the end were left out.
    """
    digits = max(map(decimals, rates), default=0)
    if n <= 10**digits:
        return ""
    return (
        f"all rows: values are rounded to {digits} decimals, so that each can be {math.ceil(n / 10**digits):,} numbers "
        f"of hits of {n:,} queries; the nearest is taken, and a difference of two rows can be off by "
        f"{100 * 10.0**-digits:g} percentage points"
    )


def inferred(rates: Iterable[str]) -> QueryCount:
    """Return the number of queries that printed rates show, or why they show none.

    Every rate may have been rounded at its last decimal. A number is inferred if it is the only one that fits up to a
    bound, its multiples left out, if values of other numbers would hardly ever fit it by chance, and if it is no sign
    of rounding: rates that were rounded at d decimals are whole over 10ᵈ, and means of S of them over S · 10ᵈ.
    """
    texts = {_plain(rate) for rate in rates} - {"0", "1"}
    fine = sorted((text for text in texts if decimals(text) >= LEAST_DECIMALS), key=decimals, reverse=True)
    if not fine:
        return QueryCount(why=f"the values have fewer than {LEAST_DECIMALS} decimals")
    if len(fine) < LEAST_VALUES:
        return QueryCount(why=f"fewer than {LEAST_VALUES} different values have {LEAST_DECIMALS} decimals or more")
    most = _largest(fine)
    fitting = _fitting([*fine, *texts.difference(fine)], 2 * most)  # further than `most`, to see what is next to it
    n = fitting[0] if fitting else 0
    if not 0 < n <= most:
        return QueryCount(why=f"no number up to {most:,} makes every value whole")
    if other := next((one for one in fitting if one % n), 0):
        return QueryCount(why=f"the values are whole over {n:,} and over {other:,}")
    if _is_rounded(n, len(fine)):
        return QueryCount(why=f"the values are whole over {n:,}, as those are that were rounded")
    if any(len(counts_of(text, n)) > 1 and (Fraction(text) * n).denominator > 1 for text in texts):
        return QueryCount(why=f"some values are whole over {n:,}, and others were rounded")
    return QueryCount(n, inferred=True)


def decimals(rate: str) -> int:
    """Return the number of decimals of a printed rate; of 1e-05 five."""
    exponent = Decimal(rate).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _plain(rate: str) -> str:
    """Return a rate without zeros at its end, which programs add or leave out."""
    return f"{Decimal(rate).normalize():f}"


def _half_unit(rate: str) -> Fraction:
    """Return the largest distance of a rate from its printed text."""
    return max(Fraction(1, 2 * 10 ** decimals(rate)), Fraction(OF_FLOATS))


def _largest(rates: Sequence[str]) -> int:
    """Return the largest number up to which rates of other numbers fit some number less often than BY_CHANCE.

    Such a rate with d decimals fits n with probability n / 10ᵈ, so K of them fit some number up to N at most
    N^(K + 1) / (K + 1) / 10^(sum of d) times.
    """
    k = len(rates)
    exponent = (math.log10(BY_CHANCE * (k + 1)) + sum(map(decimals, rates))) / (k + 1)
    return int(10 ** min(exponent, math.log10(MOST_QUERIES) + 1e-12))


def _fitting(rates: Sequence[str], most: int) -> list[int]:
    """Return each number up to `most` over which every printed rate is whole. The finest rates come first."""
    import numpy as np  # here, so that plans and help texts do not load it

    bounds = [(float(rate), 1.001 * float(_half_unit(rate)) + OF_FLOATS) for rate in rates]
    numbers: list[int] = []
    for start in range(1, most + 1, CHUNK):
        n = np.arange(start, min(start + CHUNK, most + 1), dtype=np.float64)
        for rate, half in bounds:
            n = n[np.abs(rate * n - np.rint(rate * n)) <= half * n]
        numbers += n.astype(int).tolist()
    return numbers


def _is_rounded(n: int, values: int) -> bool:
    """Return True if rates may be whole over n only because they, or the rates that they are means of, were rounded.

    `values`: the number of different rates. Means of S rates with d decimals are whole over S · 10ᵈ. That all are whole
    over a divisor of it is chance.
    """
    grids = (seeds * 10**digits for seeds in range(1, MOST_MEANS + 1) for digits in ROUNDED)
    return 10**ZEROS % n == 0 or any(grid % n == 0 and (grid // n) ** values < 1 / BY_CHANCE for grid in grids)

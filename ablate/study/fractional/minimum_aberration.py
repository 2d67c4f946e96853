"""The best regular fraction of two-level factors: the fewest runs of a resolution, then the fewest short words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ablate.study.fractional.regular_fractions import RegularFraction, shortest_word

WIDTH = 8
"""The number of partial designs that the search keeps after each factor.

With it, the search finds the published designs of least aberration up to 64 runs.
"""

LONGEST = 6
"""The length of the longest words that the search counts. With WIDTH, it takes a few hundredths of a second."""

MOST_WORK = 1_000
"""The largest product of columns to choose and runs for which aberration is minimised.

Above it, the first design of the resolution is returned.
"""


@lru_cache
def fewest_runs(factors: int, resolution: int) -> RegularFraction:
    """Return the fraction of at least this resolution with the fewest runs; 2^factors runs if fewer do not suffice.

    The number of runs is the smallest possible for resolution III and IV, and for V up to 21 factors (as tables of the
    best binary codes of distance 5 show). For V and more factors it is at most twice the smallest. Signs are such that
    the run with all factors low is included.
    """
    basic = 1
    while (masks := _first(factors, basic, resolution)) is None:
        basic += 1
    if basic < factors and (factors - basic) << basic <= MOST_WORK:
        better = _least_aberration(factors, basic)
        word = shortest_word(better)
        masks = better if word is None or word >= resolution else masks
    return RegularFraction(basic, masks, tuple(1 if mask.bit_count() % 2 else -1 for mask in masks))


def _first(factors: int, basic: int, resolution: int) -> tuple[int, ...] | None:
    """Return the basic columns, and the first others that make no word shorter than the resolution.

    Returns None if there are fewer columns than factors.
    """
    chosen: list[int] = []
    taken = {1: {0}, 2: set[int](), 3: set[int]()}  # products of up to one, two and three of the chosen
    for mask in [1 << bit for bit in range(basic)] + [m for m in range(1 << basic) if m & (m - 1)]:
        if len(chosen) == factors:
            break
        if any(mask in taken[size] for size in range(1, resolution - 1)):
            continue
        if resolution > 4:
            taken[3] |= {product ^ mask for product in taken[2]}
        if resolution > 3:
            taken[2] |= {other ^ mask for other in chosen}
        taken[1].add(mask)
        chosen.append(mask)
    return tuple(chosen) if len(chosen) == factors else None


@dataclass(frozen=True)
class _Partial:
    """The first columns of a design."""

    masks: tuple[int, ...]
    """The mask of each column."""
    words: tuple[int, ...]
    """The numbers of words of 3, 4, ... LONGEST factors."""
    products: tuple[tuple[int, ...], ...]
    """For sizes 0, 1, ... LONGEST - 1 and each mask: the number of products of that many columns with that mask.

    A further column of that mask makes this number of words of one factor more.
    """

    def words_with(self, mask: int) -> tuple[int, ...]:
        """Return the numbers of words after a further column."""
        return tuple([words + self.products[size][mask] for size, words in enumerate(self.words, start=2)])

    def extended(self, mask: int) -> "_Partial":
        """Return the design with a further column."""
        every = range(len(self.products[0]))
        products = [self.products[0]]
        for smaller, same in zip(self.products, self.products[1:], strict=False):
            products.append(tuple([same[x] + smaller[x ^ mask] for x in every]))
        return _Partial((*self.masks, mask), self.words_with(mask), tuple(products))

    def signature(self) -> object:
        """Return a value that is equal for designs that differ only in their factors' names, and rarely for others."""
        return self.words, tuple(sorted(zip(*self.products[1:4], strict=True)))


def _least_aberration(factors: int, basic: int) -> tuple[int, ...]:
    """Return the columns of least aberration (Fries and Hunter 1980): the fewest words of 3 factors, then of 4, ...

    There are two searches, because designs that only have even words look too bad half-way to survive among all.
    """
    products = [mask for mask in range(1 << basic) if mask & (mask - 1)]
    odd = [mask for mask in products if mask.bit_count() % 2]
    searches = [_search(factors, basic, masks) for masks in (odd, products)]
    return min((design for design in searches if design), key=lambda design: design.words).masks


def _search(factors: int, basic: int, masks: Sequence[int]) -> _Partial | None:
    none = tuple(int(mask == 0) for mask in range(1 << basic))
    start = _Partial((), (0,) * (LONGEST - 2), (none, *[(0,) * (1 << basic)] * (LONGEST - 1)))
    for bit in range(basic):
        start = start.extended(1 << bit)
    designs = [start]
    for _ in range(factors - basic):
        designs = _best(designs, masks)
    return designs[0] if designs else None


def _best(designs: Iterable[_Partial], masks: Iterable[int]) -> list[_Partial]:
    """Return the best designs of one column more, the best first; no two have the same signature."""
    candidates: dict[frozenset[int], tuple[tuple[int, ...], tuple[int, ...], int, _Partial]] = {}
    for partial in designs:
        for mask in masks:
            if mask not in partial.masks:
                key = frozenset([*partial.masks, mask])
                candidates.setdefault(key, (partial.words_with(mask), partial.masks, mask, partial))
    best: dict[object, _Partial] = {}
    for _, _, mask, partial in sorted(candidates.values(), key=lambda candidate: candidate[:3]):
        extended = partial.extended(mask)
        best.setdefault(extended.signature(), extended)
        if len(best) == WIDTH:
            break
    return list(best.values())

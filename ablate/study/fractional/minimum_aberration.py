"""The best regular fraction: the fewest runs of a resolution, and among them the fewest short words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ablate.study.fractional.regular_fractions import RegularFraction, shortest_word

WIDTH = 8
"""Designs that the search goes on with at every factor. It finds the published least aberration up to 64 runs."""

LONGEST = 6
"""The search counts words up to this length; with WIDTH, it takes some hundredths of a second."""

MOST_WORK = 1_000
"""Columns to choose times runs, beyond which the first design that is found is good enough."""


@lru_cache
def fewest_runs(factors: int, resolution: int) -> RegularFraction:
    """The fraction of at least this resolution with the fewest runs; 2^factors where only those will do.

    The fewest that are possible for resolution III and IV, and for V up to 21 factors (as tables of the best
    binary codes of distance 5 show); beyond, up to twice as many. Signs are such that the run with all factors
    low is in it.
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
    """The basic columns, and the first others that make no word shorter than the resolution; None if too few do."""
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
    """The first columns of a design, its words of 3, 4, ... LONGEST factors, and how often each mask is a product

    of 0, 1, ... LONGEST - 1 of the columns: a further column makes so many words of one factor more."""

    masks: tuple[int, ...]
    words: tuple[int, ...]
    products: tuple[tuple[int, ...], ...]

    def words_with(self, mask: int) -> tuple[int, ...]:
        return tuple([words + self.products[size][mask] for size, words in enumerate(self.words, start=2)])

    def extended(self, mask: int) -> "_Partial":
        every = range(len(self.products[0]))
        products = [self.products[0]]
        for smaller, same in zip(self.products, self.products[1:], strict=False):
            products.append(tuple([same[x] + smaller[x ^ mask] for x in every]))
        return _Partial((*self.masks, mask), self.words_with(mask), tuple(products))

    def signature(self) -> object:
        """Equal for designs that differ only in the names of their factors, and rarely for others."""
        return self.words, tuple(sorted(zip(*self.products[1:4], strict=True)))


def _least_aberration(factors: int, basic: int) -> tuple[int, ...]:
    """Least aberration (Fries and Hunter 1980): the fewest words of 3 factors, then of 4, and so on.

    Two searches: designs that only have even words are too bad half-way to be found among all.
    """
    products = [mask for mask in range(1 << basic) if mask & (mask - 1)]
    odd = [mask for mask in products if mask.bit_count() % 2]
    searches = [_search(factors, basic, masks) for masks in (odd, products)]
    return min((found for found in searches if found), key=lambda found: found.words).masks


def _search(factors: int, basic: int, masks: Sequence[int]) -> _Partial | None:
    none = tuple(int(mask == 0) for mask in range(1 << basic))
    start = _Partial((), (0,) * (LONGEST - 2), (none, *[(0,) * (1 << basic)] * (LONGEST - 1)))
    for bit in range(basic):
        start = start.extended(1 << bit)
    going = [start]
    for _ in range(factors - basic):
        going = _best(going, masks)
    return going[0] if going else None


def _best(going: Iterable[_Partial], masks: Iterable[int]) -> list[_Partial]:
    """The best designs of one column more, no two of one signature, the best first."""
    candidates: dict[frozenset[int], tuple[tuple[int, ...], tuple[int, ...], int, _Partial]] = {}
    for partial in going:
        for mask in masks:
            if mask not in partial.masks:
                key = frozenset([*partial.masks, mask])
                candidates.setdefault(key, (partial.words_with(mask), partial.masks, mask, partial))
    found: dict[object, _Partial] = {}
    for _, _, mask, partial in sorted(candidates.values(), key=lambda candidate: candidate[:3]):
        extended = partial.extended(mask)
        found.setdefault(extended.signature(), extended)
        if len(found) == WIDTH:
            break
    return list(found.values())

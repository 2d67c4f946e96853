"""Orthogonal arrays for factors of any numbers of levels.

In an array of strength t, any t columns hold all combinations of their levels equally often.

Factors whose numbers of levels are powers of one prime p share an array over the integers modulo p. Each factor is a
subspace of the runs' space (a point for p levels, a line for p squared), and the array has strength t if any t
subspaces are independent (Rao 1947; Hedayat, Sloane and Stufken, Orthogonal Arrays, chapter 3). Arrays of different
primes are crossed. Taguchi's L18 holds one factor of two levels and up to seven of three in fewer runs than that.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product
from math import prod

from ablate.study.fractional.effects import parameters

Run = tuple[int, ...]

LARGEST = 10_000
"""The largest number of runs of one prime's array. If it would need more, its factors are crossed in full."""

WORK = 100_000
"""The number of sums of vectors that a search for an array may take, about a fifth of a second.

After that, the next larger array is tried.
"""

L18 = (
    *("11111111", "11222222", "11333333", "12112233", "12223311", "12331122", "13121323", "13232131", "13313212"),
    *("21133221", "21211332", "21322113", "22123132", "22231213", "22312321", "23132312", "23213123", "23321231"),
)
"""The runs of Taguchi's L18, a digit a column: one of two levels, seven of three.

(Taguchi; Phadke, Quality Engineering Using Robust Design.)
"""


def orthogonal_array(levels: Sequence[int], strength: int) -> Iterator[Run]:
    """Return the runs of the smallest array of this strength that this module can make; `array_runs` of them.

    `levels` has the number of levels of each factor.
    """
    return _l18(levels) if _is_for_l18(levels, strength) else _crossed(levels, strength)


def array_runs(levels: Sequence[int], strength: int) -> int:
    """Return the number of runs of `orthogonal_array`."""
    return len(L18) if _is_for_l18(levels, strength) else _runs(levels, strength)


def _is_for_l18(levels: Sequence[int], strength: int) -> bool:
    fits = set(levels) <= {2, 3} and levels.count(2) <= 1 and 2 <= levels.count(3) <= 7
    return strength == 2 and fits and _runs(levels, strength) > len(L18)


def _l18(levels: Sequence[int]) -> Iterator[Run]:
    threes = iter(range(1, 8))
    columns = [0 if size == 2 else next(threes) for size in levels]
    for line in L18:
        yield tuple(int(line[column]) - 1 for column in columns)


def _groups(levels: Sequence[int]) -> list[list[int]]:
    """Return groups of factors, by number, whose numbers of levels are powers of one prime; any other factor alone."""
    groups: dict[object, list[int]] = {}
    for number, size in enumerate(levels):
        power = prime_power(size)
        groups.setdefault(power[0] if power else (size, number), []).append(number)
    return list(groups.values())


def _arrays(levels: Sequence[int], strength: int) -> list[tuple[Run, ...] | None]:
    return [_linear(tuple(levels[number] for number in group), strength) for group in _groups(levels)]


def _runs(levels: Sequence[int], strength: int) -> int:
    arrays = zip(_groups(levels), _arrays(levels, strength), strict=True)
    return prod(len(array) if array else prod(levels[number] for number in group) for group, array in arrays)


def _crossed(levels: Sequence[int], strength: int) -> Iterator[Run]:
    groups = _groups(levels)
    parts = [
        array if array else product(*(range(levels[number]) for number in group))
        for group, array in zip(groups, _arrays(levels, strength), strict=True)
    ]
    order = [number for group in groups for number in group]
    for chosen in product(*parts):
        run = dict(zip(order, (level for part in chosen for level in part), strict=True))
        yield tuple(run[number] for number in range(len(levels)))


@lru_cache
def _linear(levels: Run, strength: int) -> tuple[Run, ...] | None:
    """Return the smallest array over the integers modulo p that the search finds; None if it saves no runs."""
    power = prime_power(levels[0])
    if power is None:
        return None
    prime = power[0]
    sizes = [power[1] for level in levels if (power := prime_power(level))]
    dimension = sum(sorted(sizes)[-strength:])  # the largest `strength` subspaces must be independent
    while dimension < sum(sizes) and prime**dimension <= LARGEST:
        possible = prime**dimension >= _fewest(levels, strength)
        spaces = _Subspaces(prime, dimension, strength).find(sizes) if possible else None
        if spaces:
            return tuple(_evaluated(prime, dimension, spaces))
        dimension += 1
    return None


def _fewest(levels: Run, strength: int) -> int:
    """Return Rao's lower bound on the number of runs of an array of strength 2, 3 or 4."""
    if strength == 3:
        return max(levels) * (1 + sum(level - 1 for level in levels) - (max(levels) - 1))
    return parameters(levels, strength // 2)


def _evaluated(prime: int, dimension: int, spaces: Sequence[Sequence[Run]]) -> Iterator[Run]:
    """Yield a run for each point of the space. The point's products with a factor's vectors are the level's digits."""
    for point in product(range(prime), repeat=dimension):
        run = []
        for vectors in spaces:
            level = 0
            for vector in vectors:
                level = level * prime + sum(a * b for a, b in zip(point, vector, strict=True)) % prime
            run.append(level)
        yield tuple(run)


class _Subspaces:
    """A search for subspaces of which any `strength` are independent, largest first, in the order of their vectors."""

    def __init__(self, prime: int, dimension: int, strength: int) -> None:
        self.prime, self.strength, self.work = prime, strength, WORK
        self.vectors = [v for v in product(range(prime), repeat=dimension) if any(v)]
        self.vectors.sort(key=lambda vector: (sum(map(bool, vector)) > 1, vector[::-1]))
        self.zero = (0,) * dimension

    def find(self, sizes: Sequence[int]) -> list[list[Run]] | None:
        """Return a basis for each factor, with as many vectors as its size; None if the search fails."""
        order = sorted(range(len(sizes)), key=lambda number: -sizes[number])
        bases = self._more([sizes[number] for number in order], [{self.zero} for _ in range(self.strength)])
        if bases is None:
            return None
        return [basis for _, basis in sorted(zip(order, bases, strict=True))]

    def _more(self, sizes: Sequence[int], sums: Sequence[set[Run]]) -> list[list[Run]] | None:
        """Return bases of the remaining sizes.

        `sums`: the vectors that are sums from at most 0, 1, ... strength - 1 of the subspaces so far.
        """
        if not sizes:
            return []
        for basis in self._bases(sizes[0], [], sums[-1]):
            space = self._span(basis)
            grown = [sums[0]]
            for fewer, same in pairwise(sums):
                self.work -= len(fewer) * len(space)
                grown.append(same | {self._sum(one, other) for one in fewer for other in space})
            rest = self._more(sizes[1:], grown)
            if rest is not None:
                return [basis, *rest]
            if self.work <= 0:
                return None
        return None

    def _bases(self, size: int, start: list[Run], taken: set[Run]) -> Iterator[list[Run]]:
        """Yield bases of `size` vectors that begin with `start` and whose span avoids `taken`."""
        if len(start) == size:
            yield start
            return
        inside = set(self._span(start))
        for vector in self.vectors:
            if vector in taken or vector in inside:
                continue
            basis = [*start, vector]
            self.work -= len(inside) * self.prime
            if self.work <= 0:
                return
            if all(other == self.zero or other not in taken for other in self._span(basis)):
                yield from self._bases(size, basis, taken)

    def _span(self, basis: Sequence[Run]) -> list[Run]:
        span = [self.zero]
        for vector in basis:
            multiples = [tuple(factor * x % self.prime for x in vector) for factor in range(self.prime)]
            span = [self._sum(one, other) for one in span for other in multiples]
        return span

    def _sum(self, one: Run, other: Run) -> Run:
        return tuple((a + b) % self.prime for a, b in zip(one, other, strict=True))


def prime_power(number: int) -> tuple[int, int] | None:
    """Return (p, n) if the number is p to the power n for a prime p; None otherwise."""
    prime = next((divisor for divisor in range(2, number + 1) if number % divisor == 0), number)
    exponent = 0
    while number > 1 and number % prime == 0:
        number, exponent = number // prime, exponent + 1
    return (prime, exponent) if number == 1 and exponent else None

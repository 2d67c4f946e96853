"""Orthogonal arrays for factors of any numbers of levels: every few columns hold all combinations equally often.

Levels that are powers of one prime p share an array over the integers modulo p: each factor is a subspace of the
runs' space (a point for p levels, a line for p squared), and the array has strength t if any t subspaces are
independent (Rao 1947; Hedayat, Sloane and Stufken, Orthogonal Arrays, chapter 3). Arrays of different primes are
crossed. Taguchi's L18 takes one factor of two levels and up to seven of three in fewer runs than that.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product
from math import prod

from ablate.study.fractional.effects import parameters

Run = tuple[int, ...]

LARGEST = 10_000
"""Runs of one prime's array, beyond which its factors are crossed in full instead."""

WORK = 100_000
"""Sums of vectors that are taken in looking for an array, before the next larger one is tried: a fifth of a second."""

L18 = (
    *("11111111", "11222222", "11333333", "12112233", "12223311", "12331122", "13121323", "13232131", "13313212"),
    *("21133221", "21211332", "21322113", "22123132", "22231213", "22312321", "23132312", "23213123", "23321231"),
)
"""Columns: one of two levels, seven of three. (Taguchi; Phadke, Quality Engineering Using Robust Design.)"""


def orthogonal_array(levels: Sequence[int], strength: int) -> Iterator[Run]:
    """The runs of the smallest array of this strength that is known here, `array_runs` of them."""
    return _l18(levels) if _is_for_l18(levels, strength) else _crossed(levels, strength)


def array_runs(levels: Sequence[int], strength: int) -> int:
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
    """The factors whose numbers of levels are powers of one prime, by their numbers; any other factor alone."""
    found: dict[object, list[int]] = {}
    for number, size in enumerate(levels):
        power = prime_power(size)
        found.setdefault(power[0] if power else (size, number), []).append(number)
    return list(found.values())


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
    """The smallest array over the integers modulo p that is found; None where all combinations are no more."""
    power = prime_power(levels[0])
    if power is None:
        return None
    prime = power[0]
    sizes = [found[1] for level in levels if (found := prime_power(level))]
    dimension = sum(sorted(sizes)[-strength:])  # so many are independent of each other
    while dimension < sum(sizes) and prime**dimension <= LARGEST:
        possible = prime**dimension >= _fewest(levels, strength)
        spaces = _Subspaces(prime, dimension, strength).find(sizes) if possible else None
        if spaces:
            return tuple(_evaluated(prime, dimension, spaces))
        dimension += 1
    return None


def _fewest(levels: Run, strength: int) -> int:
    """Rao's bound on the runs of an array of strength 2, 3 or 4."""
    if strength == 3:
        return max(levels) * (1 + sum(level - 1 for level in levels) - (max(levels) - 1))
    return parameters(levels, strength // 2)


def _evaluated(prime: int, dimension: int, spaces: Sequence[Sequence[Run]]) -> Iterator[Run]:
    """For each point of the space, its product with every vector of a factor, read as the digits of the level."""
    for point in product(range(prime), repeat=dimension):
        run = []
        for vectors in spaces:
            level = 0
            for vector in vectors:
                level = level * prime + sum(a * b for a, b in zip(point, vector, strict=True)) % prime
            run.append(level)
        yield tuple(run)


class _Subspaces:
    """A search for subspaces of which any few are independent, largest first, in the order of their vectors."""

    def __init__(self, prime: int, dimension: int, strength: int) -> None:
        self.prime, self.strength, self.work = prime, strength, WORK
        self.vectors = [v for v in product(range(prime), repeat=dimension) if any(v)]
        self.vectors.sort(key=lambda vector: (sum(map(bool, vector)) > 1, vector[::-1]))
        self.zero = (0,) * dimension

    def find(self, sizes: Sequence[int]) -> list[list[Run]] | None:
        """A basis for each factor, of as many vectors as its size; None if none are found."""
        order = sorted(range(len(sizes)), key=lambda number: -sizes[number])
        found = self._more([sizes[number] for number in order], [{self.zero} for _ in range(self.strength)])
        if found is None:
            return None
        return [basis for _, basis in sorted(zip(order, found, strict=True))]

    def _more(self, sizes: Sequence[int], sums: Sequence[set[Run]]) -> list[list[Run]] | None:
        """`sums`: which vectors are sums out of at most 0, 1, ... strength - 1 of the subspaces so far."""
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

    def _bases(self, size: int, begun: list[Run], taken: set[Run]) -> Iterator[list[Run]]:
        if len(begun) == size:
            yield begun
            return
        inside = set(self._span(begun))
        for vector in self.vectors:
            if vector in taken or vector in inside:
                continue
            basis = [*begun, vector]
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
    """(p, n) if the number is p to the n for a prime p."""
    prime = next((divisor for divisor in range(2, number + 1) if number % divisor == 0), number)
    exponent = 0
    while number > 1 and number % prime == 0:
        number, exponent = number // prime, exponent + 1
    return (prime, exponent) if number == 1 and exponent else None

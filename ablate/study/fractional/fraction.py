"""One fractional design: its runs as cells, and what those that are kept can tell."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ablate.study.design.space import Cell, FactorSpace
from ablate.study.fractional.alias_table import FULL, AliasTable, Correlation, Term
from ablate.study.fractional.effects import Effect, effects_of, parameters
from ablate.study.fractional.regular_fractions import LETTERS, RegularFraction

MOST_WORDS = 15
"""Words of a defining relation that are all named; beyond, those of the generators are."""

MOST_MEASURED = 20_000_000
"""Runs times parameters, beyond which interactions are left out of the model that is measured."""

MANY_FACTORS, MANY_RUNS = 20, 5_000
"""Beyond, correlations with two-factor interactions take too long, and those of main effects are given alone."""


@dataclass(frozen=True)
class Fraction:
    """A design before constraints: `count` runs of level numbers 0, 1, ..., which `levels` gives for each position.

    `resolution` is None where it does not apply; `order` is 2 where interactions are to be estimated as well.
    """

    space: FactorSpace
    kind: str
    start: Cell
    levels: Mapping[int, Sequence[int]]
    count: int
    runs: Callable[[], Iterable[Sequence[int]]]
    resolution: int | None = None
    order: int = 1
    regular: RegularFraction | None = None

    def cells(self) -> Iterator[Cell]:
        for run in self.runs():
            yield placed(self.start, self.levels, run)

    def table(self, place: str, kept: Sequence[Cell]) -> AliasTable:
        """What the cells that are kept can tell."""
        if len(kept) == self.count and (self.kind == FULL or self.regular):
            return self._exact(place)
        return self._measured(place, kept)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(self.space.factors[position].name for position in self.levels)

    @property
    def _sizes(self) -> list[int]:
        return [len(numbers) for numbers in self.levels.values()]

    def _term(self, effect: Effect, sign: int = 1) -> Term:
        return Term(tuple(self._names[number] for number in effect), sign)

    def _exact(self, place: str) -> AliasTable:
        """For all runs of a full factorial or of a regular fraction, where every column is orthogonal or the same."""
        regular = self.regular
        resolution = self.resolution
        order = 1 if resolution and resolution < 5 else 2
        count = parameters(self._sizes, order)
        effects = effects_of(len(self.levels), order)
        return AliasTable(
            place=place,
            kind=self.kind,
            factors=self._names,
            runs=self.count,
            full=prod(self._sizes),
            lost=0,
            resolution=resolution,
            relation=self._relation(regular) if regular else (),
            words=2 ** len(regular.generated()) - 1 if regular else 0,
            chains=self._chains(regular) if regular else (),
            order=order,
            rank=len({0, *map(regular.mask, effects)}) if regular else count,
            parameters=count,
            efficiency=1.0,
            lost_effects=(),
            correlations=(),
        )

    def _relation(self, regular: RegularFraction) -> tuple[str, ...]:
        generators = regular.generators()
        words = regular.words() if 2 ** len(generators) - 1 <= MOST_WORDS else sorted(map(sorted, generators))
        if len(self.levels) > len(LETTERS):
            return ()
        return tuple(
            ("-" if regular.sign(word) < 0 else "") + "".join(LETTERS[number] for number in word) for word in words
        )

    def _chains(self, regular: RegularFraction) -> tuple[tuple[Term, ...], ...]:
        """Every chain begins with a plus."""
        return tuple(
            tuple(self._term(effect, regular.sign(effect) * regular.sign(chain[0])) for effect in chain)
            for chain in regular.chains()
        )

    def _measured(self, place: str, kept: Sequence[Cell]) -> AliasTable:
        from ablate.study.fractional.diagnostics import (
            FractionDiagnostics,  # loads numpy, which most studies need not wait for
        )

        sizes, order = self._sizes, self._measured_order(len(kept))
        numbers = [{number: code for code, number in enumerate(levels)} for levels in self.levels.values()]
        codes = [[numbers[i][cell[position]] for i, position in enumerate(self.levels)] for cell in kept]
        measured = FractionDiagnostics(codes, sizes)
        count, rank = parameters(sizes, order), measured.rank(order)
        main = effects_of(len(sizes), 1)
        lost = [effect for effect in main if not measured.is_estimable(effect, order)] if rank < count else []
        few = len(sizes) <= MANY_FACTORS and len(kept) <= MANY_RUNS
        found = measured.correlations(2 if few else 1)
        return AliasTable(
            place=place,
            kind=self.kind,
            factors=self._names,
            runs=len(kept),
            full=prod(sizes),
            lost=self.count - len(kept),
            resolution=None if len(kept) < self.count else self.resolution,
            relation=(),
            words=0,
            chains=(),
            order=order,
            rank=rank,
            parameters=count,
            efficiency=measured.efficiency(order),
            lost_effects=tuple(self._names[effect[0]] for effect in lost),
            correlations=tuple(Correlation(self._term(one), self._term(other), size) for one, other, size in found),
        )

    def _measured_order(self, runs: int) -> int:
        wanted = 2 if self.order == 2 or self.kind == FULL or (self.resolution or 0) >= 5 else 1
        return wanted if runs * parameters(self._sizes, wanted) <= MOST_MEASURED else 1


def placed(start: Cell, levels: Mapping[int, Sequence[int]], run: Sequence[int]) -> Cell:
    """The cell of a run: its level numbers in place, every other factor where the design starts from."""
    cell = list(start)
    for (position, numbers), number in zip(levels.items(), run, strict=True):
        cell[position] = numbers[number]
    return tuple(cell)

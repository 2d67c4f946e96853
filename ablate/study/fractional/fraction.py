"""One fractional design: its runs as cells, and the alias table of the runs that constraints leave."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ablate.study.design.space import Cell
from ablate.study.fractional.alias_table import FULL, AliasTable, Correlation, Term
from ablate.study.fractional.effects import Effect, effects_of, parameters
from ablate.study.fractional.regular_fractions import LETTERS, RegularFraction

MOST_WORDS = 15
"""The largest number of words of a defining relation that are all listed. Of more, those of the generators are."""

MOST_MEASURED = 20_000_000
"""The largest product of runs and parameters at which diagnostics include two-factor interactions in the model."""

MANY_FACTORS, MANY_RUNS = 20, 5_000
"""With more factors or runs, correlations with two-factor interactions take too long, and are left out."""


@dataclass(frozen=True)
class Fraction:
    """A design before constraints. A run is a tuple of codes 0, 1, ..., one for each of the design's factors."""

    kind: str
    """One of the kinds in `alias_table`."""
    start: Cell
    """The cell whose levels all factors outside the design have."""
    factors: tuple[str, ...]
    """The names of the design's factors, parallel to `levels`."""
    levels: Mapping[int, Sequence[int]]
    """{position of a factor: the level number of each of its codes}."""
    count: int
    """The number of runs."""
    runs: Callable[[], Iterable[Sequence[int]]]
    resolution: int | None = None
    """None if it does not apply."""
    order: int = 1
    """1 if main effects alone have to be estimable, 2 if two-factor interactions do as well."""
    regular: RegularFraction | None = None

    def cells(self) -> Iterator[Cell]:
        """Yield the cell of each run."""
        for run in self.runs():
            yield placed(self.start, self.levels, run)

    def table(self, place: str, kept: Sequence[Cell]) -> AliasTable:
        """Return the alias table of the cells that constraints leave; `place` is the design's place in the file."""
        if len(kept) == self.count and (self.kind == FULL or self.regular):
            return self._exact(place)
        return self._measured(place, kept)

    @property
    def _sizes(self) -> list[int]:
        return [len(numbers) for numbers in self.levels.values()]

    def _term(self, effect: Effect, sign: int = 1) -> Term:
        return Term(tuple(self.factors[number] for number in effect), sign)

    def _exact(self, place: str) -> AliasTable:
        """Return the table of all runs of a full factorial or of a regular fraction.

        There, any two columns are either orthogonal or the same.
        """
        regular = self.regular
        resolution = self.resolution
        order = 1 if resolution and resolution < 5 else 2
        count = parameters(self._sizes, order)
        effects = effects_of(len(self.levels), order)
        return AliasTable(
            place=place,
            kind=self.kind,
            factors=self.factors,
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
        """Return the chains of effects that share a column. The first effect of every chain has a plus."""
        return tuple(
            tuple(self._term(effect, regular.sign(effect) * regular.sign(chain[0])) for effect in chain)
            for chain in regular.chains()
        )

    def _measured(self, place: str, kept: Sequence[Cell]) -> AliasTable:
        # It loads numpy, which most studies do not need.
        from ablate.study.fractional.diagnostics import FractionDiagnostics

        sizes, order = self._sizes, self._measured_order(len(kept))
        code_of = [{number: code for code, number in enumerate(levels)} for levels in self.levels.values()]
        codes = [[code_of[i][cell[position]] for i, position in enumerate(self.levels)] for cell in kept]
        measured = FractionDiagnostics(codes, sizes)
        count, rank = parameters(sizes, order), measured.rank(order)
        main = effects_of(len(sizes), 1)
        lost = [effect for effect in main if not measured.is_estimable(effect, order)] if rank < count else []
        is_small = len(sizes) <= MANY_FACTORS and len(kept) <= MANY_RUNS
        sized = measured.correlations(2 if is_small else 1)
        return AliasTable(
            place=place,
            kind=self.kind,
            factors=self.factors,
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
            lost_effects=tuple(self.factors[effect[0]] for effect in lost),
            correlations=tuple(Correlation(self._term(one), self._term(other), size) for one, other, size in sized),
        )

    def _measured_order(self, runs: int) -> int:
        order = 2 if self.order == 2 or self.kind == FULL or (self.resolution or 0) >= 5 else 1
        return order if runs * parameters(self._sizes, order) <= MOST_MEASURED else 1


def placed(start: Cell, levels: Mapping[int, Sequence[int]], run: Sequence[int]) -> Cell:
    """Return the cell of a run: its levels in place, and every other factor at its level in `start`."""
    cell = list(start)
    for (position, numbers), number in zip(levels.items(), run, strict=True):
        cell[position] = numbers[number]
    return tuple(cell)

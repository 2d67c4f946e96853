"""The space of all combinations of the factors' levels. A combination is a tuple of level numbers, a cell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ablate.study.factors import Factor, Level, label_word, level_text

Cell = tuple[int, ...]
"""One combination: for each factor, in the file's order, the number of its level (0 for the first)."""


BASELINE = "baseline"
"""The label of the generated row that has every factor at its baseline."""


class CellLevels(Mapping[str, Level]):
    """A cell's levels by factor name. Cells share factors and levels, so that a hundred thousand rows are small."""

    __slots__ = ("_space", "cell")

    def __init__(self, space: "FactorSpace", cell: Cell) -> None:
        self._space, self.cell = space, cell

    def __getitem__(self, name: str) -> Level:
        position = self._space.positions[name]
        return self._space.factors[position].levels[self.cell[position]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._space.positions)

    def __len__(self) -> int:
        return len(self.cell)

    def __repr__(self) -> str:
        return repr(dict(self))


class FactorSpace:
    """The factors of a study as a geometry: positions of factors, cells, labels. It reads no file."""

    def __init__(self, factors: Sequence[Factor]) -> None:
        self.factors = tuple(factors)
        self.positions = {factor.name: position for position, factor in enumerate(self.factors)}
        self.baseline: Cell = tuple(_number(factor, factor.baseline) for factor in self.factors)
        self._words = [[label_word(factor.name, level.name) for level in factor.levels] for factor in self.factors]

    def levels(self, cell: Cell) -> CellLevels:
        """Return the levels of a cell, by factor name."""
        return CellLevels(self, cell)

    def label(self, cell: Cell) -> str:
        """Return the label of a generated row: the levels that differ from the baseline."""
        differing = [words[n] for words, n, base in zip(self._words, cell, self.baseline, strict=True) if n != base]
        return ", ".join(differing) or BASELINE

    def others(self, position: int, *without: int) -> list[int]:
        """Return the numbers of a factor's levels, in order, except those in `without`."""
        return [number for number in range(len(self.factors[position].levels)) if number not in without]

    def assigned(self, cell: Cell, changes: Mapping[int, int]) -> Cell:
        """Return the cell with some factors at other levels; `changes` is {position: level number}."""
        return tuple(changes.get(position, number) for position, number in enumerate(cell))

    def words(self, choices: Mapping[int, Iterable[int]]) -> str:
        """Return levels as messages print them: margin=0.2, or margin=0.3|0.2 for several."""
        texts = []
        for position, numbers in choices.items():
            factor = self.factors[position]
            texts.append(f"{factor.name}={'|'.join(level_text(factor.levels[n].name) for n in sorted(numbers))}")
        return ", ".join(texts)


def _number(factor: Factor, level: Level) -> int:
    return next(number for number, other in enumerate(factor.levels) if other is level)

"""All combinations of the factors' levels, as tuples of level numbers: what designs are made of and compared by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ablate.study.factors import Factor, Level, label_word, level_text
from ablate.study.reading.problems import Path, Problems

Cell = tuple[int, ...]
"""One combination: for each factor, in the file's order, the number of its level."""


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
    """The factors of a study; looks up what a file names, and records what there is not.

    `unreadable` are factors with faults of their own: naming one is no further fault, and what is said about
    combinations would be guesswork as long as there is one.
    """

    def __init__(self, factors: Sequence[Factor], faults: Problems, unreadable: Iterable[str] = ()) -> None:
        self.factors, self.faults, self.unreadable = tuple(factors), faults, frozenset(unreadable)
        self.positions = {factor.name: position for position, factor in enumerate(self.factors)}
        self.baseline: Cell = tuple(_number(factor, factor.baseline) for factor in self.factors)
        self._words = [[label_word(factor.name, level.name) for level in factor.levels] for factor in self.factors]
        self._numbers = [{level_text(level.name): n for n, level in enumerate(f.levels)} for f in self.factors]

    def levels(self, cell: Cell) -> CellLevels:
        return CellLevels(self, cell)

    def label(self, cell: Cell) -> str:
        """What a generated row is called: only what differs from the baseline."""
        differing = [words[n] for words, n, base in zip(self._words, cell, self.baseline, strict=True) if n != base]
        return ", ".join(differing) or BASELINE

    def fault(self, path: Path, message: str) -> None:
        """Records what is wrong with a combination, if all factors could be read."""
        if not self.unreadable:
            self.faults.add(path, message)

    def position(self, path: Path, name: Any) -> int | None:
        """The position of the factor of that name; None after recording that there is none."""
        if name in self.positions:
            return self.positions[name]
        if name not in self.unreadable:
            self.faults.unknown(path, "factor", name, self.positions)
        return None

    def number(self, path: Path, position: int, name: Any) -> int | None:
        """The number of a factor's level of that name; None after recording that there is none."""
        numbers = self._numbers[position]
        found = None if isinstance(name, dict | list) else numbers.get(level_text(name))
        if found is None:
            shown = level_text(name) if isinstance(name, bool) else name
            self.faults.unknown(path, f"level of {self.factors[position].name}", shown, numbers)
        return found

    def changes(self, path: Path, names: Mapping[Any, Any]) -> dict[int, int]:
        """{position: level number} of a mapping {factor: level}; unknown names are faults and left out."""
        return {position: numbers[0] for position, numbers in self._read(path, names, lists=False).items()}

    def choices(self, path: Path, names: Mapping[Any, Any]) -> dict[int, tuple[int, ...]]:
        """{position: level numbers} of a mapping {factor: level or list of levels}."""
        return self._read(path, names, lists=True)

    def _read(self, path: Path, names: Mapping[Any, Any], lists: bool) -> dict[int, tuple[int, ...]]:
        found: dict[int, tuple[int, ...]] = {}
        for name, value in names.items():
            position = self.position((*path, name), name)
            if position is None:
                continue
            numbers = (
                self._several((*path, name), position, value)
                if lists
                else [self.number((*path, name), position, value)]
            )
            if numbers and None not in numbers:
                found[position] = tuple(number for number in numbers if number is not None)
        return found

    def _several(self, path: Path, position: int, value: Any) -> list[int | None]:
        if not isinstance(value, list):
            return [self.number(path, position, value)]
        if not value:
            self.faults.add(path, "an empty list names no level")
        numbers = [self.number((*path, index), position, name) for index, name in enumerate(value)]
        if None not in numbers and len(set(numbers)) < len(numbers):
            self.faults.add(path, "a level stands here twice")
            return list(dict.fromkeys(numbers))
        return numbers

    def named(self, path: Path, names: Sequence[str]) -> list[int]:
        """The positions of a list of factors that vary; unknown, repeated and one-level factors are faults."""
        found: list[int] = []
        for index, name in enumerate(names):
            position = self.position((*path, index), name)
            if position is None:
                continue
            if position in found:
                self.faults.add((*path, index), f"factor {name!r} is named twice")
            elif len(self.factors[position].levels) < 2:
                self.faults.add((*path, index), f"factor {name!r} has only one level; it cannot vary")
            else:
                found.append(position)
        return found

    def others(self, position: int, *without: int) -> list[int]:
        """The numbers of a factor's levels, in order, without some of them."""
        return [number for number in range(len(self.factors[position].levels)) if number not in without]

    def assigned(self, cell: Cell, changes: Mapping[int, int]) -> Cell:
        """The cell with some factors at other levels."""
        return tuple(changes.get(position, number) for position, number in enumerate(cell))

    def words(self, choices: Mapping[int, Iterable[int]]) -> str:
        """Levels as messages give them: margin=0.2, or margin=0.3|0.2 for several."""
        texts = []
        for position, numbers in choices.items():
            factor = self.factors[position]
            texts.append(f"{factor.name}={'|'.join(level_text(factor.levels[n].name) for n in sorted(numbers))}")
        return ", ".join(texts)


def _number(factor: Factor, level: Level) -> int:
    return next(number for number, other in enumerate(factor.levels) if other is level)

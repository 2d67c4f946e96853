"""Looks up the factors and levels that a study file names, and records every name that does not exist."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ablate.study.design.space import FactorSpace
from ablate.study.factors import level_text
from ablate.study.reading.problems import Path, Problems


class FactorNames:
    """Translates names of factors and levels into positions and level numbers of a space.

    A name that does not exist is recorded in `problems` and left out of the result.
    """

    def __init__(self, space: FactorSpace, problems: Problems, unreadable: Iterable[str] = ()) -> None:
        """`unreadable`: factors that have faults of their own.

        To name one of them is no further fault. While there is one, nothing is recorded about combinations of levels,
        because it would be guesswork.
        """
        self.space, self.problems, self.unreadable = space, problems, frozenset(unreadable)
        self._numbers = [{level_text(level.name): n for n, level in enumerate(f.levels)} for f in space.factors]

    def add_fault(self, path: Path, message: str) -> None:
        """Record a fault of a combination of levels, if all factors could be read."""
        if not self.unreadable:
            self.problems.add(path, message)

    def position(self, path: Path, name: Any) -> int | None:
        """Return the position of the factor of that name; record a fault and return None if there is none."""
        if name in self.space.positions:
            return self.space.positions[name]
        if name not in self.unreadable:
            self.problems.unknown(path, "factor", name, self.space.positions)
        return None

    def number(self, path: Path, position: int, name: Any) -> int | None:
        """Return the number of a factor's level of that name; record a fault and return None if there is none."""
        numbers = self._numbers[position]
        number = None if isinstance(name, dict | list) else numbers.get(level_text(name))
        if number is None:
            text = level_text(name) if isinstance(name, bool) else name
            self.problems.unknown(path, f"level of {self.space.factors[position].name}", text, numbers)
        return number

    def changes(self, path: Path, names: Mapping[Any, Any]) -> dict[int, int]:
        """Return {position: level number} of a mapping {factor: level}, without unknown names."""
        return {position: numbers[0] for position, numbers in self._read(path, names, lists=False).items()}

    def choices(self, path: Path, names: Mapping[Any, Any]) -> dict[int, tuple[int, ...]]:
        """Return {position: level numbers} of a mapping {factor: level or list of levels}, without unknown names."""
        return self._read(path, names, lists=True)

    def _read(self, path: Path, names: Mapping[Any, Any], lists: bool) -> dict[int, tuple[int, ...]]:
        choices: dict[int, tuple[int, ...]] = {}
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
                choices[position] = tuple(number for number in numbers if number is not None)
        return choices

    def _several(self, path: Path, position: int, value: Any) -> list[int | None]:
        if not isinstance(value, list):
            return [self.number(path, position, value)]
        if not value:
            self.problems.add(path, "an empty list names no level")
        numbers = [self.number((*path, index), position, name) for index, name in enumerate(value)]
        if None not in numbers and len(set(numbers)) < len(numbers):
            self.problems.add(path, "a level stands here twice")
            return list(dict.fromkeys(numbers))
        return numbers

    def varying(self, path: Path, names: Sequence[str]) -> list[int]:
        """Return the positions of a list of factors that vary.

        Unknown factors, repeated ones, and factors with only one level are faults, and are left out.
        """
        positions: list[int] = []
        for index, name in enumerate(names):
            position = self.position((*path, index), name)
            if position is None:
                continue
            if position in positions:
                self.problems.add((*path, index), f"factor {name!r} is named twice")
            elif len(self.space.factors[position].levels) < 2:
                self.problems.add((*path, index), f"factor {name!r} has only one level; it cannot vary")
            else:
                positions.append(position)
        return positions

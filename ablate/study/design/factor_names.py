"""Looks up the factors and levels that a study file names, and records every name that does not exist."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ablate.errors import unknown_name
from ablate.study.design.space import BASELINE, FactorSpace
from ablate.study.factors import level_text
from ablate.study.reading.problems import Path, Problems

ROW_KEYS = ("extends", "title")
"""Keys of a row that name no factor."""

SAME = ({"on", "yes", "true", "1", "y", "enabled"}, {"off", "no", "false", "0", "n", "none", "null", "disabled"})
"""Words that people write for on and for off."""


class FactorNames:
    """Translates names of factors and levels into positions and level numbers of a space.

    A name that does not exist is recorded in `problems` and left out of the result.
    """

    def __init__(
        self,
        space: FactorSpace,
        problems: Problems,
        unreadable: Iterable[str] = (),
        are_lost: bool = False,
        lost_rows: Iterable[str] | None = (),
        unsure_levels: Iterable[str] = (),
    ) -> None:
        """`unreadable`: factors that have faults of their own; `are_lost`: none of the file's factors can be read.
        `lost_rows`: labels of written rows that have faults of their own; None if generated rows may be lost as well.
        `unsure_levels`: factors that have levels with faults of their own.

        To name one of them is no further fault. While there is one, nothing is recorded about combinations of levels,
        because it would be guesswork.
        """
        self.space, self.problems, self.unreadable = space, problems, frozenset(unreadable)
        self.are_lost, self.lost_rows = are_lost, None if lost_rows is None else frozenset(lost_rows)
        self.unsure_levels = frozenset(unsure_levels)
        self.faulty: set[Path] = set()
        """The entries of the file, such as a design or a written row, in which a name does not exist."""
        self._numbers = [{level_text(level.name): n for n, level in enumerate(f.levels)} for f in space.factors]

    def add_fault(self, path: Path, message: str) -> None:
        """Record a fault of a combination of levels, unless it may exist only because of another fault."""
        if not self.are_unsure(path):
            self.problems.add(path, message)

    def are_unsure(self, path: Path | None = None) -> bool:
        """Return True if factors could not be read, or the names in the entry of a path; without one, in any entry."""
        in_entry = _entry(path) in self.faulty if path else bool(self.faulty) or self.lost_rows != frozenset()
        return bool(self.unreadable) or self.are_lost or in_entry

    def taint(self, path: Path) -> None:
        """Note that the entry of a path has a fault, so that nothing is known about its combinations."""
        self.faulty.add(_entry(path))

    def add_wrong_name(self, path: Path, message: str) -> None:
        """Record a fault of a name, and that nothing is known about the combinations of its entry."""
        self.problems.add(path, message)
        self.taint(path)

    def add_unknown(self, path: Path, kind: str, name: Any, known: Iterable[Any]) -> None:
        """Record a name that does not exist, and that nothing is known about the combinations of its entry."""
        self.problems.unknown(path, kind, name, known)
        self.taint(path)

    def position(self, path: Path, name: Any) -> int | None:
        """Return the position of the factor of that name; record a fault and return None if there is none."""
        if name in self.space.positions:
            return self.space.positions[name]
        if self.are_lost or name in self.unreadable:
            self.taint(path)
        else:
            self._add_unknown_factor(path, name)
        return None

    def _add_unknown_factor(self, path: Path, name: Any) -> None:
        """Record a factor that does not exist, with what was probably meant."""
        if not self.space.factors and not self.unreadable:
            if not self.faulty:  # once: the next names have the same remedy
                self.problems.add(path, f"the file has no `factors`, so there is no {name!r}; declare it there")
            return self.taint(path)
        match = re.fullmatch(r"\s*([^=:]+?)\s*[=:]\s*(.+?)\s*", name) if isinstance(name, str) else None
        if match and match[1] in self.space.positions:
            message = f"found {name!r}; a level is written {{{match[1]}: {match[2]}}}, with braces and a colon"
            return self.add_wrong_name(path, message)
        in_row = "rows" in path[2:3]
        return self.add_unknown(path, "factor", name, [*self.space.positions, *(ROW_KEYS if in_row else ())])

    def number(self, path: Path, position: int, name: Any) -> int | None:
        """Return the number of a factor's level of that name; record a fault and return None if there is none."""
        numbers = self._numbers[position]
        number = None if isinstance(name, dict | list) else numbers.get(level_text(name))
        if number is None and self.space.factors[position].name in self.unsure_levels:
            self.taint(path)
        elif number is None:
            text = level_text(name) if isinstance(name, bool) else name
            kind = f"level of {self.space.factors[position].name}"
            meant = _same_level(name, numbers) if isinstance(text, str) else None
            is_text = isinstance(text, str)
            shown = None if is_text else level_text(text)
            self.add_wrong_name(path, unknown_name(kind, text, numbers, meant=meant, is_compared=is_text, shown=shown))
        return number

    def add_unknown_row(self, path: Path, label: Any, known: Iterable[str]) -> None:
        """Record a label that no row has; nothing if its row may be missing because of another fault."""
        if self.lost_rows is None or label in self.lost_rows:
            return self.taint(path)
        return self.add_unknown(path, "row", label, [*known, BASELINE])

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
            self.add_wrong_name(path, "an empty list names no level")
        numbers = [self.number((*path, index), position, name) for index, name in enumerate(value)]
        if None not in numbers and len(set(numbers)) < len(numbers):
            self.add_wrong_name(path, "a level stands here twice")
            return list(dict.fromkeys(numbers))
        return numbers

    def add_single_level(self, path: Path, name: str, why: str) -> None:
        """Record that a factor has one level only, unless others have faults of their own."""
        if name in self.unsure_levels:
            self.taint(path)
        else:
            self.add_wrong_name(path, f"factor {name!r} has only one level; {why}")

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
                self.add_wrong_name((*path, index), f"factor {name!r} is named twice")
            elif len(self.space.factors[position].levels) < 2:
                self.add_single_level((*path, index), name, "it cannot vary")
            else:
                positions.append(position)
        return positions


def _entry(path: Path) -> Path:
    """Return the part of the file that a path is in: a written row, or else an entry of a list such as a design."""
    return path[:4] if len(path) > 3 and path[2] == "rows" else path[:2]


def _same_level(name: Any, known: Iterable[str]) -> str | None:
    """Return the level that is another word for a name: `on` for yes, `off` for none. None if there is none."""
    word = level_text(name).lower()
    return next((level for level in known for same in SAME if word in same and level.lower() in same), None)

"""The designs that a file describes instead of writing out its rows: ladder, add_one, leave_one_out, pairs, grid.

A design reports its number of cells before it makes any, because one line of a file can describe a grid that is larger
than any memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, product
from math import prod
from typing import Any

from ablate.study.design.explicit import ExplicitRows
from ablate.study.design.factor_names import FactorNames
from ablate.study.design.space import BASELINE, Cell
from ablate.study.fractional.fraction import Fraction
from ablate.study.fractional.reader import FractionReader
from ablate.study.reading.problems import Path
from ablate.study.reading.schema import (
    AddOneEntry,
    DesignEntry,
    FractionalEntry,
    LadderEntry,
    LeaveOneOutEntry,
    PairsEntry,
)

Moves = Mapping[int, Sequence[int]]
"""The levels that each of some factors may take: {position: level numbers}."""


@dataclass(frozen=True)
class GeneratedCells:
    """The cells of one design, before constraints."""

    count: int
    """The number of cells, at most."""
    cells: Callable[[], Iterable[Cell]]
    start: Cell | None = None
    """The row that the design grows from, if any."""
    stepwise: bool = False
    """True if each cell builds on the one before."""
    singles: Callable[[], Iterable[Cell]] = tuple
    """Cells that are not part of the design, but without which it does not show interactions."""
    fraction: Fraction | None = None


class Generator:
    """Reads the generated designs of one file. Returns None for one that cannot be read, and records its faults."""

    def __init__(
        self, names: FactorNames, explicit: ExplicitRows, groups: Mapping[str, Sequence[int]], fractions: FractionReader
    ) -> None:
        self.names, self.space, self.problems = names, names.space, names.problems
        self.explicit, self.groups, self.fractions = explicit, groups, fractions

    def generated(self, path: Path, design: DesignEntry) -> GeneratedCells | None:
        """Return the cells of a design; None for explicit rows and for a design that cannot be read."""
        if design.ladder is not None:
            return self._ladder((*path, "ladder"), design.ladder)
        if design.add_one is not None:
            return self._add_one((*path, "add_one"), design.add_one)
        if design.leave_one_out is not None:
            return self._leave_one_out((*path, "leave_one_out"), design.leave_one_out)
        if design.pairs is not None:
            return self._pairs((*path, "pairs"), design.pairs)
        if design.grid is not None:
            return self._grid(path, design.grid, {} if design.start is None else design.start)
        if design.fractional is not None:
            return self._fractional((*path, "fractional"), design.fractional)
        return None

    def start(self, path: Path, start: str | Mapping[str, Any]) -> Cell:
        """Return the cell that a design starts from: a row's label, or levels over the baseline."""
        if not isinstance(start, str):
            return self.space.assigned(self.space.baseline, self.names.changes(path, start))
        if start in self.explicit.by_label:
            if self.names.are_unsure(self.explicit.paths[start]):
                self.names.taint(path)
            return self.explicit.by_label[start].levels.cell
        if start != BASELINE:
            self.names.add_unknown_row(path, start, self.explicit.by_label)
        return self.space.baseline

    def _ladder(self, path: Path, ladder: LadderEntry) -> GeneratedCells:
        cells = [self.start((*path, "from"), ladder.start)]
        is_start_sure = not self.names.are_unsure(path)
        if not ladder.add:
            self.problems.add((*path, "add"), "the ladder has no rung; name at least one factor")
        for index, rung in enumerate(ladder.add):
            place = (*path, "add", index)
            changes = self._rung(place, rung)
            cells.append(self.space.assigned(cells[-1], changes))
            is_read = len(changes) == (1 if isinstance(rung, str) else len(rung)) > 0
            if is_start_sure and is_read and cells[-1] == cells[-2]:
                self.problems.add(place, "this rung changes nothing: the ladder is there already")
        return GeneratedCells(len(cells), lambda: cells, cells[0], stepwise=True)

    def _rung(self, path: Path, rung: str | Mapping[str, Any]) -> Mapping[int, int]:
        if not isinstance(rung, str):
            if not rung:
                self.names.add_wrong_name(path, "an empty rung; accepted: a factor, or {factor: level}")
            return self.names.changes(path, rung)
        position = self.names.position(path, rung)
        if position is None:
            return {}
        if len(self.space.factors[position].levels) < 2:
            self.names.add_single_level(path, rung, "a rung needs a second to go to")
            return {}
        return {position: self.space.others(position, self.space.baseline[position])[0]}

    def _add_one(self, path: Path, entry: AddOneEntry) -> GeneratedCells:
        """Return the start and one cell for each added level.

        Going back to the baseline is no addition: that is left to leave_one_out, unless the file names the factor.
        """
        start = self.start((*path, "from"), entry.start)
        if entry.factors is None:
            moves: Moves = {p: self.space.others(p, start[p], base) for p, base in enumerate(self.space.baseline)}
        else:
            moves = self._moves(start, self.names.varying((*path, "factors"), entry.factors))
        if not any(moves.values()) and not self.names.unsure_levels:
            self.names.add_fault(path, "nothing can be added: no factor has a level other than the baseline and from's")
        return GeneratedCells(1 + sum(map(len, moves.values())), partial(_one_at_a_time, start, moves), start)

    def _leave_one_out(self, path: Path, entry: LeaveOneOutEntry) -> GeneratedCells:
        start = self.start((*path, "from"), entry.start)
        away = {position for position, number in enumerate(start) if number != self.space.baseline[position]}
        units: list[Sequence[int]] = [[position] for position in sorted(away)]
        if entry.factors is not None:
            units = self._units((*path, "factors"), entry.factors, away)
        else:
            units += [group for group in self.groups.values() if away & set(group)]
        if not away:
            message = "every factor is at its baseline here, so there is none to leave out"
            self.names.add_fault((*path, "from"), message)
        base = self.space.baseline
        cells = [start, *(self.space.assigned(start, {p: base[p] for p in unit}) for unit in units)]
        return GeneratedCells(len(cells), lambda: cells, start)

    def _units(self, path: Path, names: Sequence[str], away: set[int]) -> list[Sequence[int]]:
        """Return the positions that each name of a factor or group puts back to the baseline together."""
        units: list[Sequence[int]] = []
        for index, name in enumerate(names):
            place = (*path, index)
            if name not in self.groups and name not in self.space.positions:
                if name in self.names.unreadable or self.names.are_lost:
                    self.names.taint(place)
                else:
                    self.names.add_unknown(place, "factor or group", name, [*self.space.positions, *self.groups])
                continue
            unit = self.groups[name] if name in self.groups else [self.space.positions[name]]
            if name in names[:index]:
                self.problems.add(place, f"{name!r} is named twice")
            elif away and not away & set(unit):
                self.names.add_fault(place, f"{name!r} is at its baseline in `from`, so there is nothing to leave out")
            units.append(unit)
        return units

    def _pairs(self, path: Path, entry: PairsEntry) -> GeneratedCells:
        start = self.start((*path, "from"), entry.start)
        moves = self._moves(start, self.names.varying((*path, "factors"), entry.factors))
        if len(moves) < 2:
            self.names.add_fault((*path, "factors"), "a pair takes two factors; name at least two")
        counts = [len(numbers) for numbers in moves.values()]
        both = (sum(counts) ** 2 - sum(count**2 for count in counts)) // 2
        return GeneratedCells(
            1 + both, lambda: _two_at_a_time(start, moves), start, singles=lambda: _one_at_a_time(start, moves)
        )

    def _grid(self, path: Path, grid: Mapping[str, Any], start: str | Mapping[str, Any]) -> GeneratedCells:
        if not grid:
            self.problems.add((*path, "grid"), "no factor; accepted: {factor: [level, ...]}")
        choices = self.names.choices((*path, "grid"), grid)
        base = self.start((*path, "from"), start)
        if isinstance(start, Mapping):
            message = "the grid varies this factor; leave it out of one of the two"
            for name in grid.keys() & start.keys():
                self.names.add_fault((*path, "from", name), message)
        return GeneratedCells(prod(map(len, choices.values())), partial(_grid, base, choices))

    def _fractional(self, path: Path, entry: FractionalEntry) -> GeneratedCells | None:
        start = self.start((*path, "from"), entry.start)
        fraction = self.fractions.fraction(path, entry, start)
        return GeneratedCells(fraction.count, fraction.cells, fraction=fraction) if fraction else None

    def _moves(self, start: Cell, positions: Iterable[int]) -> Moves:
        """Return, for each of these factors, every level other than the one in `start`."""
        return {position: self.space.others(position, start[position]) for position in positions}


def _one_at_a_time(start: Cell, moves: Moves) -> Iterator[Cell]:
    yield start
    for position, numbers in moves.items():
        for number in numbers:
            yield (*start[:position], number, *start[position + 1 :])


def _two_at_a_time(start: Cell, moves: Moves) -> Iterator[Cell]:
    yield start
    for (one, ones), (other, others) in combinations(moves.items(), 2):
        for number, second in product(ones, others):
            changed = list(start)
            changed[one], changed[other] = number, second
            yield tuple(changed)


def _grid(base: Cell, choices: Moves) -> Iterator[Cell]:
    """Yield every combination; the factor that is written last varies fastest."""
    positions, cell = list(choices), list(base)
    for numbers in product(*choices.values()):
        for position, number in zip(positions, numbers, strict=True):
            cell[position] = number
        yield tuple(cell)

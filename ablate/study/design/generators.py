"""The designs that a file describes and does not write out: ladder, add_one, leave_one_out, pairs, grid.

A design says how many cells it asks for before it makes any: a grid is written in a line, and can be larger
than any memory.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, product
from math import prod
from typing import Any

from ablate.study.design.explicit import ExplicitRows
from ablate.study.design.space import BASELINE, Cell, FactorSpace
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
"""Where each of some factors may go: {position: level numbers}."""


@dataclass(frozen=True)
class GeneratedCells:
    """The cells that one design asks for, `count` of them at most; `start` is the row that it grows from, if any.

    `stepwise`: each cell builds on the one before. `singles` are the cells without which the design's own do not show
    interactions; it does not ask for them.
    """

    count: int
    cells: Callable[[], Iterable[Cell]]
    start: Cell | None = None
    stepwise: bool = False
    singles: Callable[[], Iterable[Cell]] = tuple
    fraction: Fraction | None = None


class Generator:
    """Reads the generated designs of one file; None for one that cannot be read, after its faults are recorded."""

    def __init__(
        self, space: FactorSpace, explicit: ExplicitRows, groups: Mapping[str, Sequence[int]], fractions: FractionReader
    ) -> None:
        self.space, self.explicit, self.groups, self.fractions = space, explicit, groups, fractions

    def asked(self, path: Path, design: DesignEntry) -> GeneratedCells | None:
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
        """The cell that a design starts from: a row's label, or levels over the baseline."""
        if not isinstance(start, str):
            return self.space.assigned(self.space.baseline, self.space.changes(path, start))
        if start in self.explicit.by_label:
            return self.explicit.by_label[start].levels.cell
        if start != BASELINE:
            self.space.faults.unknown(path, "row", start, [*self.explicit.by_label, BASELINE])
        return self.space.baseline

    def _ladder(self, path: Path, ladder: LadderEntry) -> GeneratedCells:
        cells = [self.start((*path, "from"), ladder.start)]
        if not ladder.add:
            self.space.faults.add((*path, "add"), "the ladder has no rung; name at least one factor")
        for index, rung in enumerate(ladder.add):
            place = (*path, "add", index)
            cells.append(self.space.assigned(cells[-1], self._rung(place, rung)))
            if rung and cells[-1] == cells[-2]:
                self.space.fault(place, "this rung changes nothing: the ladder is there already")
        return GeneratedCells(len(cells), lambda: cells, cells[0], stepwise=True)

    def _rung(self, path: Path, rung: str | Mapping[str, Any]) -> Mapping[int, int]:
        if not isinstance(rung, str):
            if not rung:
                self.space.faults.add(path, "an empty rung; accepted: a factor, or {factor: level}")
            return self.space.changes(path, rung)
        position = self.space.position(path, rung)
        if position is None:
            return {}
        if len(self.space.factors[position].levels) < 2:
            self.space.faults.add(path, f"factor {rung!r} has only one level; a rung needs a second to go to")
            return {}
        return {position: self.space.others(position, self.space.baseline[position])[0]}

    def _add_one(self, path: Path, entry: AddOneEntry) -> GeneratedCells:
        """Back to the baseline is no addition, and left to leave_one_out, unless a factor is named."""
        start = self.start((*path, "from"), entry.start)
        if entry.factors is None:
            moves: Moves = {p: self.space.others(p, start[p], base) for p, base in enumerate(self.space.baseline)}
        else:
            moves = self._moves(start, self.space.named((*path, "factors"), entry.factors))
        if not any(moves.values()):
            self.space.fault(path, "nothing can be added: no factor has a level other than the baseline and from's")
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
            self.space.fault((*path, "from"), "every factor is at its baseline here, so there is none to leave out")
        base = self.space.baseline
        cells = [start, *(self.space.assigned(start, {p: base[p] for p in unit}) for unit in units)]
        return GeneratedCells(len(cells), lambda: cells, start)

    def _units(self, path: Path, names: Sequence[str], away: set[int]) -> list[Sequence[int]]:
        """What the names of factors and groups put back together."""
        units: list[Sequence[int]] = []
        for index, name in enumerate(names):
            place = (*path, index)
            if name not in self.groups and name not in self.space.positions:
                if name not in self.space.unreadable:
                    known = [*self.space.positions, *self.groups]
                    self.space.faults.unknown(place, "factor or group", name, known)
                continue
            unit = self.groups[name] if name in self.groups else [self.space.positions[name]]
            if name in names[:index]:
                self.space.faults.add(place, f"{name!r} is named twice")
            elif away and not away & set(unit):
                self.space.fault(place, f"{name!r} is at its baseline in `from`, so there is nothing to leave out")
            units.append(unit)
        return units

    def _pairs(self, path: Path, entry: PairsEntry) -> GeneratedCells:
        start = self.start((*path, "from"), entry.start)
        moves = self._moves(start, self.space.named((*path, "factors"), entry.factors))
        if len(moves) < 2:
            self.space.fault((*path, "factors"), "a pair takes two factors; name at least two")
        counts = [len(numbers) for numbers in moves.values()]
        both = (sum(counts) ** 2 - sum(count**2 for count in counts)) // 2
        return GeneratedCells(
            1 + both, lambda: _two_at_a_time(start, moves), start, singles=lambda: _one_at_a_time(start, moves)
        )

    def _grid(self, path: Path, grid: Mapping[str, Any], start: str | Mapping[str, Any]) -> GeneratedCells:
        if not grid:
            self.space.faults.add((*path, "grid"), "no factor; accepted: {factor: [level, ...]}")
        choices = self.space.choices((*path, "grid"), grid)
        base = self.start((*path, "from"), start)
        if isinstance(start, Mapping):
            for name in grid.keys() & start.keys():
                self.space.fault((*path, "from", name), "the grid varies this factor; leave it out of one of the two")
        return GeneratedCells(prod(map(len, choices.values())), partial(_grid, base, choices))

    def _fractional(self, path: Path, entry: FractionalEntry) -> GeneratedCells | None:
        start = self.start((*path, "from"), entry.start)
        fraction = self.fractions.fraction(path, entry, start)
        return GeneratedCells(fraction.count, fraction.cells, fraction=fraction) if fraction else None

    def _moves(self, start: Cell, positions: Iterable[int]) -> Moves:
        """Every other level of factors that a file names."""
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
    """Every combination; the factor that is written last varies fastest."""
    positions, cell = list(choices), list(base)
    for numbers in product(*choices.values()):
        for position, number in zip(positions, numbers, strict=True):
            cell[position] = number
        yield tuple(cell)

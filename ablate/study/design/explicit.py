"""Rows: what is trained, each with a label; and those that a file writes out one by one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.study.design.space import BASELINE, Cell, CellLevels, FactorSpace
from ablate.study.reading.problems import Path, dotted
from ablate.study.reading.schema import DesignEntry

RESERVED = ("extends", "title")


@dataclass(frozen=True, slots=True)
class Row:
    """One combination of levels, every factor included. `title` is what the log format prints instead."""

    label: str
    levels: CellLevels
    title: str | None = None


@dataclass(frozen=True)
class _Written:
    """A row as written: its place, and its own levels with what it extends."""

    path: Path
    entry: Mapping[str, Any]


class ExplicitRows:
    """The rows that a file writes out, by label; a row may extend one that stands below it."""

    def __init__(self, space: FactorSpace, designs: Mapping[Path, DesignEntry]) -> None:
        """`designs` are keyed by their place in the file."""
        self.space, self.faults = space, space.faults
        self.paths: dict[str, Path] = {}
        self.by_label: dict[str, Row] = {}
        self.by_cell: dict[Cell, Row] = {}
        self._written: dict[str, _Written] = {}
        self._collect(designs)
        for label in self._written:
            self._cell(label, ())

    def _collect(self, designs: Mapping[Path, DesignEntry]) -> None:
        for path, design in designs.items():
            for label, entry in (design.rows or {}).items():
                place = (*path, "rows", label)
                if label in self._written:
                    first = dotted(self.paths[label][:2])
                    self.faults.add(place, f"label {label!r} stands twice, also at {first}")
                else:
                    self._written[label], self.paths[label] = _Written(place, entry), place

    def _cell(self, label: str, chain: tuple[str, ...]) -> Cell:
        """The cell of a labelled row, after that of the row that it extends."""
        if label in self.by_label:
            return self.by_label[label].levels.cell
        written = self._written[label]
        extended = self._extended(written, (*chain, label))
        own = {name: value for name, value in written.entry.items() if name not in RESERVED}
        cell = self.space.assigned(extended, self.space.changes(written.path, own))
        row = Row(label, self.space.levels(cell), self._title(written))
        self.by_label[label] = row
        self.by_cell.setdefault(cell, row)
        return cell

    def _title(self, written: _Written) -> str | None:
        if not is_line(written.path[-1]):
            self.faults.expected(written.path, written.path[-1], "a label of one line of text")
        title = written.entry.get("title")
        if title is not None and not is_line(title):
            self.faults.expected((*written.path, "title"), title, "one line of text")
            return None
        return title

    def _extended(self, written: _Written, chain: tuple[str, ...]) -> Cell:
        if "extends" not in written.entry:
            return self.space.baseline
        parent, path = written.entry["extends"], (*written.path, "extends")
        if parent in chain:
            self.faults.add(path, f"rows extend one another in a circle: {' -> '.join([*chain, str(parent)])}")
        elif isinstance(parent, str) and parent in self._written:
            return self._cell(parent, chain)
        elif parent != BASELINE:
            self.faults.unknown(path, "row", parent, [*self._written, BASELINE])
        return self.space.baseline


def is_line(text: Any) -> bool:
    """Whether a label or title is one line of text that can be shown, which logs and tables can hold."""
    return isinstance(text, str) and bool(text.strip()) and text.isprintable()

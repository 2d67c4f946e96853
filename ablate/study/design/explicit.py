"""The rows that a study file writes out one by one, each with its label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.study.design.factor_names import ROW_KEYS, FactorNames
from ablate.study.design.space import BASELINE, Cell
from ablate.study.model import Row
from ablate.study.reading.problems import Path, dotted
from ablate.study.reading.schema import DesignEntry


@dataclass(frozen=True)
class _WrittenRow:
    """A row as the file writes it."""

    path: Path
    entry: Mapping[str, Any]
    """The row's own levels, `extends`, and `title`."""


class ExplicitRows:
    """The rows that a file writes out, by label. A row may extend one that stands below it."""

    def __init__(self, names: FactorNames, designs: Mapping[Path, DesignEntry]) -> None:
        """`designs` are keyed by their place in the file."""
        self.names, self.space, self.problems = names, names.space, names.problems
        self.paths: dict[str, Path] = {}
        self.by_label: dict[str, Row] = {}
        self.by_cell: dict[Cell, Row] = {}
        self._written: dict[str, _WrittenRow] = {}
        self._collect(designs)
        for label in self._written:
            self._cell(label, ())

    def _collect(self, designs: Mapping[Path, DesignEntry]) -> None:
        for path, design in designs.items():
            for label, entry in (design.rows or {}).items():
                place = (*path, "rows", label)
                if label in self._written:
                    first = dotted(self.paths[label][:2])
                    self.problems.add(place, f"label {label!r} stands twice, also at {first}")
                else:
                    self._written[label], self.paths[label] = _WrittenRow(place, entry), place

    def _cell(self, label: str, chain: tuple[str, ...]) -> Cell:
        """Return the cell of a labelled row, after that of the row that it extends."""
        if label in self.by_label:
            return self.by_label[label].levels.cell
        written = self._written[label]
        extended = self._extended(written, (*chain, label))
        own = {name: value for name, value in written.entry.items() if name not in ROW_KEYS}
        cell = self.space.assigned(extended, self.names.changes(written.path, own))
        row = Row(label, self.space.levels(cell), self._title(written))
        self.by_label[label] = row
        self.by_cell.setdefault(cell, row)
        return cell

    def _title(self, written: _WrittenRow) -> str | None:
        if not is_line(written.path[-1]):
            self.problems.expected(written.path, written.path[-1], "a label of one line of text")
        title = written.entry.get("title")
        if title is not None and not is_line(title):
            self.problems.expected((*written.path, "title"), title, "one line of text")
            return None
        return title

    def _extended(self, written: _WrittenRow, chain: tuple[str, ...]) -> Cell:
        if "extends" not in written.entry:
            return self.space.baseline
        parent, path = written.entry["extends"], (*written.path, "extends")
        if parent in chain:
            self.problems.add(path, f"rows extend one another in a circle: {' -> '.join([*chain, str(parent)])}")
        elif isinstance(parent, str) and parent in self._written:
            cell = self._cell(parent, chain)
            if self.names.are_unsure(self._written[parent].path):
                self.names.taint(written.path)
            return cell
        elif parent != BASELINE:
            self.names.add_unknown_row(path, parent, self._written)
        return self.space.baseline


def is_line(text: Any) -> bool:
    """Return True if a label or title is one non-empty line of printable text, which logs and tables can hold."""
    return isinstance(text, str) and bool(text.strip()) and text.isprintable()

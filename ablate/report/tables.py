"""Tables as plain values, which each format for people prints in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    """Its heading."""
    align: str = "l"
    """l, c or r."""
    flex: int = 0
    """Its share of the free width, for text that may wrap; 0 if it may not wrap."""
    wide: bool = False
    """True if only a wide page has it."""
    under: bool = False
    """True if it stands below the column before it on a narrow page."""
    paper: bool = False
    """True if a terminal does not have it."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    """Its text, of one or more lines."""
    bold: bool = False
    """True for the best rows."""
    doubtful: bool = False
    """True if a terminal colours it as a warning; the text must give the warning too."""


@dataclass(frozen=True)
class ReportSection:
    """A section of a report: a title, a table, and sentences below it."""

    title: str
    """The heading; empty if there is none."""
    columns: Sequence[Column] = ()
    """The columns of the table; none if there is no table."""
    rows: Sequence[Sequence[Cell]] = ()
    """The rows of the table, each with a cell for every column."""
    notes: Sequence[str] = ()
    """The sentences below the table."""
    items: bool = False
    """True if the sentences are items of a list."""
    wide_notes: Sequence[str] = ()
    """Those among the notes that are about a column of a wide page."""

    @property
    def empty(self) -> bool:
        """Return True if there is nothing to print."""
        return not self.rows and not self.notes

    @property
    def narrow(self) -> "ReportSection":
        """Return the section without the columns of a wide page, and without the notes about them."""
        return self._only([at for at, column in enumerate(self.columns) if not column.wide])

    @property
    def on_screen(self) -> "ReportSection":
        """Return the section without the columns of a wide page and of paper."""
        return self._only([at for at, column in enumerate(self.columns) if not (column.wide or column.paper)])

    @property
    def stacked(self) -> "ReportSection":
        """Return the section with the columns marked `under` below the columns before them, in one cell."""
        groups: list[list[int]] = []
        for at, column in enumerate(self.columns):
            if column.under:
                groups[-1].append(at)
            else:
                groups.append([at])
        names = ["\n".join(self.columns[at].name for at in group) for group in groups]
        columns = [replace(self.columns[group[0]], name=name) for group, name in zip(groups, names, strict=True)]
        rows = [[_stacked([row[at] for at in group], self.columns[group[0]]) for group in groups] for row in self.rows]
        return replace(self, columns=columns, rows=rows)

    def _only(self, indices: Sequence[int]) -> "ReportSection":
        rows = [[row[at] for at in indices] for row in self.rows]
        notes = [note for note in self.notes if note not in self.wide_notes]
        return replace(self, columns=[self.columns[at] for at in indices], rows=rows, notes=notes)


def _stacked(cells: Sequence[Cell], column: Column) -> Cell:
    """Return several cells as one; in a left-aligned column the lower lines are indented."""
    below = "\n  " if column.align == "l" else "\n"
    return replace(cells[0], text=below.join(cell.text for cell in cells if cell.text))


def block(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Cell]],
    notes: Sequence[str] = (),
    wide_notes: Sequence[str] = (),
) -> ReportSection:
    """Return a table section; cells may be plain text. `wide_notes`: those that only a wide page has."""
    cells = [[c if isinstance(c, Cell) else Cell(c) for c in row] for row in rows]
    return ReportSection(title, columns, cells, [*notes, *wide_notes], wide_notes=wide_notes)

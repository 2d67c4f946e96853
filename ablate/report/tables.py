"""Tables as plain values, which every format for people prints its own way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Column:
    """`align`: l, c or r. `flex`: its share of the room, for text that may wrap; 0: it may not.

    `wide`: left out where there is no room. `under`: where there is little, it stands under the column before it.
    `paper`: left out in a terminal.
    """

    name: str
    align: str = "l"
    flex: int = 0
    wide: bool = False
    under: bool = False
    paper: bool = False


@dataclass(frozen=True)
class Cell:
    """`doubtful`: a warning, for those who see colours; the words say it too."""

    text: str
    bold: bool = False
    doubtful: bool = False


@dataclass(frozen=True)
class ReportSection:
    """A title, a table where it has columns, and sentences below. `items`: the sentences are a list."""

    title: str
    columns: Sequence[Column] = ()
    rows: Sequence[Sequence[Cell]] = ()
    notes: Sequence[str] = ()
    items: bool = False

    @property
    def empty(self) -> bool:
        return not self.rows and not self.notes

    @property
    def narrow(self) -> "ReportSection":
        """Without the columns that only a wide page has room for."""
        return self._only([at for at, column in enumerate(self.columns) if not column.wide])

    @property
    def on_screen(self) -> "ReportSection":
        """Without the columns that a terminal has no room for."""
        return self._only([at for at, column in enumerate(self.columns) if not (column.wide or column.paper)])

    @property
    def stacked(self) -> "ReportSection":
        """With two lines in a cell where a column stands under another."""
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

    def _only(self, kept: Sequence[int]) -> "ReportSection":
        rows = [[row[at] for at in kept] for row in self.rows]
        return replace(self, columns=[self.columns[at] for at in kept], rows=rows)


def _stacked(cells: Sequence[Cell], column: Column) -> Cell:
    """One cell; what stands below is set in, where it would start with the text above."""
    below = "\n  " if column.align == "l" else "\n"
    return replace(cells[0], text=below.join(cell.text for cell in cells if cell.text))


def block(
    title: str, columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], notes: Sequence[str] = ()
) -> ReportSection:
    """A table whose plain cells are given as text."""
    return ReportSection(title, columns, [[c if isinstance(c, Cell) else Cell(c) for c in row] for row in rows], notes)

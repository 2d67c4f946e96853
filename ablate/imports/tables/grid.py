"""A table as it stands in a file: headings, and the cells of each column."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[Any]
"""The cells of a column, shape (lines,): int64 or float64 if all are plain numbers, otherwise objects: str, bool, int,
float or None."""

MOST_COLUMNS = 10_000
"""The largest number of columns of a table."""
MOST_CHARACTERS = 131_072
"""The largest number of characters of a cell."""
MOST_LETTERS_OF_MARKUP = 2_000
"""The longest cell whose markup is taken away; a longer one stays as it is written."""
MOST_LETTERS_OF_HEADINGS = 500
"""The longest heading."""
MOST_BYTES_AT_ONCE = 64 * 1024 * 1024
"""The largest size of a file that is read as a whole, which holds for all forms but CSV, JSON lines and Parquet."""


@dataclass(frozen=True)
class Grid:
    """The cells of a table before they are understood."""

    headings: tuple[str, ...]
    columns: tuple[Cells, ...]
    """The cells of each column, parallel to `headings`."""
    lines: NDArray[np.int64]
    """The number of each line in the file, shape (lines,)."""
    unit: str = "line"
    """The word for a line in messages: line, item or row."""
    is_markup: bool = False
    """True for Markdown and LaTeX, in which `x`, `+` and empty cells may mean on and off."""
    decimal_comma: bool = False
    """True if a number such as 1,234 has a decimal comma, although it could be a thousand."""
    comma_delimits: bool = False
    """True if the delimiter is a comma."""
    layout: str = ""
    """A note about a layout other than a line for each run; empty without one."""
    unused: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def place(self, at: int) -> str:
        """Return the place of a line as messages name it."""
        return f"{self.unit} {self.lines[at]}"

    def texts(self, at: int) -> list[str]:
        """Return the cells of one line as text, empty if they are missing."""
        return [text(column[at]) for column in self.columns]

    def without(self, lines: Iterable[int], *unused: str) -> "Grid":
        """Return the table without some lines, given by their index, with a sentence about them."""
        gone = sorted(set(lines))
        if not gone:
            return replace(self, unused=(*self.unused, *unused))
        columns = tuple(np.delete(column, gone) for column in self.columns)
        return replace(self, columns=columns, lines=np.delete(self.lines, gone), unused=(*self.unused, *unused))


def text(cell: object) -> str:
    """Return a cell as text, empty if it is missing."""
    return "" if cell is None or cell != cell else str(cell).strip()


def different(cells: Cells) -> dict[Any, str]:
    """Return {cell: its text} for the different cells of a column of objects."""
    return {cell: text(cell) for cell in dict.fromkeys(cells.tolist())}


class Places(Sequence[str]):
    """The places of runs, made when they are used: a million texts would take as much memory as the runs."""

    def __init__(self, unit: str, lines: NDArray[np.int64], columns: Sequence[str] = ()) -> None:
        self._unit = unit
        self._lines = lines
        self._columns = columns

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> "Places": ...
    def __getitem__(self, at: int | slice) -> "str | Places":
        if isinstance(at, slice):
            return Places(self._unit, self._lines[at], self._columns[at])
        column = f", column {self._columns[at]}" if self._columns else ""
        return f"{self._unit} {self._lines[at]}{column}"


def in_words(numbers: Sequence[int], unit: str = "line") -> str:
    """Return the numbers of lines as a text: `line 7`, or `lines 7 to 9 and 12`."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    parts = [str(first) if first == last else f"{first} to {last}" for first, last in ranges]
    shown = parts if len(parts) <= 4 else [*parts[:3], f"{len(parts) - 3} more"]
    several = len(numbers) > 1
    return f"{unit}{'s' if several else ''} " + (
        shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    )


def without(grid: Grid, gone: list[int], why: str) -> Grid:
    """Return a table without some lines, given by their index, with one sentence about them."""
    if not gone:
        return grid
    return grid.without(gone, f"{in_words([int(grid.lines[at]) for at in gone], grid.unit)}: {why}")

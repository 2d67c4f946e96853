"""The cells of a column as values: numbers, means with standard deviations, true or false, on or off, or text."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.errors import SourceError
from ablate.imports.tables import marks
from ablate.imports.tables.cells import MISSING, NO_NUMBER, NO_RESULT, Notation, Quantity, is_only, quantity
from ablate.imports.tables.grid import Cells, Grid, different, text
from ablate.imports.tables.headings import heading
from ablate.measurement import Direction

_TRUTHS = {"true": True, "false": False}
_ZERO_COMMA = re.compile(r"[+-]?0,\d")


@dataclass(frozen=True, eq=False)
class TableColumn:
    """A column of a table with its values."""

    name: str
    values: Cells
    """Shape (lines,): int64, float64, or objects: bool or str, None without a value."""
    sd: NDArray[np.float64] | None = None
    """The standard deviation next to each value, nan without one; None if no cell has one."""
    is_percent: bool = False
    """True if it is written in percent. The values are rates."""
    direction: Direction | None = None
    seeds: int = 0
    """The number of seeds that the heading states; 0 without one."""
    unused: tuple[str, ...] = ()

    @property
    def is_number(self) -> bool:
        return self.values.dtype.kind in "if"


def read_columns(grid: Grid) -> list[TableColumn]:
    """Return the columns of a table. SourceError if one has percent signs in some of its cells only."""
    different = [_different(cells) for cells in grid.columns]
    names = _names(grid.headings)
    has_ticks = any(marks.has_ticks(texts.keys()) for texts in different)
    commas = grid.decimal_comma or any(_is_comma(texts, grid.comma_delimits) for texts in different)
    reader = _ColumnReader(grid, has_ticks, commas)
    return [reader.read(at, name, texts) for at, (name, texts) in enumerate(zip(names, different, strict=True))]


def _names(headings: Sequence[str]) -> list[str]:
    """Return the headings without their signs, or as they are if two would be the same."""
    names = [heading(text).name for text in headings]
    counts = Counter(names)
    return [name if counts[name] == 1 else text for name, text in zip(names, headings, strict=True)]


def _different(cells: Cells) -> dict[str, None]:
    """Return the different texts of a column; empty if its cells are numbers already."""
    if cells.dtype != object:
        return {}
    return dict.fromkeys(different(cells).values())


def _is_comma(texts: dict[str, None], comma_delimits: bool) -> bool:
    """Return True if the cells are numbers with decimal commas, and cannot be any with decimal points.

    `comma_delimits`: True if the delimiter is a comma. Then `"128,64"` is a list, and `"0,93"` a number.
    """
    cells = [cell for cell in texts if cell.lower() not in NO_NUMBER]
    if not any("," in cell for cell in cells) or not all(quantity(cell, Notation.COMMA) for cell in cells):
        return False
    return any(_ZERO_COMMA.match(cell) if comma_delimits else is_only(cell, Notation.COMMA) for cell in cells)


@dataclass(frozen=True)
class _ColumnReader:
    grid: Grid
    has_ticks: bool
    commas: bool
    """True if the numbers of the table have decimal commas."""

    def read(self, at: int, name: str, texts: dict[str, None]) -> TableColumn:
        head, cells = heading(self.grid.headings[at]), self.grid.columns[at]
        if cells.dtype != object:
            values = _rates(cells) if head.is_percent else cells
            return TableColumn(name, values, None, head.is_percent, head.direction, head.seeds)
        if set(map(type, cells.tolist())) == {bool}:
            return TableColumn(name, cells)
        if on := marks.levels(texts, self.grid.is_markup, self.has_ticks):
            return TableColumn(name, _mapped(cells, on))
        if texts.keys() - MISSING and all(cell.lower() in _TRUTHS or cell.lower() in MISSING for cell in texts):
            return TableColumn(name, _mapped(cells, {cell: _TRUTHS.get(cell.lower()) for cell in texts}))
        numbers = self._numbers(texts, head.is_percent)
        if numbers:
            return self._column_of_numbers(at, name, numbers)
        return TableColumn(name, _mapped(cells, {cell: None if cell.lower() in MISSING else cell for cell in texts}))

    def _numbers(self, texts: dict[str, None], is_percent: bool) -> dict[str, Quantity]:
        """Return {cell: its number}, without the cells that have none; empty if the column is text."""
        found = [cell for cell in texts if cell.lower() not in NO_NUMBER and cell.lower() not in NO_RESULT]
        has_comma = self.commas and any("," in cell for cell in found)
        order = (Notation.COMMA, Notation.POINT) if has_comma else (Notation.POINT, Notation.COMMA)
        for notation in order if self.commas else (Notation.POINT,):
            numbers = {}
            for cell in found:
                read = quantity(cell, notation, is_percent)
                if read is None:
                    break
                numbers[cell] = read
            else:
                return numbers
        return {}

    def _column_of_numbers(self, at: int, name: str, numbers: dict[str, Quantity]) -> TableColumn:
        head, cells = heading(self.grid.headings[at]), self.grid.columns[at]
        self._check_percent(at, numbers)
        of_cells = different(cells)
        texts = [of_cells[cell] for cell in cells.tolist()]
        unused = list(self._no_results(name, numbers, texts))
        if any(number.has_note for number in numbers.values()):
            unused.append(f"column {name!r}: differences and intervals in brackets, such as (+1.2), are not used")
        values = {cell: number.value for cell, number in numbers.items()}
        is_whole = all(isinstance(value, int) for value in values.values()) and all(cell in values for cell in texts)
        array = np.array([values.get(cell, np.nan) for cell in texts], dtype=np.int64 if is_whole else np.float64)
        sds = {cell: number.sd for cell, number in numbers.items() if number.sd is not None}
        sd = np.array([sds.get(cell, np.nan) for cell in texts], dtype=np.float64) if sds else None
        is_percent = any(number.is_percent for number in numbers.values())
        return TableColumn(name, array, sd, is_percent, head.direction, head.seeds, tuple(unused))

    def _check_percent(self, at: int, numbers: dict[str, Quantity]) -> None:
        without = [
            cell
            for cell, number in numbers.items()
            if not number.is_percent and number.value != 0 and math.isfinite(number.value)
        ]
        if not without or not any(number.is_percent for number in numbers.values()):
            return
        cells = [text(cell) for cell in self.grid.columns[at].tolist()]
        raise SourceError(
            f"{self.grid.place(cells.index(without[0]))}, column {self.grid.headings[at]!r}: {without[0]!r} has no "
            "percent sign, but other cells of this column have one; write all of them with it, or none"
        )

    def _no_results(self, name: str, numbers: dict[str, Quantity], texts: Sequence[str]) -> list[str]:
        words = dict.fromkeys(cell for cell in texts if cell.lower() in NO_RESULT and cell not in numbers)
        return [
            f"{self.grid.place(texts.index(word))}, column {name!r}: {word!r} is no number: there is no value"
            for word in words
        ]


def _mapped(cells: Cells, values: "dict[str, str] | dict[str, bool | None] | dict[str, str | None]") -> Cells:
    mapped = np.empty(len(cells), dtype=object)
    of_cells = {cell: values[cell_text] for cell, cell_text in different(cells).items()}
    mapped[:] = [of_cells[cell] for cell in cells.tolist()]
    return mapped


def _rates(cells: Cells) -> NDArray[np.float64]:
    """Return numbers in percent as rates: the nearest numbers to the decimals that were written."""
    return np.array([_rate(repr(value)) for value in cells.tolist()], dtype=np.float64)


def _rate(number: str) -> float:
    return float(number) / 100 if "e" in number or "n" in number else float(f"{number}e-2")

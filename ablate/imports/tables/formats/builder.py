"""The columns of a long table, put together from parts of some thousand lines, so that numbers take little memory."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ablate.imports.tables.cells import MISSING
from ablate.imports.tables.grid import Cells

LINES_AT_ONCE = 20_000
"""The number of lines of a part."""


class ColumnBuilder:
    """Collects the cells of one column."""

    def __init__(self, missing: int = 0) -> None:
        """Begin with a number of missing cells."""
        self._texts: dict[str, str] = {}
        self._parts: list[Cells] = [_objects([None] * missing)] if missing else []

    def add(self, cells: Sequence[str]) -> None:
        """Add the cells of some lines as they are written."""
        numbers = _plain_numbers(cells)
        self._parts.append(_objects(list(map(self._once, cells))) if numbers is None else numbers)

    def add_values(self, values: Sequence[object]) -> None:
        """Add values that have a type already, None for missing ones."""
        types = set(map(type, values))
        if types <= {int} or types == {float}:
            try:
                self._parts.append(np.array(values, dtype=np.int64 if types == {int} else np.float64))
                return
            except OverflowError:
                pass
        self._parts.append(_objects([self._once(value) if isinstance(value, str) else value for value in values]))

    def finish(self) -> Cells:
        """Return all cells: as numbers if all of them are plain numbers, otherwise as objects."""
        parts = self._parts or [_objects([])]
        if any(part.dtype == object for part in parts):
            parts = [part if part.dtype == object else _objects(part.tolist()) for part in parts]
        return np.concatenate(parts)

    def _once(self, cell: str) -> str:
        return self._texts.setdefault(cell, cell)


def _plain_numbers(cells: Sequence[str]) -> NDArray[np.int64] | NDArray[np.float64] | None:
    """Return the cells as int64, or as float64 with nan for missing ones; None if one is no plain number.

    Whole numbers with missing ones among them are none, so that they stay whole once the missing lines are left out.
    """
    try:
        whole = np.array(list(map(int, cells)), dtype=np.int64)
    except (ValueError, OverflowError):
        return _plain_floats(cells)
    return None if any("_" in cell for cell in cells) else whole


def _plain_floats(cells: Sequence[str]) -> NDArray[np.float64] | None:
    try:
        numbers = list(map(float, cells))
    except ValueError:
        present = {cell for cell in cells if cell.strip().lower() not in MISSING}
        if not any("." in cell for cell in present) or not all(map(_is_float, present)):
            return None
        numbers = [float(cell) if cell in present else np.nan for cell in cells]
    return None if any("_" in cell for cell in cells) else np.array(numbers, dtype=np.float64)


def _is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _objects(values: Sequence[object]) -> Cells:
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return cells

"""Lines of a table that are no runs: blank lines, headings of groups, headings that stand there again."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ablate.imports.tables.cells import MISSING, is_number
from ablate.imports.tables.grid import Cells, Grid, different, text, without
from ablate.imports.tables.summaries import without_summaries

GROUP = "group"
"""The name of the column of the headings that stand above groups of lines."""


def without_other_lines(grid: Grid) -> Grid:
    """Return the lines that are runs, with a sentence for those left out."""
    if all(column.dtype != object for column in grid.columns):
        return grid
    grid = _without_blank(_without_headings(grid))
    if grid.is_markup:
        grid = _without_groups(grid)
    return without_summaries(grid)


def _without_blank(grid: Grid) -> Grid:
    is_blank = np.ones(len(grid), dtype=bool)
    for column in grid.columns:
        if is_blank.any():
            is_blank &= _is_missing(column)
    return without(grid, np.flatnonzero(is_blank).tolist(), "blank")


def _without_headings(grid: Grid) -> Grid:
    """Leave out the headings that stand again below, as in files that were put together."""
    if grid.columns[0].dtype != object:
        return grid
    again = np.array([grid.headings[0] == text(cell) for cell in grid.columns[0].tolist()], dtype=bool)
    gone = [at for at in np.flatnonzero(again).tolist() if grid.texts(at) == list(grid.headings)]
    return without(grid, gone, "the headings again")


def _is_missing(column: Cells) -> NDArray[np.bool_]:
    if column.dtype != object:
        return np.isnan(column)
    missing = {cell: cell_text.lower() in MISSING for cell, cell_text in different(column).items()}
    return np.array([missing[cell] for cell in column.tolist()], dtype=bool)


def _without_groups(grid: Grid) -> Grid:
    """Leave out lines with one text over all columns. Those of two groups or more become the column `group`."""
    names = [_group(grid.texts(at)) for at in range(len(grid))]
    gone = [at for at, name in enumerate(names) if name]
    if len(gone) < 2 or gone[0] != 0 or GROUP in grid.headings:
        return without(grid, gone, "one text in place of a run")
    groups = np.empty(len(grid), dtype=object)
    groups[:] = _carried(names)
    grid = replace(grid, headings=(GROUP, *grid.headings), columns=(groups, *grid.columns))
    return without(grid, gone, f"headings of groups, which are now in the column {GROUP!r}")


def _carried(names: Sequence[str]) -> list[str]:
    """Return the names, with each empty one replaced by the last name before it."""
    carried: list[str] = []
    for name in names:
        carried.append(name or carried[-1])
    return carried


def _group(cells: Sequence[str]) -> str:
    """Return the text of a line that has no other one, such as the heading of a group; empty if it is a run."""
    names = {cell for cell in cells if cell}
    if len(names) != 1 or len(cells) < 3 or (cells.count("") != len(cells) - 1 and "" in cells):
        return ""
    (name,) = names
    return name if len(name) > 1 and not is_number(name) else ""

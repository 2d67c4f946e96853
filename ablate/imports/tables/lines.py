"""Lines of a table that are no runs: blank lines, headings of groups, headings that stand there again."""

import numpy as np
from numpy.typing import NDArray

from ablate.imports.tables.cells import MISSING, is_number
from ablate.imports.tables.grid import Cells, Grid, different, text, without
from ablate.imports.tables.summaries import without_summaries


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
    """Leave out lines with one text over all columns, which stand above a group of lines."""
    gone = []
    for at in range(len(grid)):
        cells = grid.texts(at)
        names = {cell for cell in cells if cell}
        is_one = (
            len(names) == 1
            and len(cells) > 2
            and (cells.count("") == len(cells) - 1 or len(cells) == cells.count(cells[0]))
        )
        if is_one and not is_number(cells[0] or next(iter(names))) and len(next(iter(names))) > 1:
            gone.append(at)
    return without(grid, gone, "one text in place of a run")

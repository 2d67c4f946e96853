"""Tables with a column for each run, whose first column names the settings and metrics."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ablate.imports.source import Request
from ablate.imports.tables.cells import MISSING, NO_NUMBER, is_number
from ablate.imports.tables.grid import MOST_COLUMNS, Cells, Grid, text
from ablate.imports.tables.headings import is_seed_name

MOST_LINES = 1_000
"""The largest number of settings and metrics of such a table."""


def with_a_line_for_each_run(grid: Grid, request: Request) -> Grid:
    """Return a table with a line for each run: transposed if its columns are runs, as it is otherwise."""
    if not _has_columns_of_runs(grid, request):
        return grid
    names = [text(cell) for cell in grid.columns[0].tolist()]
    runs = grid.columns[1:]
    columns = tuple(_typed([run[at] for run in runs]) for at in range(len(names)))
    return replace(
        grid,
        layout="each of its columns is a run",
        headings=tuple(names),
        columns=columns,
        lines=np.arange(2, len(runs) + 2),
        unit="column",
    )


def _has_columns_of_runs(grid: Grid, request: Request) -> bool:
    if not 2 <= len(grid) <= MOST_LINES or not 3 <= len(grid.headings) <= MOST_COLUMNS:
        return False
    names = [text(cell) for cell in grid.columns[0].tolist()]
    if grid.columns[0].dtype != object or len(set(names)) < len(names) or any(map(_is_value, names)):
        return False
    if set(grid.headings) & {*request.factors, *request.metrics, request.seed} - {""}:
        return False
    wanted = {*request.factors, *request.metrics, request.seed} - {""}
    return bool(wanted & set(names)) or any(map(is_seed_name, names)) or _is_mixed(grid)


def _is_mixed(grid: Grid) -> bool:
    """Return True if each line is all numbers or all text, and each column has both."""
    kinds = []
    for at in range(len(grid)):
        cells = [text(column[at]) for column in grid.columns[1:]]
        present = [cell for cell in cells if cell.lower() not in MISSING]
        numbers = sum(is_number(cell) for cell in present)
        if not present or numbers not in (0, len(present)):
            return False
        kinds.append(numbers > 0)
    return any(kinds) and not all(kinds)


def _is_value(cell: str) -> bool:
    return cell.lower() in NO_NUMBER or is_number(cell)


def _typed(cells: Sequence[object]) -> Cells:
    """Return the cells of a line as a column. Whole numbers are whole again if those of other lines had decimals."""
    numbers = [cell for cell in cells if isinstance(cell, float) and cell == cell]
    column = np.empty(len(cells), dtype=object)
    if numbers and all(number.is_integer() for number in numbers):
        cells = [int(cell) if isinstance(cell, float) and cell == cell else cell for cell in cells]
    column[:] = cells
    return column

"""The table of a file that is read, if there are several, and the columns of it that have headings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ablate.errors import SourceError
from ablate.imports.source import Request
from ablate.imports.tables.cells import MISSING, are_numbers, is_number
from ablate.imports.tables.grid import MOST_LETTERS_OF_HEADINGS, Cells, Grid, text
from ablate.imports.tables.headings import heading

NAME = "name"
"""The name of a first column without a heading, which names the runs."""


def chosen(grids: Sequence[Grid], request: Request) -> Grid:
    """Return the first table that has numbers and the columns of the request, with a sentence for each other one."""
    if not grids:
        raise SourceError("there is no table with lines below its headings")
    wanted = {*request.factors, *request.metrics, request.seed, *request.where} - {"", request.columns_are}
    results = [grid for grid in grids if _has_numbers(grid)] or list(grids)
    grid = next((grid for grid in results if wanted <= {heading(name).name for name in grid.headings}), results[0])
    others = [
        f"the table in line {other.lines[0] - 1} with the columns {', '.join(other.headings)[:80]}: "
        "one table of a file is read"
        for other in grids
        if other is not grid
    ]
    return replace(grid, unused=(*grid.unused, *others))


def with_headings(grid: Grid) -> Grid:
    """Return a table whose columns all have a heading of their own. SourceError if two have the same, or one has none.

    A column without heading is left out if it is empty or counts the lines. The first one is named `name` if it has
    names.
    """
    headings, columns, unused = [], [], list(grid.unused)
    faults = []
    for at, (name, cells) in enumerate(zip(grid.headings, grid.columns, strict=True)):
        has_name = bool(name) and not (at == 0 and name == "Unnamed: 0")
        if not has_name and at == 0 and _is_count(cells):
            unused.append("the first column: it has no heading and counts the lines")
        elif _is_empty(cells):
            unused += [f"column {name!r}: it is empty"] if has_name else []
        elif has_name or at == 0:
            headings.append(name if has_name else NAME)
            columns.append(cells)
        else:
            faults.append(f"column {at + 1} has values but no heading")
    faults += _twice(headings)
    if len(headings) > 1 and all(map(is_number, headings)):
        faults.append("the first line has numbers, no headings; write a line with the names of the columns above")
    faults += [
        f"the heading {name[:60]!r}… has {len(name):,} characters; at most {MOST_LETTERS_OF_HEADINGS} are read"
        for name in headings
        if len(name) > MOST_LETTERS_OF_HEADINGS
    ]
    if faults:
        raise SourceError("\n".join(faults))
    return replace(grid, headings=tuple(headings), columns=tuple(columns), unused=tuple(unused))


def _twice(headings: Sequence[str]) -> list[str]:
    twice = [name for name, count in Counter(headings).items() if count > 1]
    return [
        f"the heading {name[:60]!r} occurs {headings.count(name)} times; give each column its own"
        for name in twice[:20]
    ]


def _has_numbers(grid: Grid) -> bool:
    return any(column.dtype != object or are_numbers(map(text, column[:1_000].tolist())) for column in grid.columns)


def _is_count(cells: Cells) -> bool:
    return cells.dtype == np.int64 and len(cells) > 0 and cells[0] in (0, 1) and bool((np.diff(cells) == 1).all())


def _is_empty(cells: Cells) -> bool:
    if cells.dtype != object:
        return len(cells) > 0 and bool(np.isnan(cells).all())
    return len(cells) > 0 and all(text(cell).lower() in MISSING for cell in cells.tolist())

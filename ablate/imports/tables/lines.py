"""Lines of a table that are no runs: blank lines, headings of groups, and summaries of the lines above them."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ablate.imports.tables.cells import MISSING, Notation, is_number, quantity
from ablate.imports.tables.grid import Cells, Grid, different, in_words, text

MEAN, SD = "mean", "SD"
SUMMARIES = {
    "mean": MEAN,
    "average": MEAN,
    "avg": MEAN,
    "sd": SD,
    "std": SD,
    "stdev": SD,
    "std dev": SD,
    "standard deviation": SD,
    "median": "median",
    "min": "min",
    "minimum": "min",
    "max": "max",
    "maximum": "max",
    "sum": "sum",
    "total": "sum",
    "count": "count",
    "var": "variance",
    "variance": "variance",
    "se": "SE",
    "sem": "SE",
    "standard error": "SE",
    "mean ± sd": MEAN,
    "mean ± std": MEAN,
    "mean±std": MEAN,
    "range": "range",
}
"""{first cell of a summary, in small letters: the statistic}"""
_COMPUTED: dict[str, Callable[[NDArray[np.float64]], float]] = {
    MEAN: np.mean,
    "median": np.median,
    "min": np.min,
    "max": np.max,
    "sum": np.sum,
}
_NUMBERED = re.compile(r"\D*\d+\D*")
MOST_AT_END = 200
"""The number of lines at the end among which summaries are looked for if the first column has names."""


def without_other_lines(grid: Grid) -> Grid:
    """Return the lines that are runs, with a sentence for those left out."""
    if all(column.dtype != object for column in grid.columns):
        return grid
    grid = _without_blank(grid)
    if grid.is_markup:
        grid = _without_groups(grid)
    return _without_summaries(grid)


def _without_blank(grid: Grid) -> Grid:
    is_blank = np.ones(len(grid), dtype=bool)
    for column in grid.columns:
        if is_blank.any():
            is_blank &= _is_missing(column)
    return _without(grid, np.flatnonzero(is_blank).tolist(), "blank")


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
    return _without(grid, gone, "one text in place of a run")


def _without_summaries(grid: Grid) -> Grid:
    names = [different(column).values() for column in grid.columns[:3] if column.dtype == object]
    if not any(name.lower() in SUMMARIES for column in names for name in column):
        return grid
    firsts = _firsts(grid)
    statistics = {at: SUMMARIES[cell.lower()] for at, cell in enumerate(firsts) if cell.lower() in SUMMARIES}
    others = [cell for at, cell in enumerate(firsts) if at not in statistics and cell]
    if others and all(_NUMBERED.fullmatch(cell) for cell in others):
        gone = list(statistics)
    else:
        gone = _at_end(grid, statistics)
    sentences = [f"{grid.place(at)}, {firsts[at]}: a summary of the lines above" for at in gone]
    return grid.without(gone, *sentences)


def _at_end(grid: Grid, statistics: dict[int, str]) -> list[int]:
    """Return the summaries that end a table with names in its first column, if their numbers are those statistics."""
    first = len(grid)
    while first > 0 and first - 1 in statistics and len(grid) - first < MOST_AT_END:
        first -= 1
    gone = list(range(first, len(grid)))
    if first < 2 or not any(statistics[at] in (MEAN, SD) for at in gone):
        return []
    return gone if all(_agrees(grid, first, at, statistics[at]) for at in gone) else []


def _agrees(grid: Grid, first: int, at: int, statistic: str) -> bool:
    """Return True if each number of a summary is its statistic over the lines before `first`, up to rounding."""
    checked = 0
    for column in grid.columns:
        values = [_value(cell) for cell in column[:first].tolist()]
        stated = _value(column[at])
        if stated is None or any(value is None for value in values):
            continue
        numbers = np.array(values, dtype=np.float64)
        decimals = max(len(text(column[at]).rstrip("% ").partition(".")[2]), 0)
        tolerance = 0.51 * 10.0**-decimals * (0.01 if "%" in text(column[at]) else 1)
        if not any(abs(stated - value) <= tolerance for value in _expected(statistic, numbers)):
            return False
        checked += 1
    return checked > 0


def _expected(statistic: str, numbers: NDArray[np.float64]) -> Sequence[float]:
    if statistic in (SD, "SE", "variance"):
        power = 2 if statistic == "variance" else 1
        scale = np.sqrt(len(numbers)) if statistic == "SE" else 1.0
        return [float(np.std(numbers, ddof=ddof)) ** power / scale for ddof in (0, 1)]
    if statistic == "count":
        return [float(len(numbers))]
    return [float(_COMPUTED[statistic](numbers))] if statistic in _COMPUTED else []


def _firsts(grid: Grid) -> list[str]:
    """Return the first cell with a value of each line, among the first three columns."""
    firsts = [text(cell) for cell in grid.columns[0].tolist()]
    for column in grid.columns[1:3]:
        for at, cell in enumerate(firsts):
            firsts[at] = cell or text(column[at])
    return firsts


def _value(cell: object) -> float | None:
    read = quantity(text(cell), Notation.POINT) or quantity(text(cell), Notation.COMMA)
    return None if read is None else float(read.value)


def _without(grid: Grid, gone: list[int], why: str) -> Grid:
    if not gone:
        return grid
    return grid.without(gone, f"{in_words([int(grid.lines[at]) for at in gone], grid.unit)}: {why}")

"""Lines that summarise the lines above them: means, standard deviations, smallest and largest values."""

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ablate.imports.tables.cells import Notation, quantity
from ablate.imports.tables.grid import Cells, Grid, different, text, without
from ablate.imports.tables.headings import is_seed_name

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
_DECIMALS = re.compile(r"[.,](\d+)")
_NUMBERED = re.compile(r"\D{0,60}\d+\D{0,60}")
MOST_SENTENCES = 10
"""The largest number of summaries that have a sentence each."""
MOST_AT_END = 200
"""The number of lines at the end among which summaries are looked for if the first column has names."""


def without_summaries(grid: Grid) -> Grid:
    """Leave out the lines that begin with the name of a statistic, or have it in place of a seed."""
    gone = {at: firsts[at] for firsts in _names_of_lines(grid) for at in _summaries(grid, firsts)}
    if len(gone) > MOST_SENTENCES:
        return without(grid, sorted(gone), "summaries of the lines above")
    sentences = [f"{grid.place(at)}, {name}: a summary of the lines above" for at, name in sorted(gone.items())]
    return grid.without(gone, *sentences)


def _names_of_lines(grid: Grid) -> Iterator[list[str]]:
    """Yield the first texts of the lines, and the seeds, if there are names of statistics among them."""
    seeds = [column for name, column in zip(grid.headings, grid.columns, strict=True) if is_seed_name(name)]
    if any(map(_has_statistics, grid.columns[:3])):
        yield _firsts(grid)
    for column in seeds:
        if column is not grid.columns[0] and _has_statistics(column):
            yield [text(cell) for cell in column.tolist()]


def _has_statistics(column: Cells) -> bool:
    return column.dtype == object and any(name.lower() in SUMMARIES for name in different(column).values())


def _summaries(grid: Grid, names: list[str]) -> list[int]:
    """Return the lines that are summaries, by the name of each line."""
    statistics = {at: SUMMARIES[name.lower()] for at, name in enumerate(names) if name.lower() in SUMMARIES}
    others = [name for at, name in enumerate(names) if at not in statistics and name]
    if others and all(_NUMBERED.fullmatch(name) for name in others):
        return list(statistics)
    return _at_end(grid, statistics)


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
        part = _DECIMALS.search(text(column[at]))
        decimals = len(part[1]) if part else 0
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

"""Standard deviations in columns of their own, next to those of the means, and the column of the number of seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ablate.imports.source import Request
from ablate.imports.tables.columns import TableColumn
from ablate.imports.tables.headings import COUNT_NAMES, mean_of, sd_of, se_of


@dataclass(frozen=True)
class Spreading:
    """The columns of a table, with the standard deviations at their means."""

    columns: tuple[TableColumn, ...]
    seeds: NDArray[np.int64] | None
    """The number of seeds of each line; None without a column of it."""
    unused: tuple[str, ...] = ()


def with_spreads(columns: Sequence[TableColumn], request: Request) -> Spreading:
    """Return the columns without those of standard deviations, which go to the columns of their means."""
    by_name = {column.name.casefold(): column.name for column in columns if column.is_number}
    pairs = {}
    for column in columns:
        mean = _mean(column, sd_of(column.name), by_name)
        if mean and mean not in pairs:
            pairs[mean] = column
    taken = {column.name for column in pairs.values()}
    errors = [column for column in columns if column.name not in taken and _mean(column, se_of(column.name), by_name)]
    gone = taken | {column.name for column in errors}
    names = {column.name for column in columns}
    rest = [_joined(column, pairs.get(column.name), names) for column in columns if column.name not in gone]
    unused = tuple(
        f"column {column.name!r}: a standard error, which says nothing about the spread over seeds" for column in errors
    )
    if all(column.sd is None for column in rest):
        return Spreading(tuple(rest), None, unused)
    return _with_seeds(rest, request, unused)


def _mean(column: TableColumn, base: str, by_name: dict[str, str]) -> str:
    """Return the name of the column of means that belongs to one of standard deviations; empty if there is none."""
    if not base or not column.is_number or column.sd is not None:
        return ""
    base = base.casefold()
    forms = [base, f"{base} (mean)"]
    forms += [f"{base}{gap}{word}" for gap in "_ ./-" for word in ("mean", "avg")]
    forms += [f"{word}{gap}{base}" for gap in "_ ./-" for word in ("mean", "avg")]
    return next((by_name[form] for form in forms if form in by_name and by_name[form] != column.name), "")


def _joined(column: TableColumn, sd: TableColumn | None, names: set[str]) -> TableColumn:
    if sd is None:
        return column
    values = sd.values.astype(np.float64)
    if column.is_percent and not sd.is_percent:
        values = values / 100
    short = mean_of(column.name)
    return replace(column, name=column.name if short in names else short, sd=values)


def _with_seeds(columns: Sequence[TableColumn], request: Request, unused: tuple[str, ...]) -> Spreading:
    """Take out the column of the number of seeds."""
    used = {*request.factors, *request.metrics, request.seed, *request.where}
    for column in columns:
        name = column.name.casefold().strip("# ").replace(" ", "_").removeprefix("number_of_")
        if name not in COUNT_NAMES or column.name in used or column.values.dtype != np.int64:
            continue
        if (column.values >= 1).all():
            rest = tuple(other for other in columns if other is not column)
            return Spreading(rest, column.values, unused)
    return Spreading(tuple(columns), None, unused)

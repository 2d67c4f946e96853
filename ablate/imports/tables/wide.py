"""Wide tables as long ones: columns that are levels of a factor, or seeds, become lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ablate.errors import SourceError
from ablate.imports.source import Request
from ablate.imports.tables.columns import TableColumn
from ablate.imports.tables.headings import is_seed_name, seed_column
from ablate.imports.tables.summaries import SUMMARIES

SEED = "seed"
VALUE = "value"
"""The name of a metric that a wide table does not name."""


@dataclass(frozen=True)
class Long:
    """The columns of a table with a line for each run."""

    columns: tuple[TableColumn, ...]
    at: NDArray[np.int64]
    """The line of the table that each run is from, shape (runs,)."""
    names: tuple[str, ...] = ()
    """The column that each run is from; empty if a run is a line."""
    metrics: tuple[str, ...] = ()
    """The metrics whose values were in several columns."""
    unused: tuple[str, ...] = ()
    """A sentence for each column that summarises the others."""
    note: str = ""
    """A sentence's end about the layout; empty if a run is a line."""


def as_long(columns: Sequence[TableColumn], request: Request) -> Long:
    """Return the columns with a line for each run. SourceError if `--columns-are` finds no columns."""
    if request.columns_are:
        return _levels(columns, request)
    return _seeds(columns, request)


def _levels(columns: Sequence[TableColumn], request: Request) -> Long:
    values = _level_columns(columns, request)
    keys = [column for column in columns if column not in values]
    if len(values) < 2:
        raise SourceError(
            f"--columns-are {request.columns_are}: fewer than two columns of numbers could be its levels; "
            f"the columns are {', '.join(column.name for column in columns)}"
        )
    if request.columns_are in {column.name for column in keys}:
        raise SourceError(f"--columns-are {request.columns_are}: a column has this name; give the factor another name")
    metric = request.metrics[0] if request.metrics else VALUE
    note = f"its columns {', '.join(column.name for column in values)} are levels of {request.columns_are}"
    levels = [column.name for column in values]
    return _melted(keys, {metric: values}, request.columns_are, levels, note)


def _level_columns(columns: Sequence[TableColumn], request: Request) -> list[TableColumn]:
    """Return the columns that are levels: of those with numbers the ones in percent, or right of text and seeds."""
    values = [column for column in columns if not _is_key(column, request)]
    percents = [column for column in values if column.is_percent]
    if len(percents) > 1:
        return percents
    last = max((at for at, column in enumerate(columns) if _is_key(column, request)), default=-1)
    right = [column for column in columns[last + 1 :] if column in values]
    return right if len(right) > 1 and not request.factors else values


def _is_key(column: TableColumn, request: Request) -> bool:
    """Return True if a column is no level: a text, the seed, or one that the request names."""
    named = {*request.factors, request.seed, *request.where}
    return not column.is_number or column.name in named or is_seed_name(column.name)


def _seeds(columns: Sequence[TableColumn], request: Request) -> Long:
    """Turn columns such as `seed 0` and `seed 1` into lines, if there are several."""
    named = {*request.factors, *request.metrics, request.seed, *request.where}
    seeds = {
        column.name: seed
        for column in columns
        if column.is_number and column.name not in named and (seed := seed_column(column.name))
    }
    if not _count(name for name in seeds if name.isdecimal()):
        seeds = {name: seed for name, seed in seeds.items() if not name.isdecimal()}
    metrics = list(dict.fromkeys(metric for metric, _ in seeds.values()))
    numbers = sorted({number for _, number in seeds.values()})
    by_seed = {seed: column for column in columns if (seed := seeds.get(column.name))}
    if len(numbers) < 2 or len(by_seed) < len(seeds) or SEED in {column.name for column in columns}:
        return Long(tuple(columns), np.arange(_length(columns)))
    others = [column for column in columns if column.name not in seeds]
    keys = [column for column in others if not column.is_number or column.name.lower() not in SUMMARIES]
    default = request.metrics[0] if len(request.metrics) == 1 else VALUE
    groups = {
        metric or default: [by_seed.get((metric, number), _empty(columns)) for number in numbers] for metric in metrics
    }
    unused = tuple(f"column {column.name!r}: a summary of the seeds" for column in others if column not in keys)
    long = _melted(keys, groups, SEED, numbers, f"its columns {', '.join(seeds)} are seeds")
    return replace(long, unused=unused)


def _count(names: Iterable[str]) -> bool:
    """Return True if names that are numbers count from 0 or 1, as seeds do and batch sizes do not."""
    numbers = sorted(map(int, names))
    return numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))


def _melted(
    keys: Sequence[TableColumn], groups: dict[str, list[TableColumn]], name: str, levels: Sequence[object], note: str
) -> Long:
    """Return a line for each line and level: first all levels of the first line."""
    length, count = _length(keys or next(iter(groups.values()))), len(levels)
    at = np.repeat(np.arange(length), count)
    level = np.array(list(levels) * length, dtype=np.int64 if name == SEED else object)
    columns = [replace(key, values=key.values[at], sd=None if key.sd is None else key.sd[at]) for key in keys]
    columns.append(TableColumn(name, level))
    columns += [_joined(metric, group) for metric, group in groups.items()]
    names = tuple(str(text) for text in levels) * length
    return Long(tuple(columns), at, names, tuple(groups), note=note)


def _joined(name: str, group: Sequence[TableColumn]) -> TableColumn:
    """Return one column of the values of several, line by line."""
    percents = {column.is_percent for column in group if column.name}
    if len(percents) > 1:
        raise SourceError(
            f"some of the columns {', '.join(column.name for column in group)} are in percent and others are not; "
            "write all of them in percent, or none"
        )
    values = np.stack([column.values.astype(np.float64) for column in group], axis=1).ravel()
    sds = [np.full(len(column.values), np.nan) if column.sd is None else column.sd for column in group]
    sd = np.stack(sds, axis=1).ravel() if any(column.sd is not None for column in group) else None
    directions = {column.direction for column in group} - {None}
    direction = directions.pop() if len(directions) == 1 else None
    seeds = {column.seeds for column in group}
    count = seeds.pop() if len(seeds) == 1 else 0
    return TableColumn(name, values, sd, percents == {True}, direction, count)


def _length(columns: Sequence[TableColumn]) -> int:
    return len(columns[0].values) if columns else 0


def _empty(columns: Sequence[TableColumn]) -> TableColumn:
    return TableColumn("", np.full(_length(columns), np.nan))

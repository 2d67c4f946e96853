"""Runs as a tracker keeps them, and the table that a reader returns for them."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from ablate.errors import SourceError
from ablate.imports.folders.names.forms import form_settings
from ablate.imports.source import ColumnRole, Request, Source

Cell = bool | int | float | str | None

MOST_COLUMNS = 10_000
MOST_CELLS = 50_000_000
"""Columns, and columns x runs, above which a source is refused: they would fill the memory."""

COUNTERS = {"epoch", "step", "global_step", "iteration", "iter"}
"""The last parts of names that trackers log next to metrics, to count how far a training is."""
_BOOLEANS = {"True": True, "true": True, "False": False, "false": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][-+]?[0-9]{1,3})?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")


@dataclass(frozen=True)
class TrackedRun:
    """A run of a tracker. Names of nested values are dotted."""

    place: str
    """The run as messages name it."""
    name: str
    """The name that users gave it; empty if there is none."""
    state: str
    """DONE, FAILED or RUNNING."""
    settings: Mapping[str, Cell] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    """{metric: its last value}, nan if it is not finite."""
    circumstances: Mapping[str, Cell] = field(default_factory=dict)
    others: Mapping[str, Cell] = field(default_factory=dict)
    """Values of which the tracker does not say whether they are settings or metrics."""


@dataclass(frozen=True)
class Prefixes:
    """The words before a dot that tell two columns of one name apart."""

    setting: str = "params"
    circumstance: str = "tags"
    other: str = "values"


def source(
    kind: str, path: Path, why: str, runs: Sequence[TrackedRun], unused: Sequence[str], prefixes: Prefixes
) -> Source:
    """Return runs as a table with a role for each column.

    If a metric and another column have one name, the other one is named after its kind: `params.acc`. SourceError if
    the columns are too many.
    """
    parts = (
        ("", ColumnRole.METRIC, [run.metrics for run in runs]),
        (prefixes.setting, ColumnRole.SETTING, [run.settings for run in runs]),
        (prefixes.other, None, [run.others for run in runs]),
        (prefixes.circumstance, ColumnRole.CIRCUMSTANCE, [run.circumstances for run in runs]),
    )
    columns: dict[str, pd.Series] = {}
    roles: dict[str, ColumnRole] = {}
    for prefix, role, values in parts:
        for name in dict.fromkeys(name for run in values for name in run):
            column = _free(name, prefix, columns)
            columns[column] = _column([run.get(name) for run in values], role)
            roles.update({column: role} if role else {})
            if len(columns) > MOST_COLUMNS or len(columns) * len(runs) > MOST_CELLS:
                raise SourceError(_too_many(path, len(runs)))
    table = pd.DataFrame(columns, index=range(len(runs)))
    return Source(
        kind, why, table, [run.place for run in runs], roles, states=[run.state for run in runs], unused=unused
    )


def with_names(runs: Sequence[TrackedRun], request: Request) -> list[TrackedRun]:
    """Return the runs with the settings in their names, if the form of the names is given.

    Without a form, a name is no setting: trackers themselves make names such as `lively-sun-12`.
    """
    if not request.names:
        return list(runs)
    found = form_settings(request.names, [run.name for run in runs])
    return [replace(run, settings={**run.settings, **each}) for run, each in zip(runs, found, strict=True)]


def _free(name: str, prefix: str, taken: Mapping[str, object]) -> str:
    if name not in taken:
        return name
    number, column = 1, f"{prefix}.{name}"
    while column in taken:
        number, column = number + 1, f"{prefix}.{name}.{number + 1}"
    return column


def _column(cells: Sequence[Cell], role: ColumnRole | None) -> pd.Series:
    """Return a column: as numbers if it is a metric or has no other values, else with its cells as they are."""
    present = [cell for cell in cells if cell is not None]
    if role is not ColumnRole.METRIC and not all(_is_exact(cell) for cell in present):
        return pd.Series(cells, dtype=object)
    is_whole = len(present) == len(cells) and all(isinstance(cell, int) for cell in cells)
    values = [math.nan if cell is None else cell for cell in cells]
    return pd.Series(values, dtype="int64" if is_whole else "float64")


def _is_exact(cell: Cell) -> bool:
    """Return True for a number that a float holds exactly."""
    return isinstance(cell, float) or (isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) < 2**53)


def _too_many(path: Path, runs: int) -> str:
    return (
        f"{path}: {runs:,} runs with more than {MOST_COLUMNS:,} columns, or more than {MOST_CELLS:,} values; such "
        "sizes are refused. Write the columns that matter as a CSV file, with a line for each run, and import that"
    )


def places(names: Sequence[str], ids: Sequence[str]) -> list[str]:
    """Return the name of each run, with the start of its id if several have the name, or the id if it has none."""
    counts = Counter(names)
    short = [key[:8] for key in ids]
    shown = short if len(set(short)) == len(set(ids)) else ids
    return [
        f"run {key}" if not name else f"run {name}" if counts[name] == 1 else f"run {name} ({part})"
        for name, key, part in zip(names, ids, shown, strict=True)
    ]


def cell(text: str) -> Cell:
    """Return a setting that was written as text: a bool, int or float if it is the text of one, else the text.

    A number with a leading zero stays text, since it names something: `007`.
    """
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and not _LEADING_ZERO.match(text) and math.isfinite(float(text)):
        return float(text)
    return text


def is_counter(name: str) -> bool:
    """Return True for the name of a number that counts how far a training is: `epoch`, `trainer/global_step`."""
    return name.replace("/", ".").rpartition(".")[2].lower() in COUNTERS


def finite(value: float) -> float:
    """Return a metric's value, nan if it is not finite. MLflow writes inf as the largest float."""
    return value if math.isfinite(value) and abs(value) < 1.79e308 else math.nan


def moment(milliseconds: object) -> str | None:
    """Return milliseconds since the epoch as a date and time in UTC; None if they are none."""
    try:
        return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None


def without_gaps(cells: Mapping[str, Cell]) -> dict[str, Cell]:
    """Return the values that are there: neither None nor empty text."""
    return {name: value for name, value in cells.items() if value is not None and value != ""}


def varies(values: Iterable[object]) -> bool:
    return len(set(values)) > 1

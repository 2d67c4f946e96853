"""The runs of a tracker put together as a source: settings, metrics and circumstances, each with its role."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from typing import TYPE_CHECKING, Any

from ablate.errors import SourceError
from ablate.imports.folders.names.beside import with_names as settings_of_names
from ablate.imports.folders.sections import RunParts
from ablate.imports.source import DIVERGED, DONE, Cell, ColumnRole, Request, Source
from ablate.text import plural

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LoggedRun:
    """One run, as its program logged it."""

    place: str
    """The run's place as messages name it."""
    settings: Mapping[str, Cell] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    """{metric: its value}, nan if it is not finite. A metric without a value is not in it."""
    circumstances: Mapping[str, Cell] = field(default_factory=dict)
    others: Mapping[str, Cell] = field(default_factory=dict)
    """Values of which the program does not say whether they are settings or metrics."""
    state: str = DONE


_TIME = re.compile(r"[A-Z][a-z]{2}\d{2}_\d{2}-\d{2}-\d{2}_")
"""The time in the names that PyTorch's SummaryWriter makes: `Dec01_16-57-45_host`."""
MOST_CELLS = 50_000_000
"""Columns x runs above which a source is refused: they would fill the memory."""
_SUFFIX = {ColumnRole.METRIC: " (logged)", ColumnRole.CIRCUMSTANCE: " (tracker)", None: " (noted)"}
"""The ends of column names by role, for names that a role before it has already."""


def source_of(
    kind: str,
    why: str,
    runs: Sequence[LoggedRun],
    unused: Iterable[str] = (),
    *,
    primary: Sequence[str] = (),
    **more: Any,
) -> Source:
    """Return the source of the runs. SourceError if there are no runs or no metrics.

    `primary`: the metrics that a user names; they decide which runs diverged. `more`: the other fields of the source.
    """
    if not runs:
        raise SourceError("\n".join([f"there is no run with results of the kind {kind}", *unused]))
    if not any(run.metrics or run.others for run in runs):
        others = f" and {plural(len(runs) - 1, 'other run')}" if len(runs) > 1 else ""
        raise SourceError(f"{runs[0].place}{others}: no metric has a value")
    roles = more.pop("roles", {})
    frame, own_roles = _frame(runs)
    return Source(
        kind=kind,
        why=why,
        runs=frame,
        places=[run.place for run in runs],
        roles={**own_roles, **roles},
        states=_states(runs, set(primary)),
        unused=tuple(unused),
        **more,
    )


def _states(runs: Sequence[LoggedRun], primary: set[str]) -> list[str]:
    """Return the state of each run: of those that are done, diverged if half of their metrics are nan.

    Metrics are those that are named, or else those that are finite in any run.
    """
    finite = {name for run in runs for name, value in run.metrics.items() if not isnan(value)}
    states = []
    for run in runs:
        values = [value for name, value in run.metrics.items() if name in (primary or finite)]
        has_diverged = bool(values) and 2 * sum(map(isnan, values)) >= len(values)
        states.append(DIVERGED if run.state == DONE and has_diverged else run.state)
    return states


def places(names: Sequence[str], ids: Sequence[str]) -> list[str]:
    """Return the name of each run, with the start of its id if several have the name, or the id if it has none."""
    counts = Counter(names)
    short = [key[:8] for key in ids]
    shown = short if len(set(short)) == len(set(ids)) else ids
    return [
        f"run {key}" if not name else f"run {name}" if counts[name] == 1 else f"run {name} ({part})"
        for name, key, part in zip(names, ids, shown, strict=True)
    ]


def with_names(runs: Sequence[LoggedRun], request: Request, column: str = "run") -> list[LoggedRun]:
    """Return the runs with the settings that their names have and their files lack. A circumstance has the names."""
    parts = [
        RunParts(
            run.place, _TIME.sub("", str(run.circumstances[column])), run.settings, run.metrics, {}, run.circumstances
        )
        for run in runs
    ]
    named, _ = settings_of_names(parts, request)
    return [
        replace(
            run, settings=part.settings, circumstances={**run.circumstances, **part.circumstances, **_name(run, column)}
        )
        for run, part in zip(runs, named, strict=True)
    ]


def _name(run: LoggedRun, column: str) -> dict[str, Cell]:
    return {column: run.circumstances[column]}


def _frame(runs: Sequence[LoggedRun]) -> "tuple[pd.DataFrame, dict[str, ColumnRole]]":
    import pandas as pd

    columns: dict[str, pd.Series[Any]] = {}
    roles: dict[str, ColumnRole] = {}
    for role, parts in _parts(runs):
        for name in dict.fromkeys(name for part in parts for name in part):
            shown = name if name not in columns else f"{name}{_SUFFIX.get(role, '')}"
            columns[shown] = _series([part.get(name) for part in parts], role)
            roles |= {shown: role} if role else {}
            if len(columns) * len(runs) > MOST_CELLS:
                raise SourceError(f"{len(runs):,} runs have {len(columns):,} columns and more; name fewer of them")
    return pd.DataFrame(columns), roles


def _parts(runs: Sequence[LoggedRun]) -> Iterable[tuple[ColumnRole | None, list[Mapping[str, Cell]]]]:
    yield ColumnRole.SETTING, [run.settings for run in runs]
    yield ColumnRole.METRIC, [run.metrics for run in runs]
    yield ColumnRole.CIRCUMSTANCE, [run.circumstances for run in runs]
    yield None, [run.others for run in runs]


def _series(values: Sequence[Cell], role: ColumnRole | None) -> "pd.Series[Any]":
    """Return a column. Whole numbers with gaps stay whole, which a column of floats would not keep.

    A column that may be a metric is one of floats if it has gaps.
    """
    import pandas as pd

    present = [value for value in values if value is not None]
    may_be_metric = role is None and len(present) < len(values) and all(map(_is_number, present))
    if role is ColumnRole.METRIC or may_be_metric:
        return pd.Series(values, dtype="float64")
    return pd.Series(values, dtype=None if all(map(_is_number, values)) else "object")


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

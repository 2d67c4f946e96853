"""The runs of a tracker put together as a source: settings, metrics and circumstances, each with its role."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ablate.errors import SourceError
from ablate.imports.source import DONE, ColumnRole, Source
from ablate.imports.trackers.cells import Cell

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LoggedRun:
    """One run, as its program logged it."""

    place: str
    """The run's place as messages name it."""
    settings: Mapping[str, Cell] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    """{metric: its value}, nan if it is not finite."""
    circumstances: Mapping[str, Cell] = field(default_factory=dict)
    others: Mapping[str, Cell] = field(default_factory=dict)
    """Values of which the program does not say whether they are settings or metrics."""
    state: str = DONE


MOST_CELLS = 50_000_000
"""Columns x runs above which a source is refused: they would fill the memory."""
_SUFFIX = {ColumnRole.METRIC: " (logged)", ColumnRole.CIRCUMSTANCE: " (tracker)", None: " (noted)"}
"""The ends of column names by role, for names that a role before it has already."""


def source_of(kind: str, why: str, runs: Sequence[LoggedRun], unused: Iterable[str] = (), **more: Any) -> Source:
    """Return the source of the runs; `more`: its other fields. SourceError if there are no runs or no metrics."""
    if not runs:
        raise SourceError(f"no run of the kind {kind} has results; {' '.join(unused)}".rstrip("; "))
    if not any(run.metrics for run in runs):
        raise SourceError(f"{runs[0].place}: this run and the {len(runs) - 1} others have no metric")
    roles = more.pop("roles", {})
    frame, own_roles = _frame(runs)
    return Source(
        kind=kind,
        why=why,
        runs=frame,
        places=[run.place for run in runs],
        roles={**own_roles, **roles},
        states=[run.state for run in runs],
        unused=tuple(unused),
        **more,
    )


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
    """Return a column. Whole numbers with gaps stay whole, which a column of floats would not keep."""
    import pandas as pd

    if role is ColumnRole.METRIC:
        return pd.Series(values, dtype="float64")
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return pd.Series(values, dtype=None if is_number else "object")

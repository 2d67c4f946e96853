"""Runs as MLflow stores them, in a database or in files, and which of them are runs of a study."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import DONE, FAILED, RUNNING, Cell, Request, Source
from ablate.imports.trackers.cells import is_counter, typed
from ablate.imports.trackers.logged import LoggedRun, places, source_of, with_names
from ablate.text import listed_in_part, plural

PARENT = "mlflow.parentRunId"
STATES = {"FINISHED": DONE, "FAILED": FAILED, "KILLED": FAILED, "RUNNING": RUNNING, "SCHEDULED": RUNNING}
MACHINE = "system/"
"""The beginning of the metrics that MLflow itself measures: load and memory of the machine."""
KEPT_TAGS = ("mlflow.user", "mlflow.source.name", "mlflow.source.git.commit", PARENT)
"""The tags of MLflow itself that are kept as circumstances, besides all tags that users set."""
LARGEST = 1.79e308
"""A little less than the largest float, which stands for inf in a database."""
MOST_NAMED = 5
"""Runs that a sentence names; of more it gives the number."""


@dataclass(frozen=True)
class StoredRun:
    """A run as MLflow stores it."""

    key: str
    """The id of the run."""
    name: str
    experiment: str
    """The name of its experiment."""
    status: str
    """FINISHED, FAILED, KILLED, RUNNING or SCHEDULED."""
    is_deleted: bool = False
    """True if the run or its experiment was deleted."""
    start: object = None
    """The start in milliseconds since the epoch."""
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    """{metric: its last value by step and time}."""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.name or self.tags.get("mlflow.runName", "")

    @property
    def parent(self) -> str:
        """The id of the run that this one is nested in; empty if there is none."""
        return self.tags.get(PARENT, "")

    @property
    def has_results(self) -> bool:
        return any(not _is_bookkeeping(name) for name in self.metrics)


def _is_bookkeeping(metric: str) -> bool:
    return metric.startswith(MACHINE) or is_counter(metric)


def as_source(kind: str, path: Path, why: str, stored: Sequence[StoredRun], request: Request) -> Source:
    """Return the runs of a study among the stored ones. SourceError if there is none."""
    present = [run for run in stored if not run.is_deleted]
    children = Counter(run.parent for run in present if run.parent)
    by_key = {run.key: run for run in present}
    used = [run for run in present if _is_run(run, children)]
    if not used:
        raise SourceError(_nothing(path, stored, present))
    sentences = [*_of_deleted(stored), *_of_parents(present, children), *_of_empty(present, children)]
    several = len({run.experiment for run in used}) > 1
    names = places([run.title for run in used], [run.key for run in used])
    tracked = [_logged(run, by_key, place, several) for run, place in zip(used, names, strict=True)]
    return source_of(
        kind, why, with_names(tracked, request) if request.names else tracked, sentences, primary=request.metrics
    )


def _is_run(run: StoredRun, children: Mapping[str, int]) -> bool:
    """Return False for a run that only holds nested ones together, and for one that ended without a metric."""
    return run.has_results or (run.key not in children and STATES.get(run.status, DONE) != DONE)


def _logged(run: StoredRun, by_key: Mapping[str, StoredRun], place: str, several_experiments: bool) -> LoggedRun:
    results = {name: _finite(value) for name, value in run.metrics.items() if not _is_bookkeeping(name)}
    counted = {name: value for name, value in run.metrics.items() if _is_bookkeeping(name)}
    tags = {name: text for name, text in run.tags.items() if name in KEPT_TAGS or not name.startswith("mlflow.")}
    about: dict[str, Cell] = {"run_id": run.key, "run": run.title, "start_time": _moment(run.start)}
    return LoggedRun(
        place,
        {name: typed(text) for name, text in _params(run, by_key).items()},
        results,
        {name: value for name, value in {**tags, **counted, **about}.items() if value is not None},
        {"experiment": run.experiment} if several_experiments else {},
        STATES.get(run.status, DONE),
    )


def _finite(value: float) -> float:
    """Return a metric's value, nan if it is not finite. MLflow writes inf as the largest float."""
    return value if math.isfinite(value) and abs(value) < LARGEST else math.nan


def _moment(milliseconds: object) -> str | None:
    """Return milliseconds since the epoch as a date and time in UTC; None if they are none."""
    try:
        return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return None


def _params(run: StoredRun, by_key: Mapping[str, StoredRun]) -> dict[str, str]:
    """Return the parameters of a run, and those that it lacks of the runs that only hold it and others together."""
    params, passed = dict(run.params), {run.key}
    while (run := by_key.get(run.parent, run)).key not in passed and not run.has_results:
        params = {**run.params, **params}
        passed.add(run.key)
    return params


def _of_deleted(stored: Sequence[StoredRun]) -> list[str]:
    deleted = [run for run in stored if run.is_deleted]
    return [f"{plural(len(deleted), 'deleted run')}: {_named(deleted)}"] if deleted else []


def _of_parents(present: Sequence[StoredRun], children: Mapping[str, int]) -> list[str]:
    return [
        f"run {run.title or run.key}: only holds {plural(children[run.key], 'nested run')} together, and has no metric "
        "of its own; its parameters count for them"
        for run in present
        if run.key in children and not run.has_results
    ]


def _of_empty(present: Sequence[StoredRun], children: Mapping[str, int]) -> list[str]:
    empty = [run for run in present if run.key not in children and not _is_run(run, children)]
    return [f"{plural(len(empty), 'finished run')} without a metric: {_named(empty)}"] if empty else []


def _named(runs: Sequence[StoredRun]) -> str:
    return listed_in_part([run.title or run.key for run in runs], MOST_NAMED)


def _nothing(path: Path, stored: Sequence[StoredRun], present: Sequence[StoredRun]) -> str:
    if not stored:
        return f"{path}: holds no run; train with MLflow's tracking set to this place, then import it"
    deleted = len(stored) - len(present)
    return (
        f"{path}: holds no run with a metric ({plural(len(stored), 'run')}, {deleted} of them deleted); log metrics "
        "with mlflow.log_metric, or restore deleted runs with `mlflow runs restore`"
    )

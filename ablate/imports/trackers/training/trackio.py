"""The reader of Trackio: a SQLite database for each project, with metrics and configs as JSON."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.errors import SourceError
from ablate.imports.source import Cell, Request, Source
from ablate.imports.trackers.cells import cell, flat, number
from ablate.imports.trackers.logged import LoggedRun, source_of, with_names
from ablate.imports.trackers.sqlite_files import database, has_tables, rows_of
from ablate.imports.trackers.walk import files_below, glimpse, relative

TABLES = {"metrics": {"run_name", "step", "metrics"}}
"""The table and the columns that every version has. Versions before 0.24 have no column `run_id`."""
MEDIA = "_type"
"""The key of a value that is an image, a table or another file."""


@dataclass
class TrackioRun:
    """A run as the rows of its project are read."""

    name: str
    config: dict[str, Any] = field(default_factory=dict)
    last: dict[str, tuple[int, float]] = field(default_factory=dict)
    """{metric: (step, value)} of its last step."""


class TrackioReader:
    """Reads a database of Trackio, or those of all projects in a folder."""

    kind = "trackio"

    def recognise(self, path: Path) -> str:
        files = [path] if path.is_file() else glimpse(path, _is_database)
        first = next((file for file in files if has_tables(file, TABLES)), None)
        if first is None:
            return ""
        subject = "it" if path.is_file() else relative(first, path)
        return f"{subject} has a table metrics with run_name, step and metrics, as Trackio writes it"

    def read(self, path: Path, request: Request) -> Source:
        files = (
            [path] if path.is_file() else [file for file in files_below(path, _is_database) if has_tables(file, TABLES)]
        )
        unused: list[str] = []
        runs: list[LoggedRun] = []
        for file in files:
            with database(file) as connection:
                stored = _runs(connection, file, unused)
            several = len(files) > 1
            runs += [_logged(key, run, file.stem if several else "", stored, unused) for key, run in stored.items()]
        unused += [f"{run.place}: it has no values" for run in runs if not run.metrics]
        used = [run for run in runs if run.metrics]
        named = with_names(used, request) if request.names else used
        return source_of(self.kind, self.recognise(path), named, unused, primary=request.metrics)


def _is_database(name: str) -> bool:
    return name.endswith(".db")


def _runs(connection: sqlite3.Connection, file: Path, unused: list[str]) -> dict[str, TrackioRun]:
    """Return {id: run}; the name is the id in versions that have none."""
    runs: dict[str, TrackioRun] = {}
    left_out: set[str] = set()
    for key, name, step, metrics in rows_of(connection, "metrics", ("run_id", "run_name", "step", "metrics")):
        run = runs.setdefault(str(key or name), TrackioRun(str(name)))
        values = flat(_object(metrics, f"{file}, run {name}, metrics"), f"run {name}", unused, "/")
        for metric, value in values.items():
            parsed = number(value)
            if parsed is None:
                left_out |= {metric.removesuffix(f"/{MEDIA}")} if isinstance(value, str) else set()
            elif metric not in run.last or run.last[metric][0] <= _step(step):
                run.last[metric] = (_step(step), parsed)
    for key, name, config in rows_of(connection, "configs", ("run_id", "run_name", "config")):
        if (run_id := str(key or name)) in runs:
            runs[run_id].config = _object(config, f"{file}, run {name}, config")
    unused += [f"{name}: logged as text or a file, so it is no metric" for name in sorted(left_out) if "/" not in name]
    return runs


def _object(text: object, place: str) -> dict[str, Any]:
    """Return a JSON object, which newer versions write as bytes. SourceError if it is none."""
    try:
        content = json.loads(text if isinstance(text, bytes) else str(text))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{place}: is no valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise SourceError(f"{place}: must be an object with a value for each name")
    return content


def _step(step: object) -> int:
    return step if isinstance(step, int) else 0


def _logged(key: str, run: TrackioRun, project: str, stored: Mapping[str, TrackioRun], unused: list[str]) -> LoggedRun:
    """Return a run with its settings. Names that begin with `_` are the program's own: user, group, time."""
    is_alone = sum(other.name == run.name for other in stored.values()) == 1
    place = "/".join(part for part in (project, run.name if is_alone else f"{run.name} ({key[:8]})") if part)
    own = {name.lstrip("_").lower(): cell(value) for name, value in run.config.items() if name.startswith("_")}
    given = {name: value for name, value in run.config.items() if not name.startswith("_")}
    circumstances: dict[str, Cell] = {"run": run.name, "run_id": key, **own}
    if project:
        circumstances["project"] = project
    metrics = {name: value for name, (_, value) in run.last.items()}
    return LoggedRun(place, flat(given, f"run {place}, config", unused), metrics, circumstances)


reader = TrackioReader()

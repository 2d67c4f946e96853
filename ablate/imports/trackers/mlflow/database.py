"""The reader of MLflow's SQLite databases. They are opened for reading only, and never migrated."""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ablate.errors import SourceError
from ablate.imports.source import Request, Source
from ablate.imports.trackers.mlflow import folder
from ablate.imports.trackers.mlflow.stored_runs import StoredRun, as_source

NAME = "mlflow.db"
"""The database that MLflow makes by default."""
TABLES = ("experiments", "runs", "params", "metrics", "tags")
"""The tables that every version has."""
HEAD = b"SQLite format 3\x00"
LARGEST_CELL = 1_000_000
"""Bytes of a value above which a database is refused; MLflow writes at most 8,000."""
MOST_ROWS = 50_000_000
"""Rows of one table above which a database is refused."""
PATIENCE_S = 5.0
"""Seconds to wait for a program that is writing."""


class MlflowDatabaseReader:
    """Reads a database of MLflow, or a folder that holds one as `mlflow.db`."""

    kind = "mlflow-db"

    def recognise(self, path: Path) -> str:
        file = _file(path)
        try:
            if not _is_sqlite(file):
                return ""
            with closing(_opened(file)) as database:
                if not set(TABLES) <= _tables(database) or "run_uuid" not in _columns(database, "runs"):
                    return ""
                if file != path and _is_empty(database) and folder.reader.recognise(path):
                    return ""  # the runs are in files next to it
        except (sqlite3.Error, OSError):
            return f"it holds a database {NAME}" if file.name == NAME else ""
        return (
            f"{'it holds ' + NAME + ', which' if file != path else 'it'} has the tables {', '.join(TABLES)} of MLflow"
        )

    def read(self, path: Path, request: Request) -> Source:
        file = _file(path)
        try:
            if not _is_sqlite(file):
                raise SourceError(f"{file}: is no SQLite database; give the file {NAME} of MLflow, or its folder")
            _check_length(file)
            with closing(_opened(file)) as database:
                _check(file, database)
                stored = _runs(database)
        except (sqlite3.Error, OSError, UnicodeError) as error:
            raise SourceError(_fault(file, error)) from None
        source = as_source(self.kind, file, self.recognise(path), stored, request)
        if file != path and folder.reader.recognise(path):
            other = f"{folder.NAME}/ next to {file.name}: it holds runs of MLflow too, which --from mlflow reads"
            return replace(source, unused=[*source.unused, other])
        return source


def _file(path: Path) -> Path:
    return path / NAME if path.is_dir() else path


def _is_sqlite(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(HEAD)) == HEAD


def _check_length(file: Path) -> None:
    """SourceError if the file has fewer bytes than its pages. SQLite itself reads such a file as far as it goes."""
    with file.open("rb") as opened:
        head = opened.read(100)
    if head[24:28] != head[92:96]:
        return  # a version before 3.7 wrote it last, so that the number of pages is not known
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    expected, size = (65536 if page == 1 else page) * pages, file.stat().st_size
    if size < expected:
        raise SourceError(f"{file}: is cut short: it has {size:,} of {expected:,} bytes; copy it again")


def _opened(file: Path) -> sqlite3.Connection:
    """Return a connection that cannot write.

    A database with a log of changes next to it (`-wal`) is read with that log. Without one, SQLite would make new
    files in the folder, so it is read as a file that does not change.
    """
    with file.open("rb") as opened:
        has_log = opened.read(20)[18:19] == b"\x02"
    still = has_log and not file.with_name(file.name + "-wal").exists()
    address = f"file:{quote(str(file.absolute()))}?mode=ro{'&immutable=1' if still else ''}"
    database = sqlite3.connect(address, uri=True, timeout=PATIENCE_S)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_CELL)
    return database


def _tables(database: sqlite3.Connection) -> set[str]:
    """Return the names of the tables. A view is none: its query could run without end."""
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _is_empty(database: sqlite3.Connection) -> bool:
    return database.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is None


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}


def _check(file: Path, database: sqlite3.Connection) -> None:
    """SourceError if tables or columns are missing, or a table is too large."""
    lacking = sorted(set(TABLES) - _tables(database))
    if lacking:
        raise SourceError(f"{file}: has no table {', '.join(lacking)}, so it is no database of MLflow's runs")
    needed = {"runs": {"run_uuid"}, **{table: {"run_uuid", "key", "value"} for table in ("params", "metrics", "tags")}}
    faults = [
        f"{file}: the table {table} has no column {', '.join(sorted(lacks))}, so it is none of MLflow's"
        for table, columns in needed.items()
        if (lacks := columns - _columns(database, table))
    ]
    if faults:
        raise SourceError("\n".join(faults))
    for table in TABLES:
        ((count,),) = database.execute(f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT {MOST_ROWS + 1})")
        if count > MOST_ROWS:
            raise SourceError(f"{file}: the table {table} has more than {MOST_ROWS:,} rows; export fewer runs as CSV")


def _runs(database: sqlite3.Connection) -> list[StoredRun]:
    """Return all runs, the deleted ones too, in the order of their starts."""
    names = {
        row["experiment_id"]: row
        for row in _rows(database, "experiments", ("experiment_id", "name", "lifecycle_stage"))
    }
    runs = {str(row["run_uuid"]): _run(row, names) for row in _rows(database, "runs", _RUN)}
    for row in _rows(database, "params", ("run_uuid", "key", "value")):
        if row["run_uuid"] in runs:
            runs[row["run_uuid"]].params[str(row["key"])] = _text(row["value"])
    for row in _rows(database, "tags", ("run_uuid", "key", "value")):
        if row["run_uuid"] in runs:
            runs[row["run_uuid"]].tags[str(row["key"])] = _text(row["value"])
    for key, name, value in _last_metrics(database):
        if key in runs:
            runs[key].metrics[name] = value
    return sorted(runs.values(), key=lambda run: (_number(run.start), run.key))


_RUN = ("run_uuid", "name", "status", "lifecycle_stage", "start_time", "experiment_id")


def _run(row: dict[str, Any], experiments: dict[Any, dict[str, Any]]) -> StoredRun:
    experiment = experiments.get(row["experiment_id"], {})
    deleted = "deleted" in (row["lifecycle_stage"], experiment.get("lifecycle_stage"))
    name = _text(experiment.get("name")) or _text(row["experiment_id"])
    return StoredRun(_text(row["run_uuid"]), _text(row["name"]), name, _text(row["status"]), deleted, row["start_time"])


def _last_metrics(database: sqlite3.Connection) -> Iterator[tuple[str, str, float]]:
    """Yield (run, metric, last value by step, time and value, as MLflow itself orders them).

    Versions before 1.0 have no table `latest_metrics`, and some have no steps.
    """
    columns = ("run_uuid", "key", "value", "is_nan", "step", "timestamp")
    table = "latest_metrics" if "latest_metrics" in _tables(database) else "metrics"
    last: dict[tuple[str, str], tuple[tuple[float, float, float], float]] = {}
    for row in _rows(database, table, columns):
        value = math.nan if row["is_nan"] else _number(row["value"])
        order = (_number(row["step"]), _number(row["timestamp"]), _number(row["value"]))
        place = (_text(row["run_uuid"]), _text(row["key"]))
        if place not in last or order >= last[place][0]:
            last[place] = (order, value)
    for (run, metric), (_, value) in last.items():
        yield run, metric, value


def _rows(database: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table; None for columns that its version does not have."""
    has = _columns(database, table)
    query = ", ".join(f'"{name}"' if name in has else "NULL" for name in columns)
    for row in database.execute(f"SELECT {query} FROM {table}"):
        yield dict(zip(columns, row, strict=True))


def _text(value: object) -> str:
    return "" if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _number(value: object) -> float:
    """Return a number of the database; 0 for none, nan for text."""
    if value is None:
        return 0.0
    return float(value) if isinstance(value, int | float) else math.nan


def _fault(file: Path, error: Exception) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return (
            f"{file}: another program is writing to it; wait until it has ended, or copy the file and import the copy"
        )
    if "too big" in text:
        return f"{file}: holds a value of more than {LARGEST_CELL:,} bytes, which MLflow does not write"
    return (
        f"{file}: cannot be read as a SQLite database ({text}); if it was copied while a program wrote to it, copy it "
        f"again together with {file.name}-wal"
    )


reader = MlflowDatabaseReader()

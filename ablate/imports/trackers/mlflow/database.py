"""The reader of MLflow's SQLite databases. They are opened for reading only, and never migrated."""

import math
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import Request, Source
from ablate.imports.trackers.mlflow import folder
from ablate.imports.trackers.mlflow.stored_runs import StoredRun, as_source
from ablate.imports.trackers.sqlite_files import HEAD, columns_of, database, has_tables, rows_of

NAME = "mlflow.db"
"""The database that MLflow makes by default."""
NAMED_VALUES = {"run_uuid", "key", "value"}
TABLES = {
    "experiments": {"experiment_id", "name"},
    "runs": {"run_uuid", "status"},
    "params": NAMED_VALUES,
    "metrics": NAMED_VALUES,
    "tags": NAMED_VALUES,
}
"""The tables and columns that every version has."""


class MlflowDatabaseReader:
    """Reads a database of MLflow, or a folder that holds one as `mlflow.db`."""

    kind = "mlflow-db"

    def recognise(self, path: Path) -> str:
        file = _file(path)
        if has_tables(file, TABLES):
            if file != path and _is_empty(file) and folder.reader.recognise(path):
                return ""  # the runs are in files next to it
            return f"{'it' if file == path else f'it holds {NAME}, which'} has the tables {', '.join(TABLES)} of MLflow"
        return f"its name is {NAME}" if file.name == NAME and _is_sqlite(file) else ""

    def read(self, path: Path, request: Request) -> Source:
        file = _file(path)
        if not _is_sqlite(file):
            raise SourceError(f"{file}: is no SQLite database; give the file {NAME} of MLflow, or its folder")
        with database(file) as connection:
            _check(file, connection)
            stored = _runs(connection)
        source = as_source(self.kind, file, self.recognise(path), stored, request)
        if file != path and folder.reader.recognise(path):
            other = f"{folder.NAME}/ next to {file.name}: it holds runs of MLflow too, which --from mlflow reads"
            return replace(source, unused=[*source.unused, other])
        return source


def _file(path: Path) -> Path:
    return path / NAME if path.is_dir() else path


def _is_sqlite(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return file.is_file() and opened.read(len(HEAD)) == HEAD
    except OSError:
        return False


def _is_empty(file: Path) -> bool:
    with database(file) as connection:
        return connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is None


def _check(file: Path, connection: sqlite3.Connection) -> None:
    """SourceError with every table and column that is missing."""
    lacks = {table: wanted - columns_of(connection, table) for table, wanted in TABLES.items()}
    faults = [
        f"{file}: has no table {table} with {', '.join(sorted(columns))}, so it is no database of MLflow's runs"
        for table, columns in lacks.items()
        if columns
    ]
    if faults:
        raise SourceError("\n".join(faults))


def _runs(connection: sqlite3.Connection) -> list[StoredRun]:
    """Return all runs, the deleted ones too, in the order of their starts."""
    experiments = {
        key: (_text(name), stage)
        for key, name, stage in rows_of(connection, "experiments", ("experiment_id", "name", "lifecycle_stage"))
    }
    columns = ("run_uuid", "name", "status", "lifecycle_stage", "start_time", "experiment_id")
    runs: dict[str, StoredRun] = {}
    for key, name, status, stage, start, number in rows_of(connection, "runs", columns):
        experiment, its_stage = experiments.get(number, ("", None))
        deleted = "deleted" in (stage, its_stage)
        shown = experiment or _text(number)
        runs[_text(key)] = StoredRun(_text(key), _text(name), shown, _text(status), deleted, start)
    for run, name, text in rows_of(connection, "params", ("run_uuid", "key", "value")):
        if _text(run) in runs:
            runs[_text(run)].params[_text(name)] = _text(text)
    for run, name, text in rows_of(connection, "tags", ("run_uuid", "key", "value")):
        if _text(run) in runs:
            runs[_text(run)].tags[_text(name)] = _text(text)
    for key, metric, value in _last_metrics(connection):
        if key in runs:
            runs[key].metrics[metric] = value
    return sorted(runs.values(), key=lambda run: (_number(run.start), run.key))


def _last_metrics(connection: sqlite3.Connection) -> Iterator[tuple[str, str, float]]:
    """Yield (run, metric, last value by step, time and value, as MLflow itself orders them).

    Versions before 1.0 have no table `latest_metrics`, and some have no steps.
    """
    columns = ("run_uuid", "key", "value", "is_nan", "step", "timestamp")
    table = "latest_metrics" if columns_of(connection, "latest_metrics") else "metrics"
    last: dict[tuple[str, str], tuple[tuple[float, float, float], float]] = {}
    for run, key, number, is_nan, step, time in rows_of(connection, table, columns):
        value = math.nan if is_nan else _number(number)
        order = (_number(step), _number(time), _number(number))
        place = (_text(run), _text(key))
        if place not in last or order >= last[place][0]:
            last[place] = (order, value)
    for (run_key, metric), (_, value) in last.items():
        yield run_key, metric, value


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _number(value: object) -> float:
    """Return a number of the database; 0 for none, nan for text."""
    if value is None:
        return 0.0
    return float(value) if isinstance(value, int | float) else math.nan


reader = MlflowDatabaseReader()

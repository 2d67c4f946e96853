"""SQLite databases in the form of MLflow's, with the tables and columns that its versions 3 and 0.9 make."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from tests.support.imports.canonical import METRIC, runs

TABLES = """
CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256) NOT NULL,
  artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT);
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(250), source_type VARCHAR(20),
  source_name VARCHAR(500), entry_point_name VARCHAR(50), user_id VARCHAR(256), status VARCHAR(9), start_time BIGINT,
  end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200),
  experiment_id INTEGER, deleted_time BIGINT);
CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL,
  PRIMARY KEY (key, run_uuid));
CREATE TABLE tags (key VARCHAR(250) NOT NULL, value VARCHAR(8000), run_uuid VARCHAR(32) NOT NULL,
  PRIMARY KEY (key, run_uuid));
CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
  run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL);
CREATE TABLE latest_metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT, step BIGINT NOT NULL,
  is_nan BOOLEAN NOT NULL, run_uuid VARCHAR(32) NOT NULL, PRIMARY KEY (key, run_uuid));
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
INSERT INTO experiments VALUES (0, 'Default', './mlruns/0', 'active', 1700000000000, 1700000000000);
INSERT INTO experiments VALUES (1, 'study', './mlruns/1', 'active', 1700000000000, 1700000000000);
"""
OLD_TABLES = """
CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256) NOT NULL,
  artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32));
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(250), status VARCHAR(9), start_time BIGINT,
  lifecycle_stage VARCHAR(20), experiment_id INTEGER);
CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(250) NOT NULL, run_uuid VARCHAR(32) NOT NULL);
CREATE TABLE tags (key VARCHAR(250) NOT NULL, value VARCHAR(250), run_uuid VARCHAR(32) NOT NULL);
CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
  run_uuid VARCHAR(32) NOT NULL);
INSERT INTO experiments VALUES (1, 'study', './mlruns/1', 'active');
"""


class MlflowDatabase:
    """A database that a test fills. Each run starts a second after the one before it."""

    def __init__(self, file: Path, tables: str = TABLES) -> None:
        self.connection = sqlite3.connect(file)
        self.connection.executescript(tables)
        self.is_old = tables == OLD_TABLES
        self.number = 0

    def add(
        self,
        name: str,
        params: Mapping[str, object],
        metrics: Mapping[str, float | None],
        tags: Mapping[str, str] | None = None,
        status: str = "FINISHED",
        stage: str = "active",
        experiment: int = 1,
    ) -> str:
        """Add a run and return its id. A metric of None is nan, which MLflow writes as 0 with `is_nan`."""
        key = f"{self.number:032x}"
        start = 1_700_000_000_000 + 1000 * self.number
        self._insert(
            "runs",
            run_uuid=key,
            name=name,
            status=status,
            start_time=start,
            lifecycle_stage=stage,
            experiment_id=experiment,
        )
        for each, value in params.items():
            self._insert("params", key=each, value=str(value), run_uuid=key)
        for each, text in {"mlflow.runName": name, "mlflow.user": "ada", **(tags or {})}.items():
            self._insert("tags", key=each, value=text, run_uuid=key)
        for each, number in metrics.items():
            self._metric(key, each, number, start)
        self.connection.commit()
        self.number += 1
        return key

    def _metric(self, run: str, name: str, value: float | None, start: int) -> None:
        """Insert three steps of a metric, the last of which is the value."""
        last = {"value": value or 0.0, "is_nan": value is None}
        for step, point in enumerate([{"value": 0.25, "is_nan": False}, {"value": 0.9, "is_nan": False}, last]):
            by_step = {} if self.is_old else {"step": step, "is_nan": point["is_nan"]}
            self._insert("metrics", key=name, value=point["value"], timestamp=start + step, run_uuid=run, **by_step)
        if not self.is_old:
            self._insert("latest_metrics", key=name, timestamp=start + 2, step=2, run_uuid=run, **last)

    def _insert(self, table: str, **cells: object) -> None:
        marks = ", ".join("?" * len(cells))
        self.connection.execute(f"INSERT INTO {table} ({', '.join(cells)}) VALUES ({marks})", tuple(cells.values()))


def write(folder: Path) -> Path:
    """Write the canonical study and return the database."""
    database = MlflowDatabase(folder / "mlflow.db")
    for run in runs():
        params = {"lr": run.lr, "norm": run.norm, "seed": run.seed}
        database.add(f"run-{database.number}", params, {METRIC: run.acc}, {"mlflow.source.name": "train.py"})
    database.connection.close()
    return folder / "mlflow.db"

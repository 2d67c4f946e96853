"""Databases in the form of Trackio: of today's version, and of those before 0.24, which have no ids of runs."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.imports.canonical import runs

SCHEMA = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
    run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, run_name TEXT NOT NULL,
    config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id));
CREATE TABLE system_metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
    run_name TEXT NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
"""
OLD_SCHEMA = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, run_name TEXT NOT NULL,
    step INTEGER NOT NULL, metrics TEXT NOT NULL);
"""
TIME = "2025-12-01T16:57:45.345834+00:00"


class TrackioProject:
    """A database of a project that a test fills."""

    def __init__(self, path: Path, schema: str = SCHEMA) -> None:
        self.path, self.schema = path, schema
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.executescript(schema)

    def add(self, name: str, config: Mapping[str, Any], logged: Sequence[Mapping[str, Any]], key: str = "") -> None:
        """Add a run with a dictionary of metrics for each step; today's version writes JSON as bytes."""
        with closing(sqlite3.connect(self.path)) as database:
            for step, metrics in enumerate(logged):
                if self.schema == SCHEMA:
                    row: tuple[object, ...] = (key or name, TIME, name, step, json.dumps(metrics).encode())
                    database.execute(f"INSERT INTO metrics ({'run_id, ' + COLUMNS}) VALUES (?, ?, ?, ?, ?)", row)
                else:
                    row = (TIME, name, step, json.dumps(metrics))
                    database.execute(f"INSERT INTO metrics ({COLUMNS}) VALUES (?, ?, ?, ?)", row)
            if self.schema == SCHEMA:
                own = {"_Username": None, "_Created": TIME, "_Group": None}
                row = (key or name, name, json.dumps({**config, **own}).encode(), TIME)
                database.execute("INSERT INTO configs (run_id, run_name, config, created_at) VALUES (?, ?, ?, ?)", row)
            database.commit()


COLUMNS = "timestamp, run_name, step, metrics"


def write(folder: Path) -> Path:
    """Write the canonical study as a project of twelve runs."""
    project = TrackioProject(folder / "project.db")
    for number, run in enumerate(runs()):
        config = {"lr": run.lr, "model": {"norm": run.norm}, "seed": run.seed}
        project.add(f"run-{number}", config, [{"acc": 0.9}, {"acc": run.acc}, {"loss": 0.5}])
    return project.path

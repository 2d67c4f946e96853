"""Databases in the form of Optuna's storage: of version 3 and later, and of versions before 2.4."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.imports.canonical import METRIC, NORMS, runs

SCHEMA = """
CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name VARCHAR(512) NOT NULL);
CREATE TABLE study_directions (study_direction_id INTEGER PRIMARY KEY, direction VARCHAR(8) NOT NULL,
    study_id INTEGER NOT NULL, objective INTEGER NOT NULL);
CREATE TABLE study_system_attributes (study_system_attribute_id INTEGER PRIMARY KEY, study_id INTEGER,
    "key" VARCHAR(512), value_json TEXT);
CREATE TABLE trials (trial_id INTEGER PRIMARY KEY, number INTEGER, study_id INTEGER, state VARCHAR(8) NOT NULL,
    datetime_start DATETIME, datetime_complete DATETIME);
CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER PRIMARY KEY, trial_id INTEGER,
    "key" VARCHAR(512), value_json TEXT);
CREATE TABLE trial_params (param_id INTEGER PRIMARY KEY, trial_id INTEGER, param_name VARCHAR(512),
    param_value FLOAT, distribution_json TEXT);
CREATE TABLE trial_values (trial_value_id INTEGER PRIMARY KEY, trial_id INTEGER NOT NULL, objective INTEGER NOT NULL,
    value FLOAT, value_type VARCHAR(7) NOT NULL);
"""
OLD_SCHEMA = """
CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name VARCHAR(512) NOT NULL, direction VARCHAR(8) NOT NULL);
CREATE TABLE trials (trial_id INTEGER PRIMARY KEY, number INTEGER, study_id INTEGER, state VARCHAR(8) NOT NULL,
    value FLOAT, datetime_start DATETIME, datetime_complete DATETIME);
CREATE TABLE trial_params (param_id INTEGER PRIMARY KEY, trial_id INTEGER, param_name VARCHAR(512),
    param_value FLOAT, distribution_json VARCHAR(2048));
CREATE TABLE trial_values (trial_value_id INTEGER PRIMARY KEY, trial_id INTEGER, step INTEGER, value FLOAT);
INSERT INTO studies VALUES (1, 'old', 'MINIMIZE');
INSERT INTO trials VALUES (1, 0, 1, 'COMPLETE', 0.25, '2019-01-01 10:00:00.0', NULL);
INSERT INTO trials VALUES (2, 1, 1, 'FAIL', NULL, '2019-01-01 10:00:00.0', NULL);
INSERT INTO trial_params VALUES (1, 1, 'lr', 0.5, '{"name": "LogUniformDistribution", "attributes": {"low": 1}}');
INSERT INTO trial_params VALUES (2, 2, 'lr', 0.25, '{"type": "float", "low": 0, "high": 1}');
INSERT INTO trial_values VALUES (1, 1, 0, 0.75);
"""
FLOAT = '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 1.0, "log": true}}'
INT = '{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 9}}'
CATEGORICAL = '{"name": "CategoricalDistribution", "attributes": {"choices": ["batch", "layer"]}}'


def database(path: Path, script: str) -> Path:
    """Write a database with a script of SQL, and return it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"BEGIN; {script}; COMMIT;")
    return path


def write(folder: Path) -> Path:
    """Write the canonical study as a search over a grid, whose trials log the metric `acc`."""
    lines = [SCHEMA, "INSERT INTO studies VALUES (1, 'grid');"]
    lines.append("INSERT INTO study_directions VALUES (1, 'MAXIMIZE', 1, 0);")
    lines.append(f"INSERT INTO study_system_attributes VALUES (1, 1, 'study:metric_names', '[\"{METRIC}\"]');")
    for number, run in enumerate(runs()):
        key = number + 1
        time = f"2025-01-01 10:00:{number:02}.000000"
        lines.append(f"INSERT INTO trials VALUES ({key}, {number}, 1, 'COMPLETE', '{time}', '{time}');")
        lines.append(f"INSERT INTO trial_values VALUES ({key}, {key}, 0, {run.acc}, 'FINITE');")
        params = [("lr", run.lr, FLOAT), ("norm", NORMS.index(run.norm), CATEGORICAL), ("seed", run.seed, INT)]
        for at, (name, value, distribution) in enumerate(params):
            lines.append(
                f"INSERT INTO trial_params VALUES ({3 * number + at + 1}, {key}, '{name}', {value}, '{distribution}');"
            )
    return database(folder / "optuna.db", "\n".join(lines))

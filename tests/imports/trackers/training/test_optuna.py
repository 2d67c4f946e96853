"""Optuna's storage: choices, states, directions, several studies, the old tables, and what Optuna itself writes."""

import sqlite3
from contextlib import closing
from math import inf, isnan
from pathlib import Path
from typing import Any

import pytest

from ablate.errors import SourceError
from ablate.imports.source import DIVERGED, DONE, FAILED, ColumnRole, Request
from ablate.imports.trackers.training.optuna import reader
from ablate.imports.trackers.training.optuna_tables import parameter
from ablate.measurement import Direction
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.training_optuna import OLD_SCHEMA, SCHEMA, database, write

CHOICES = {"name": "CategoricalDistribution", "attributes": {"choices": ["batch", None, 3, True]}}


def test_a_grid_has_its_levels_and_the_names_of_its_metrics(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path), Request())
    assert source.runs[["lr", "norm", "seed", "acc"]].values.tolist() == [list(run) for run in runs()]
    assert source.directions == {"acc": Direction.MAXIMIZE}
    assert source.roles["lr"] is ColumnRole.SETTING


@pytest.mark.parametrize(
    ("value", "distribution", "expected"),
    [
        (0.0, CHOICES, "batch"),
        (1.0, CHOICES, "None"),
        (2.0, CHOICES, 3),
        (3.0, CHOICES, True),
        (1.0, {"type": "categorical", "choices": ["a", "b"]}, "b"),
        (3.0, {"name": "IntUniformDistribution", "attributes": {}}, 3),
        (3.0, {"name": "DiscreteUniformDistribution", "attributes": {}}, 3.0),
    ],
)
def test_a_parameter_is_an_index_or_a_number(value: float, distribution: dict[str, Any], expected: object) -> None:
    assert parameter(value, distribution) == expected
    assert type(parameter(value, distribution)) is type(expected)


def test_the_tables_before_version_2_4(tmp_path: Path) -> None:
    source = reader.read(database(tmp_path / "old.db", OLD_SCHEMA), Request())
    assert source.runs["lr"].tolist() == [0.5, 0.25]
    assert source.runs["value"].tolist()[0] == 0.25
    assert isnan(source.runs["value"][1])
    assert (list(source.states), source.directions) == ([DONE, FAILED], {"value": Direction.MINIMIZE})


@pytest.mark.slow
def test_what_optuna_itself_writes(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = f"sqlite:///{tmp_path}/study.db"

    def objective(trial: Any) -> float:
        layers = trial.suggest_int("layers", 1, 3)
        norm = trial.suggest_categorical("norm", ["batch", "layer"])
        trial.set_user_attr("host", "a")
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ValueError
        return inf if trial.number == 3 else float(layers + len(norm))

    study = optuna.create_study(storage=storage, study_name="one")
    study.optimize(objective, n_trials=5, catch=(ValueError,))
    other = optuna.create_study(storage=storage, study_name="two", directions=["minimize", "maximize"])
    other.optimize(lambda trial: (trial.suggest_float("lr", 0, 1), 1.0), n_trials=1)
    source = reader.read(tmp_path / "study.db", Request())
    kept = [trial for trial in study.trials if trial.state.name != "PRUNED"]
    assert source.runs["norm"].tolist()[:4] == [trial.params["norm"] for trial in kept]
    assert source.runs["layers"].tolist()[:4] == [trial.params["layers"] for trial in kept]
    assert source.runs["value"].isna().tolist() == [False, True, True, False, True]
    assert list(source.states) == [DONE, FAILED, DIVERGED, DONE, DONE]
    assert source.places[-1] == "study two, trial 0"
    assert source.directions == {
        "value": Direction.MINIMIZE, "values_0": Direction.MINIMIZE, "values_1": Direction.MAXIMIZE
    }  # fmt: skip
    assert "1 trial in the state PRUNED" in source.unused[0]
    assert source.roles["study"] is ColumnRole.SETTING
    assert "host" not in source.roles


def test_parameters_that_fit_no_distribution_are_named_all_at_once(tmp_path: Path) -> None:
    script = """INSERT INTO studies VALUES (1, 's'); INSERT INTO trials VALUES (1, 0, 1, 'COMPLETE', NULL, NULL);
        INSERT INTO trial_params VALUES (1, 1, 'a', 7, '{"type": "categorical", "choices": ["x"]}');
        INSERT INTO trial_params VALUES (2, 1, 'b', 7, 'no JSON');
        INSERT INTO trial_params VALUES (3, 1, 'c', NULL, '{"type": "float"}');"""
    path = database(tmp_path / "s.db", SCHEMA + script)
    with pytest.raises(SourceError) as caught:
        reader.read(path, Request())
    assert [f"trial 0: {name}:" in str(caught.value) for name in "abc"] == [True] * 3


def test_a_view_that_never_ends_is_no_table(tmp_path: Path) -> None:
    path = database(
        tmp_path / "bomb.db",
        """CREATE TABLE studies (study_id, study_name); CREATE TABLE trials (trial_id, study_id, state);
        CREATE VIEW trial_params AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
        SELECT x AS trial_id, x AS param_name, x AS param_value, x AS distribution_json FROM n;""",
    )
    assert reader.recognise(path) == ""
    with pytest.raises(SourceError, match="no run with results of the kind optuna"):
        reader.read(path, Request())


def test_nothing_is_written_next_to_a_database_with_a_log(tmp_path: Path) -> None:
    path = write(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    before = path.read_bytes()
    reader.read(path, Request())
    assert (list(tmp_path.iterdir()), path.read_bytes()) == ([path], before)

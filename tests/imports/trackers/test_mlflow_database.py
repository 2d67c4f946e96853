"""Databases of MLflow, as its versions write them, read as runs."""

import math
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.kinds import recognise
from ablate.imports.source import ColumnRole, Request, Source
from tests.support.imports.canonical import runs
from tests.support.imports.trackers import mlflow_folder
from tests.support.imports.trackers.mlflow_database import OLD_TABLES, MlflowDatabase, write


def read(path: Path) -> Source:
    reader, why = recognise(path)
    assert reader.kind == "mlflow-db"
    assert why
    return reader.read(path, Request())


@pytest.mark.parametrize("of", [lambda file: file, lambda file: file.parent], ids=["file", "folder"])
def test_every_run_has_its_settings_as_numbers_and_its_last_value(tmp_path: Path, of: Callable[[Path], Path]) -> None:
    source = read(of(write(tmp_path)))
    assert [*source.runs[["lr", "norm", "seed", "acc"]].itertuples(index=False, name=None)] == list(runs())
    assert {type(seed) for seed in source.runs["seed"]} == {int}
    assert source.roles["lr"] is ColumnRole.SETTING
    assert source.roles["acc"] is ColumnRole.METRIC
    assert source.roles["run_id"] is source.roles["mlflow.user"] is ColumnRole.CIRCUMSTANCE
    assert "experiment" not in source.runs
    assert list(source.unused) == []


def test_states_and_values_that_are_not_finite(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    largest = 1.7976931348623157e308  # how MLflow writes inf
    database.add("a", {"lr": 0.1}, {"acc": None, "loss": largest})
    for status in ("FAILED", "KILLED", "RUNNING", "SCHEDULED"):
        database.add(status, {"lr": 0.1}, {} if status == "SCHEDULED" else {"acc": 0.5}, status=status)
    source = read(tmp_path)
    assert list(source.states) == ["diverged", "failed", "failed", "running", "running"]
    assert math.isnan(source.runs["acc"][0])
    assert math.isnan(source.runs["loss"][0])


def test_deleted_runs_empty_runs_and_parents_are_named_and_left_out(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    database.add("gone", {"lr": 9}, {"acc": 0.1}, stage="deleted")
    parent = database.add("sweep", {"arch": "vit"}, {})
    for lr in (0.1, 0.2):
        database.add(f"child-{lr}", {"lr": lr}, {"acc": lr}, {"mlflow.parentRunId": parent})
    database.add("idle", {}, {})
    source = read(tmp_path)
    assert list(source.places) == ["run child-0.1", "run child-0.2"]
    assert list(source.runs["arch"]) == ["vit", "vit"], "parameters of the parent count for its nested runs"
    assert list(source.unused) == [
        "1 deleted run: gone",
        "run sweep: only holds 2 nested runs together, and has no metric of its own; its parameters count for them",
        "1 finished run without a metric: idle",
    ]


def test_a_parent_with_metrics_is_a_run_and_keeps_its_parameters(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    parent = database.add("best", {"best_lr": 0.2}, {"acc": 0.9})
    database.add("child", {"lr": 0.2}, {"acc": 0.9}, {"mlflow.parentRunId": parent})
    source = read(tmp_path)
    assert len(source.runs) == 2
    assert list(source.runs["best_lr"].isna()) == [False, True]


def test_runs_that_name_each_other_as_parents_are_read(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    first, second = f"{0:032x}", f"{1:032x}"
    database.add("a", {"x": 1}, {}, {"mlflow.parentRunId": second})
    database.add("b", {"y": 1}, {}, {"mlflow.parentRunId": first})
    database.add("c", {}, {"acc": 0.5}, {"mlflow.parentRunId": first})
    assert len(read(tmp_path).runs) == 1


def test_the_experiment_is_a_column_if_it_varies_and_deleted_experiments_are_left_out(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    database.connection.execute("INSERT INTO experiments VALUES (2, 'other', '', 'deleted', 0, 0)")
    for experiment in (0, 1, 2):
        database.add("same", {"lr": 0.1}, {"acc": 0.5}, experiment=experiment)
    source = read(tmp_path)
    assert list(source.runs["experiment"]) == ["Default", "study"]
    assert list(source.places) == [f"run same ({number:032x})" for number in (0, 1)]
    assert "experiment" not in source.roles


def test_a_name_that_is_a_parameter_and_a_metric_stays_two_columns(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    database.add("a", {"acc": "high", "run_id": 7}, {"acc": 0.5, "system/gpu_0_memory": 3.0}, {"acc": "tag"})
    source = read(tmp_path)
    row = source.runs.iloc[0].to_dict()
    assert (row["acc"], row["acc (logged)"], row["acc (tracker)"], row["run_id"]) == ("high", 0.5, "tag", 7)
    assert source.roles["system/gpu_0_memory"] is ColumnRole.CIRCUMSTANCE


def test_a_database_of_before_1_0_has_neither_steps_nor_latest_metrics(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "old.db", OLD_TABLES)
    database.add("a", {"lr": "1e-3", "norm": "None", "code": "007", "huge": "1e999"}, {"acc": 0.5})
    row = read(tmp_path / "old.db").runs.iloc[0].to_dict()
    assert row["acc"] == 0.5
    assert row["lr"] == 0.001
    assert (row["norm"], row["code"], row["huge"]) == ("None", "007", "1e999"), "texts that name something stay texts"


def test_changes_that_only_the_log_next_to_the_database_has_are_read(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    database.connection.execute("PRAGMA journal_mode=WAL")
    database.add("a", {"lr": 0.1}, {"acc": 0.5})
    assert (tmp_path / "mlflow.db-wal").stat().st_size
    assert len(read(tmp_path).runs) == 1


def test_reading_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    file = write(tmp_path)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    before = file.read_bytes()
    read(file)
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
    assert file.read_bytes() == before


def test_a_locked_database_is_a_fault_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablate.imports.trackers.sqlite_files.PATIENCE_S", 0.0)
    file = write(tmp_path)
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SourceError, match="another program is writing to it; wait until it has ended"):
        read(file)
    writer.close()


def test_a_database_with_damaged_pages_is_a_fault(tmp_path: Path) -> None:
    file = write(tmp_path)
    content = file.read_bytes()
    file.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with pytest.raises(SourceError, match=r"mlflow\.db: cannot be read as a SQLite database"):
        read(file)


@pytest.mark.parametrize("size", [100, 5000, -3000])
def test_a_torn_database_is_a_fault(tmp_path: Path, size: int) -> None:
    file = write(tmp_path)
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(SourceError, match=r"mlflow\.db: is cut short: it has"):
        read(file)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04zip", b"\x00" * 5000])
def test_other_files_of_the_name_are_a_fault_with_the_kind_given(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mlflow.db"
    file.write_bytes(content)
    with pytest.raises(SourceError, match="is no SQLite database"):
        recognise(file, "mlflow-db").reader.read(file, Request())


def test_a_table_that_is_a_query_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    database = sqlite3.connect(file)
    database.executescript(
        "CREATE TABLE experiments (experiment_id); CREATE TABLE params (key, value, run_uuid);"
        "CREATE TABLE tags (key, value, run_uuid); CREATE TABLE metrics (key, value, run_uuid);"
        "CREATE VIEW runs AS WITH RECURSIVE n(run_uuid) AS (SELECT 1 UNION ALL SELECT run_uuid FROM n) SELECT * FROM n;"
    )
    database.close()
    with pytest.raises(SourceError, match="has no table runs"):
        recognise(file, "mlflow-db").reader.read(file, Request())


def test_a_cell_of_megabytes_is_refused(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    database.add("a", {"lr": "9" * 17_000_000}, {"acc": 0.5})
    with pytest.raises(SourceError, match="holds a value of more than 16,000,000 bytes"):
        read(tmp_path)


def test_a_database_without_runs_is_a_fault_with_a_remedy(tmp_path: Path) -> None:
    MlflowDatabase(tmp_path / "mlflow.db")
    with pytest.raises(SourceError, match="holds no run; train with MLflow's tracking"):
        read(tmp_path)


def test_a_database_next_to_runs_in_files(tmp_path: Path) -> None:
    database = MlflowDatabase(tmp_path / "mlflow.db")
    mlflow_folder.write(tmp_path)
    assert recognise(tmp_path).reader.kind == "mlflow", "the database has no run"
    database.add("a", {}, {"acc": 0.5})
    assert list(read(tmp_path).unused) == [
        "mlruns/ next to mlflow.db: it holds runs of MLflow too, which --from mlflow reads"
    ]


def test_a_copy_under_another_name_is_recognised_by_its_tables(tmp_path: Path) -> None:
    shutil.copy(write(tmp_path), tmp_path / "backup of 50%#?.bin")
    assert len(read(tmp_path / "backup of 50%#?.bin").runs) == 12

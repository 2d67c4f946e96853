"""Trials of Ray Tune: the last report, bookkeeping, failures, and progress as CSV."""

from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.source import DONE, FAILED, RUNNING, ColumnRole, Request
from ablate.imports.trackers.training.ray import reader
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.training_ray import OWN, save, write


def test_the_last_report_counts_and_bookkeeping_is_no_metric(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path), Request())
    assert source.runs[["lr", "model.norm", "seed", "acc"]].values.tolist() == [list(run) for run in runs()]
    assert [name for name, role in source.roles.items() if role is ColumnRole.METRIC] == ["acc"]
    assert all(source.roles[name] is ColumnRole.CIRCUMSTANCE for name in (*OWN, "training_iteration", "experiment_tag"))
    assert not [name for name in source.runs if name.startswith("config")]


def test_failed_trials_and_trials_without_a_report_keep_their_state(tmp_path: Path) -> None:
    save(tmp_path / "a", {"lr": 1}, [{"acc": 0.5}])
    (save(tmp_path / "b", {"lr": 2}, [{"acc": 0.25}]) / "error.txt").write_text("Failure # 1")
    (save(tmp_path / "c", {"lr": 3}, []) / "error.txt").write_text("Failure # 1")
    save(tmp_path / "d", {"lr": 4}, [])
    source = reader.read(tmp_path, Request())
    assert list(source.states) == [DONE, FAILED, FAILED, RUNNING]
    assert source.runs["acc"].isna().tolist() == [False, False, True, True]


def test_progress_as_csv_is_read_if_there_are_no_lines_of_json(tmp_path: Path) -> None:
    folder = save(tmp_path / "a", {"lr": 1}, [])
    (folder / "result.json").unlink()
    (folder / "params.pkl").unlink()
    (folder / "progress.csv").write_text("acc,info/loss,trial_id,config/lr\n0.5,2.0,a_0,1\n0.75,1.5,a_0,1\n")
    row = reader.read(tmp_path, Request()).runs.iloc[0]
    assert row.to_dict() == {"lr": 1, "acc": 0.75, "info/loss": 1.5, "run": "a", "trial_id": "a_0"}


def test_nested_reports_have_slashes_and_settings_of_a_metric_name_stay(tmp_path: Path) -> None:
    save(tmp_path / "a", {"loss": "mse"}, [{"loss": 0.5, "info": {"kl": 0.1, "x": [{"y": 1.0}]}}])
    row = reader.read(tmp_path, Request()).runs.iloc[0]
    assert (row["loss"], row["loss (logged)"], row["info/kl"], row["info/x/0/y"]) == ("mse", 0.5, 0.1, 1.0)


def test_settings_next_to_results_of_another_program_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "params.json").write_text('{"lr": 1}')
    (tmp_path / "a" / "result.json").write_text('{\n  "acc": 0.5\n}')
    assert reader.recognise(tmp_path) == ""


def test_every_fault_at_once(tmp_path: Path) -> None:
    (save(tmp_path / "a", {}, [{"acc": 1}]) / "params.json").write_text("[]")
    (save(tmp_path / "b", {}, [{"acc": 1}]) / "params.json").write_text("{")
    (save(tmp_path / "c", {}, [{"acc": 1}]) / "result.json").write_text("}\n{}\n")
    with pytest.raises(SourceError) as caught:
        reader.read(tmp_path, Request())
    for fault in ("must be an object", "is no valid JSON", "result.json, line 1"):
        assert fault in str(caught.value)

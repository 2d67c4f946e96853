"""Folders of DVCLive: summaries, series of runs that were killed, settings next to the folder."""

from math import isnan
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.source import Request
from ablate.imports.trackers.training.dvclive import reader
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.training_dvclive import save, write


def test_each_copy_of_a_project_is_a_run(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path), Request())
    assert source.runs["acc"].tolist() == [run.acc for run in runs()]
    assert source.runs["run"].tolist() == [f"c{number}" for number in range(12)]
    assert source.unused == ()


def test_nested_metrics_nan_and_a_single_run(tmp_path: Path) -> None:
    folder = save(tmp_path / "dvclive", {"train": {"loss": 0.25}, "a.b": float("nan"), "word": "text", "step": 3})
    (tmp_path / "params.yaml").write_text("lr: 1e-05\n")
    for path in (tmp_path, folder):
        source = reader.read(path, Request())
        row = source.runs.iloc[0]
        assert (row["train/loss"], row["lr"], row["word"], row["step"], isnan(row["a.b"])) == (
            0.25,
            1e-05,
            "text",
            3,
            True,
        )
        assert "DVC keeps the other runs in other commits" in source.unused[0]


def test_a_run_that_was_killed_has_its_series(tmp_path: Path) -> None:
    save(tmp_path / "live", {}, "lr: 1\n", acc=[0.1, 0.5], val__loss=[2.0, 1.0, 0.75])
    row = reader.read(tmp_path, Request()).runs.iloc[0]
    assert (row["acc"], row["val/loss"], row["lr"]) == (0.5, 0.75, 1)


def test_a_summary_that_is_no_object_gives_a_fault(tmp_path: Path) -> None:
    folder = save(tmp_path / "dvclive", {"acc": 1})
    (folder / "metrics.json").write_text("[1, 2]")
    with pytest.raises(SourceError, match=r"metrics\.json: must be an object"):
        reader.read(tmp_path, Request())

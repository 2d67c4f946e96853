"""CSV logs of Lightning: lines of training and validation, settings that are objects, faults."""

from math import isnan
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.source import DIVERGED, DONE, ColumnRole, Request
from ablate.imports.trackers.training.lightning import reader
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.training_lightning import metrics, save, write


def test_the_last_value_of_each_column_counts(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path), Request())
    assert source.runs["acc"].tolist() == [run.acc for run in runs()]
    assert source.runs["train_loss"].tolist() == [0.5] * 12
    assert source.runs["model.norm"].tolist() == [run.norm for run in runs()]
    assert source.places[2:4] == ["version_2", "version_3"]
    assert source.roles["epoch"] is source.roles["step"] is source.roles["run"] is ColumnRole.CIRCUMSTANCE


def test_a_diverged_run_and_a_run_without_values(tmp_path: Path) -> None:
    save(tmp_path / "version_0", "acc,step\n0.5,1\nnan,2\n", "lr: 1\n")
    save(tmp_path / "version_1", "acc,step\n", "lr: 2\n")
    save(tmp_path / "version_2", "acc,step\n0.5,1\n", "lr: 2\n")
    source = reader.read(tmp_path, Request())
    assert isnan(source.runs["acc"][0])
    assert list(source.states) == [DIVERGED, DONE]
    assert source.unused == ("version_1: its metrics.csv has no values",)


def test_one_run_can_be_given_by_its_folder_or_its_file(tmp_path: Path) -> None:
    folder = save(tmp_path / "version_7", metrics(0.25), "lr: 1e-3\n")
    for path in (folder, folder / "metrics.csv"):
        assert "Lightning" in reader.recognise(path)
        assert reader.read(path, Request()).runs[["lr", "acc"]].values.tolist() == [[0.001, 0.25]]


def test_every_fault_at_once(tmp_path: Path) -> None:
    save(tmp_path / "version_0", metrics(0.5), "lr: [1\n")
    (save(tmp_path / "version_1", "") / "metrics.csv").write_bytes(b"acc\xff\n1\n")
    (save(tmp_path / "version_2", "") / "metrics.csv").write_text(",".join(map(str, range(20_000))))
    (save(tmp_path / "version_3", "") / "metrics.csv").write_text("acc\n" + "9" * 2_000_000)
    with pytest.raises(SourceError) as caught:
        reader.read(tmp_path, Request())
    for fault in (r"is no valid YAML", "is not UTF-8", "20,000 columns", "field larger than field limit"):
        assert fault in str(caught.value)

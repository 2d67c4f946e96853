"""Folders of event files: resumed runs, parts of one run, settings of the hparams plugin and of `hparams.yaml`."""

from math import isnan
from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.source import ColumnRole, Request
from ablate.imports.trackers.training.tensorboard import reader
from tests.support.imports.canonical import runs
from tests.support.imports.trackers.training_tensorboard import save, write
from tests.support.trainers.outputs import TORCH


def test_the_canonical_study_has_its_settings_seeds_and_last_values(tmp_path: Path) -> None:
    source = reader.read(write(tmp_path), Request())
    assert source.runs["acc"].tolist() == pytest.approx([run.acc for run in runs()], abs=1e-6)
    assert source.runs[["lr", "norm", "seed"]].values.tolist() == [[run.lr, run.norm, run.seed] for run in runs()]
    assert source.runs["run"].tolist() == [f"run{number}" for number in range(12)]
    assert source.roles == {
        **dict.fromkeys(("lr", "norm", "seed"), ColumnRole.SETTING),
        "acc": ColumnRole.METRIC,
        **dict.fromkeys(("run", "epoch"), ColumnRole.CIRCUMSTANCE),
    }


def test_after_a_resume_the_later_step_wins_and_of_one_step_the_later_file(tmp_path: Path) -> None:
    save(tmp_path / "a", ("acc", 1, 0.25), ("acc", 2, 0.5), time=1_700_000_000)
    save(tmp_path / "a", ("acc", 2, 0.75), time=1_700_000_100)
    save(tmp_path / "b", ("acc", 3, 0.5), time=1_700_000_000)
    save(tmp_path / "b", ("acc", 2, 0.25), time=1_700_000_100)
    assert reader.read(tmp_path, Request()).runs["acc"].tolist() == [0.75, 0.5]


def test_parts_of_a_run_that_keras_and_pytorch_write_below_it(tmp_path: Path) -> None:
    save(tmp_path / "keras" / "train", ("epoch_loss", 1, 0.5))
    save(tmp_path / "keras" / "validation", ("epoch_loss", 1, 0.75))
    save(tmp_path / "torch", ("acc", 1, 0.25))
    save(tmp_path / "torch" / "1700000000.5", ("hparam/acc", 0, 0.25), settings={"lr": 0.5, "bn": True})
    save(tmp_path / "torch" / "loss_dev", ("loss", 1, 1.5))
    frame = reader.read(tmp_path, Request()).runs
    assert frame["run"].tolist() == ["keras", "torch"]
    assert frame.loc[0, ["train/epoch_loss", "validation/epoch_loss"]].tolist() == [0.5, 0.75]
    assert frame.loc[1, ["lr", "bn", "acc", "hparam/acc", "loss_dev/loss"]].tolist() == [0.5, True, 0.25, 0.25, 1.5]


def test_each_of_several_sessions_of_add_hparams_is_a_run(tmp_path: Path) -> None:
    save(tmp_path)
    for number in range(3):
        save(tmp_path / f"170000000{number}.25", ("hparam/acc", 0, number / 4), settings={"lr": number})
    frame = reader.read(tmp_path, Request()).runs
    assert (frame["lr"].tolist(), frame["hparam/acc"].tolist()) == ([0, 1, 2], [0.0, 0.25, 0.5])


def test_settings_of_lightning_lie_next_to_the_events(tmp_path: Path) -> None:
    save(tmp_path / "version_0", ("acc", 1, 0.5), ("hp_metric", 0, -1.0))
    (tmp_path / "version_0" / "hparams.yaml").write_text("lr: 1e-05\nopt:\n  name: adam\n")
    frame = reader.read(tmp_path, Request()).runs
    assert frame.iloc[0].to_dict() == {"lr": 1e-05, "opt.name": "adam", "acc": 0.5, "run": "version_0"}


def test_a_file_of_the_real_writer_ends_with_nan(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1.host").write_bytes(TORCH)
    frame = reader.read(tmp_path, Request()).runs
    assert isnan(frame["val/acc"][0])


@pytest.mark.parametrize("content", [b"", b"no event file", bytes(range(256)) * 4, b"PK\3\4" + bytes(1000)])
def test_a_file_without_scalars_gives_a_fault(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "events.out.tfevents.1.host").write_bytes(content)
    with pytest.raises(SourceError, match="no scalars"):
        reader.read(tmp_path, Request())

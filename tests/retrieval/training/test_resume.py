"""A training that is interrupted and goes on gives the bits of one that is not."""

import multiprocessing
import os
import random
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from ablate.retrieval.config.retrieval import RetrievalConfig
from ablate.retrieval.data.dataset import SPLITS, Dataset
from ablate.retrieval.training.trainer import train_on
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import Progress, Stopped
from tests.support.retrieval import preloaded
from tests.support.retrieval.small_training import (
    DEVICES,
    Configure,
    Torn,
    interrupted,
    ranks,
    silent,
    stop_at,
    stopping_during,
    weights,
    with_small,
)


@pytest.mark.network
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"amp": "none", "schedule": {"optimizer": "sgd"}},
        {"schedule": {"optimizer": "adamw", "decay": "cosine", "warmup_steps": 3}},
        {"loss": {"target": "item"}, "augment": {"random_erasing": {"p": 0.5}}},
        {
            "loss": {"mining": "batch-hard"},
            "batch": {"sampling": "pk", "items": 5, "images": 3},
            "model": {"bn_grouping": "fused"},
        },
        {"loss": {"metric": "pml/ArcFaceLoss"}},
    ],
    ids=["log", "sgd", "adamw", "item", "pk", "pml"],
)
def test_interrupted_anywhere_and_taken_up_gives_the_same_bits(
    dataset: Dataset, configure: Configure, tmp_path: Path, change: dict[str, Any]
) -> None:
    config = with_small(configure, change, steps=8)
    undisturbed = interrupted(dataset, config, Checkpoints(tmp_path / "one", "key"), [])
    disturbed = interrupted(dataset, config, Checkpoints(tmp_path / "other", "key"), [1, 3, 4, 8])
    assert disturbed[:2] == undisturbed[:2]
    assert disturbed[2][0].curve == undisturbed[2][0].curve
    assert len(undisturbed[2][0].curve) == 8


def test_it_goes_on_instead_of_beginning_again(dataset: Dataset, configure: Configure, tmp_path: Path) -> None:
    config = with_small(configure, {}, steps=6)
    checkpoints = Checkpoints(tmp_path, "key")
    with pytest.raises(Torn):
        train_on(dataset, [config], 0, stop_at(4), checkpoints)
    told: list[Progress] = []
    train_on(dataset, [config], 0, told.append, checkpoints)
    assert list(dict.fromkeys((made.begun, made.step) for made in told)) == [(3, 4), (3, 5), (3, 6)]
    assert [path.name for path in tmp_path.iterdir()] == ["000000006.ckpt"]


@pytest.mark.network
def test_a_finished_training_is_only_evaluated(dataset: Dataset, configure: Configure, tmp_path: Path) -> None:
    """So an evaluation setting that is added later costs no training."""
    config = with_small(configure, {}, steps=3)
    after = with_small(configure, {"evaluate": {"neck": "after"}}, steps=3)
    checkpoints = Checkpoints(tmp_path, "key")
    together = train_on(dataset, [config, after], 0, silent)
    first = train_on(dataset, [config], 0, silent, checkpoints)
    told: list[Progress] = []
    later = train_on(dataset, [after], 0, told.append, checkpoints)
    assert {(made.begun, made.step) for made in told} == {(3, 3)}
    assert ranks(later) == ranks(together[1:])
    assert (later[0].curve, later[0].environment) == (first[0].curve, first[0].environment)


@pytest.mark.network
def test_a_torn_checkpoint_costs_its_steps_and_nothing_else(
    dataset: Dataset, configure: Configure, tmp_path: Path
) -> None:
    config = with_small(configure, {}, steps=6)
    undisturbed = interrupted(dataset, config, Checkpoints(tmp_path / "one", "key"), [])
    checkpoints = Checkpoints(tmp_path / "other", "key")
    with pytest.raises(Torn):
        train_on(dataset, [config], 0, stop_at(5), checkpoints)
    newest = checkpoints.folder / "000000004.ckpt"
    newest.write_bytes(newest.read_bytes()[:-1])
    told: list[int] = []
    outcome = train_on(dataset, [config], 0, lambda made: told.append(made.step), checkpoints)
    assert list(dict.fromkeys(told)) == [4, 5, 6]
    assert (weights(checkpoints), ranks(outcome)) == undisturbed[:2]


@pytest.mark.network
def test_another_environment_begins_again(dataset: Dataset, configure: Configure, tmp_path: Path) -> None:
    """Half a training on two threads and half on one would be a run that cannot be repeated."""
    one, two = (with_small(configure, {"runtime": {"threads": n, "checkpoint_seconds": 0.0}}, steps=4) for n in (1, 2))
    checkpoints = Checkpoints(tmp_path, "key")
    with pytest.raises(Torn):
        train_on(dataset, [two], 0, stop_at(3), checkpoints)
    told: list[int] = []
    outcome = train_on(dataset, [one], 0, lambda made: told.append(made.step), checkpoints)
    assert list(dict.fromkeys(told)) == [1, 2, 3, 4]
    assert outcome[0].environment["threads"] == "1"


@pytest.mark.network
def test_a_disk_that_is_full_does_not_stop_a_training(
    dataset: Dataset, configure: Configure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_small(configure, {}, steps=3)
    (tmp_path / "file").write_text("in the way of the folder")
    outcome = train_on(dataset, [config], 0, silent, Checkpoints(tmp_path / "file", "key"))
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(" could")[0] for line in told] == [f"warning: no checkpoint of step {n}" for n in (1, 2, 3)]
    assert ranks(outcome) == ranks(train_on(dataset, [config], 0, silent))


@pytest.mark.network
@pytest.mark.parametrize("change", [{}, {"amp": "none", "schedule": {"optimizer": "sgd"}}], ids=["log", "sgd"])
def test_stopped_at_random_steps_and_taken_up_gives_the_same_bits(
    dataset: Dataset, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    """It stops at the end of the step, though neither a look at the loss nor a checkpoint was due."""
    config = with_small(configure, change | {"runtime": {"checkpoint_seconds": 1e9}}, steps=24)
    undisturbed = interrupted(dataset, config, Checkpoints(tmp_path / "one", "key"), [])
    folder = tmp_path / "other"
    for step in sorted(random.Random(0).sample(range(1, 24), 4)):
        stopping = stopping_during(step, monkeypatch)
        with pytest.raises(Stopped, match=rf"^at step {step}$"):
            train_on(dataset, [config], 0, silent, Checkpoints(folder, "key", stopping))
        monkeypatch.undo()
        assert Checkpoints(folder, "key").reached() == step
    resumed = interrupted(dataset, config, Checkpoints(folder, "key"), [])
    assert resumed[:2] == undisturbed[:2]
    assert resumed[2][0].curve == undisturbed[2][0].curve


@pytest.mark.network
def test_asked_before_the_first_step_it_takes_none(dataset: Dataset, configure: Configure, tmp_path: Path) -> None:
    told: list[Progress] = []
    with pytest.raises(Stopped, match=r"^at step 0$"):
        train_on(dataset, [with_small(configure, {}, 4)], 0, told.append, Checkpoints(tmp_path, "key", lambda: True))
    assert told == []


@pytest.mark.network
def test_stopped_while_it_is_tested_nothing_is_trained_again(
    dataset: Dataset, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = with_small(configure, {}, steps=3)
    undisturbed = interrupted(dataset, config, Checkpoints(tmp_path / "one", "key"), [])
    folder = tmp_path / "other"
    stopping = stopping_during(
        3, monkeypatch
    )  # during the last: its weights are saved, so it stops before it is tested
    with pytest.raises(Stopped, match=r"^at step 3$"):
        train_on(dataset, [config], 0, silent, Checkpoints(folder, "key", stopping))
    told: list[int] = []
    outcome = train_on(dataset, [config], 0, lambda made: told.append(made.step), Checkpoints(folder, "key"))
    assert set(told) == {3}
    assert (weights(Checkpoints(folder, "key")), ranks(outcome)) == undisturbed[:2]


@pytest.mark.network
def test_a_training_that_cannot_be_saved_stops_all_the_same(
    dataset: Dataset, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not once all its steps are taken: then only the tests are left, and stopping would lose everything."""
    config = with_small(configure, {}, steps=3)
    (tmp_path / "file").write_text("in the way of the folder")
    with pytest.raises(Stopped, match=r"^at step 2$"):
        train_on(dataset, [config], 0, silent, Checkpoints(tmp_path / "file", "key", stopping_during(2, monkeypatch)))
    monkeypatch.undo()
    late = Checkpoints(tmp_path / "file", "key", stopping_during(3, monkeypatch))
    outcome = train_on(dataset, [config], 0, silent, late)
    assert late.stopping()
    assert ranks(outcome) == ranks(train_on(dataset, [config], 0, silent))


@pytest.mark.network
def test_testing_gives_signs_of_life_between_batches_and_rankings(
    dataset: Dataset, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each lets a watchdog on progress wait again, and each is a place to stop."""
    monkeypatch.setattr("ablate.retrieval.evaluation.pipeline.BATCH", 1)
    config = with_small(configure, {}, steps=1)
    told: list[Progress] = []
    train_on(dataset, [config], 0, told.append)
    tested = int((dataset.split != SPLITS.index("train")).sum())
    ranked = 2 * len(dataset.categories)
    assert len(told) >= 1 + tested + ranked  # a ranking may be of several blocks
    assert set(told) == {told[0]}, "step 1 of 1, with its loss"


KILLS = 20


def run(dataset: Dataset, config: RetrievalConfig, folder: Path, pipe: "Connection[Any, Any]") -> None:
    outcome = train_on(dataset, [config], 0, lambda made: pipe.send(made.step), Checkpoints(folder, "key"))
    pipe.send(ranks(outcome))


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_killed_at_twenty_random_moments(dataset: Dataset, configure: Configure, tmp_path: Path, device: str) -> None:
    """SIGKILL in the middle of steps, of writing a checkpoint, of evaluating; the number of steps does not matter."""
    config = with_small(configure, {"runtime": {"device": device, "checkpoint_seconds": 0.0}}, steps=200)
    undisturbed = interrupted(dataset, config, Checkpoints(tmp_path / "one", "key"), [])
    moments = random.Random(0)
    folder, kills, steps = tmp_path / "other", 0, []
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, preloaded.__name__])  # imported once, not by each process
    while True:
        ours, theirs = context.Pipe()
        process = context.Process(target=run, args=(dataset, config, folder, theirs))
        process.start()
        theirs.close()
        assert process.pid is not None
        said = ours.recv()  # its first step
        if kills < KILLS:
            time.sleep(moments.uniform(0.0, 0.3))
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
            steps.append(said)
            process.join()
            continue
        while isinstance(said, int):
            said = ours.recv()
        process.join()
        break
    assert steps == sorted(steps)
    assert len(set(steps)) > KILLS / 2, f"most kills should find some progress: {steps}"
    assert said == undisturbed[1]
    assert weights(Checkpoints(folder, "key")) == undisturbed[0]

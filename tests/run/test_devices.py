"""What each worker has for itself, on machines with and without GPUs."""

import os
from pathlib import Path

import pytest

from ablate.errors import AblateError
from ablate.run.devices import slots
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import Trial, trials
from ablate.trainers.gpus import VISIBLE, visible_gpus
from tests.support.paths import STUDIES


def of(name: str, *settings: str) -> list[Trial]:
    return trials(read_study(STUDIES / f"{name}.yaml", settings=[f"runtime.{setting}" for setting in settings]))


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "GPU-a, 3")


def test_one_gpu_a_worker(two_gpus: None) -> None:
    assert slots(of("tiny"), None) == [{VISIBLE: "GPU-a"}, {VISIBLE: "3"}]
    assert slots(of("tiny"), 1) == [{VISIBLE: "GPU-a"}]


def test_gpus_are_shared_when_the_study_says_so(two_gpus: None) -> None:
    with pytest.raises(AblateError, match="trials_per_gpu=2"):
        slots(of("tiny"), 3)
    shared = of("tiny", "trials_per_gpu=2")
    assert slots(shared, 3) == [{VISIBLE: "GPU-a"}, {VISIBLE: "3"}, {VISIBLE: "GPU-a"}]
    assert len(slots(shared, None)) == 4


def test_a_device_that_is_named_is_left_alone(two_gpus: None) -> None:
    assert slots(of("tiny", "device=cuda:1"), None) == [{}]


def test_what_uses_no_gpu_goes_by_cores_and_threads(two_gpus: None) -> None:
    cores = len(os.sched_getaffinity(0))
    assert slots(of("simulated"), None) == [{}] * cores
    assert slots(of("tiny", "device=cpu"), None) == [{}] * cores
    assert slots(of("tiny", "device=cpu", f"threads={cores}"), None) == [{}]
    assert slots(of("tiny", "device=cpu", f"threads={10 * cores}"), None) == [{}]
    assert len(slots(of("simulated"), 7)) == 7


@pytest.mark.parametrize("named", ["", "-1"])
def test_hidden_gpus_are_not_used(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(VISIBLE, named)
    assert visible_gpus() == []


def test_without_the_variable_all_of_the_machine_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VISIBLE, raising=False)
    assert len(visible_gpus()) == len(list(Path("/dev").glob("nvidia[0-9]*")))


def test_a_worker_sees_its_gpu_alone(two_gpus: None) -> None:
    """The variable reaches the process, and the runner's own environment stays as it was."""
    from ablate.run.executors.processes import _environment

    with _environment({VISIBLE: "3"}):
        assert os.environ[VISIBLE] == "3"
    assert os.environ[VISIBLE] == "GPU-a, 3"

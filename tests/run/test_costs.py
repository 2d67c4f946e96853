"""The costs of trainings: what they take is what is measured, in each training alone."""

import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ablate.measurement import COST, Kind, Measurement, Result
from ablate.run import costs
from ablate.run.costs import CostMeter, with_costs
from ablate.run.job import Job, JobReport
from ablate.run.training_runner import run_job
from ablate.trainers.costs import COSTS

MEGABYTES = 200


def values(meter: CostMeter) -> dict[str, float]:
    return {one.metric: one.value for one in meter.costs()}


def fill(megabytes: int) -> None:
    np.ones(megabytes * 10**6, dtype=np.uint8)


def ran(folder: Path, configs: int = 1, earlier: float = 0.0, **config: object) -> JobReport:
    job = Job("key", "simulated", [config] * configs, 0, 1, str(folder), 900.0, earlier_seconds=earlier)
    return run_job(job, lambda _: None)


def test_a_training_has_its_time_and_memory(tmp_path: Path) -> None:
    report = ran(tmp_path, seconds=0.1)
    assert report.results is not None
    (result,) = report.results
    of_training = {one.metric: one for one in result.measurements if one.split == COST}
    assert set(of_training) == {"seconds", "peak_memory"}
    assert 0.1 <= of_training["seconds"].value <= report.seconds
    assert of_training["peak_memory"].value > 10
    assert all((one.n, one.examples, one.ids) == (None, None, None) for one in of_training.values())


def test_the_time_of_earlier_attempts_counts(tmp_path: Path) -> None:
    report = ran(tmp_path, earlier=100.0)
    assert report.results is not None
    assert 100 < report.results[0].value("seconds", COST) < 101


def test_trials_that_share_a_training_share_its_costs(tmp_path: Path) -> None:
    report = ran(tmp_path, configs=3)
    assert report.results is not None
    assert len({result.value("seconds", COST) for result in report.results}) == 1
    assert all(result.value("top1") > 0 for result in report.results)


def test_a_peak_is_that_of_one_training() -> None:
    large = CostMeter()
    fill(MEGABYTES)
    at_peak = values(large)["peak_memory"]
    small = CostMeter()
    fill(1)
    assert at_peak - values(small)["peak_memory"] > MEGABYTES / 2


@pytest.mark.slow
@pytest.mark.parametrize("file", ["CLEAR", "STATUS"])
def test_a_peak_that_is_not_known_is_left_out(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """A system that cannot forget a peak knows it only if the process has never been larger."""
    monkeypatch.setattr(costs, file, "/proc/self/no-such-file")
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 10**6
    growing = CostMeter()
    fill(largest + MEGABYTES)
    assert values(growing)["peak_memory"] == pytest.approx(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 10**6, rel=0.05
    )
    if file == "CLEAR":
        assert set(values(CostMeter())) == {"seconds"}


def test_a_cost_that_the_trainer_measures_is_kept() -> None:
    own = Measurement("seconds", COST, 7.0)
    of_split = Measurement("seconds", "test", 8.0)
    (kept,) = with_costs([Result([own, of_split])], CostMeter().costs())
    assert kept.value("seconds", COST) == 7.0
    assert [one.metric for one in kept.measurements] == ["seconds", "seconds", "peak_memory"]


class Gpus:
    """The part of `torch.cuda` that is read, of a machine with three GPUs."""

    def __init__(self) -> None:
        self.peak, self.allocated = [0, 50 * 10**6, 0], [0, 4, 0]

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return 3

    def reset_peak_memory_stats(self, gpu: int) -> None:
        self.peak[gpu] = 0

    def memory_stats(self, gpu: int) -> dict[str, int]:
        return {"allocation.all.allocated": self.allocated[gpu]} if self.allocated[gpu] else {}

    def max_memory_allocated(self, gpu: int) -> int:
        return self.peak[gpu]


def test_gpus_that_a_training_used_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU is at hand in tests, so torch's counters are written by hand: what is left of earlier trainings is not
    counted."""
    gpus = Gpus()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=gpus))
    meter = CostMeter()
    assert set(values(meter)) == {"seconds", "peak_memory"}
    for gpu, megabytes in ((0, 30), (2, 12)):
        gpus.allocated[gpu], gpus.peak[gpu] = 9, megabytes * 10**6
    time.sleep(0.02)
    found = values(meter)
    assert found["peak_gpu_memory"] == 42
    assert found["gpu_seconds"] == pytest.approx(2 * found["seconds"])


def test_costs_are_single_numbers_of_which_less_is_better() -> None:
    assert {metric.name: metric.unit for metric in COSTS} == {
        "seconds": "s",
        "gpu_seconds": "s",
        "peak_memory": "MB",
        "peak_gpu_memory": "MB",
        "parameters": "",
    }
    assert all((metric.kind, metric.direction.sign) == (Kind.SCALAR, -1) for metric in COSTS)

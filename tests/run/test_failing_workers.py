"""Workers on which one training after another fails, or whose trainer ends its own process."""

import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ablate.measurement import Interim
from ablate.run.executors.places import MOST_FAILURES, WorkerPlace
from ablate.run.executors.processes import ProcessExecutor
from ablate.run.job import Job, JobReport
from tests.conftest import Ablate
from tests.support.command_line import query
from tests.support.paths import ROOT, SIMULATED
from tests.support.trainers.ending_trainer import SITE

FAILS, WORKS = {"fail": 1.0}, {"fail": 0.0}


class Pool(ProcessExecutor):
    """An executor that keeps its messages, and the number of the worker that a job was given to."""

    def __init__(self, slots: Sequence[dict[str, str]]) -> None:
        self.messages: list[str] = []
        self.jobs = 0

        def go_on(key: str, interim: Interim) -> bool:
            return True

        super().__init__(slots, lambda key, progress: None, lambda: False, go_on, self.messages.append)

    def begin(self, config: dict[str, object], trainer: str = "simulated") -> int:
        """Start a job; return the number of its worker."""
        self.jobs += 1
        key = f"key {self.jobs}"
        self.submit(Job(key, trainer, [config], 0, 1, "nowhere", 900.0))
        return self.busy[key].place.number

    def next(self) -> JobReport:
        """Return how the next job ends."""
        while not (found := list(self.reports(0.5))):
            pass
        return found[0][1]

    def run(self, config: dict[str, object], trainer: str = "simulated") -> tuple[int, str]:
        """Run a job; return the number of its worker, and how the job ended."""
        number = self.begin(config, trainer)
        return number, self.next().state


@pytest.fixture
def pool() -> Iterator[Pool]:
    """Two workers, the second on a GPU of the name 7."""
    made = Pool([{}, {"CUDA_VISIBLE_DEVICES": "7"}])
    yield made
    made.close()


def test_failures_in_a_row_stop_a_worker_and_leave_the_others(pool: Pool) -> None:
    assert pool.begin({"seconds": 600.0}) == 1
    assert [pool.run(FAILS) for _ in range(2)] == [(2, "failed")] * 2
    assert pool.run(WORKS) == (2, "done"), "then the count begins again at 0"
    assert [pool.run(FAILS) for _ in range(2)] == [(2, "failed")] * 2
    (stopped,) = pool.idle
    assert (pool.run(FAILS), pool.messages) == (
        (2, "failed"),
        [
            "worker 2 (GPU 7) is stopped: its last 3 trainings failed; 1 worker goes on; `ablate status` shows the "
            "reasons"
        ],
    )
    assert not pool.has_room()
    stopped.process.join(30)
    assert stopped.process.exitcode == 0


@pytest.mark.slow
def test_the_last_worker_goes_on(pool: Pool) -> None:
    ends = [pool.run(FAILS) for _ in range(2 * MOST_FAILURES + 1)]
    assert ends == [(1, "failed")] * MOST_FAILURES + [(2, "failed")] * (MOST_FAILURES + 1)
    assert len(pool.messages) == 1
    assert pool.run(WORKS) == (2, "done")


@pytest.fixture
def with_ending_trainer(tmp_path: Path) -> dict[str, str]:
    """The environment of a worker that has the trainer `ending`."""
    (tmp_path / "sitecustomize.py").write_text(SITE)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}


def test_the_ends_of_a_trainer_in_a_worker_process(with_ending_trainer: dict[str, str]) -> None:
    """Its process outlives a trainer that calls sys.exit, and a diverged result comes back with its values."""
    pool = Pool([with_ending_trainer])
    try:
        assert pool.run({"settings": {"end": "exits"}}, "ending") == (1, "failed")
        (worker,) = pool.idle
        pool.begin({"settings": {"end": "diverges"}}, "ending")
        diverged = pool.next()
        assert (diverged.state, diverged.reason) == ("diverged", "top5 is not a number")
        assert diverged.results is not None
        values = {one.metric: one.value for one in diverged.results[0].measurements}
        assert (values["top1"], math.isnan(values["top5"])) == (0.25, True)
        assert pool.run({"settings": {"end": "is lost"}}, "ending") == (1, "lost")
        assert pool.idle == [worker]
        assert worker.process.is_alive()
    finally:
        pool.close()


def test_a_worker_that_dies_neither_counts_as_a_failure_nor_as_a_success() -> None:
    place = WorkerPlace(1, {})
    for state in ("failed", "failed", "lost", "abandoned", "interrupted"):
        place.count(state)
        assert not place.is_failing
    place.count("failed")
    assert place.is_failing


@pytest.mark.parametrize("state", ["done", "diverged", "pruned"])
def test_a_training_that_ran_to_its_end_begins_a_new_count(state: str) -> None:
    place = WorkerPlace(3, {})
    for each in ("failed", "failed", state, "failed", "failed"):
        place.count(each)
    assert not place.is_failing
    place.count("failed")
    assert place.closing_words(3) == (
        "worker 3 is stopped: its last 3 trainings failed; 3 workers go on; `ablate status` shows the reasons"
    )


@pytest.mark.slow
def test_a_run_of_which_every_training_fails_goes_on_with_one_worker(ablate: Ablate) -> None:
    result = ablate("run", SIMULATED, "--workers", 2, "--set", "config.fail=1")
    assert result.code == 1
    assert "12 of 12 trainings run" in result.err
    (message,) = re.findall(r"worker \d is stopped: .*", result.err)
    assert "1 worker goes on; `ablate status" in message
    assert query("SELECT state, count(*) FROM ablate_trainings GROUP BY state") == [("failed", 12)]

"""Worker processes that cannot begin, die of what has no name, or ask whether to go on."""

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from ctypes import c_bool
from multiprocessing.resource_tracker import ensure_running
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

import pytest

from ablate.errors import AblateError, StoreError
from ablate.measurement import Interim
from ablate.run.executors.processes import MOST_FAILED_STARTS, UNGUARDED, ProcessExecutor, _cause
from ablate.run.job import Job, JobReport
from ablate.run.worker import work
from ablate.trainers.checkpoints import Checkpoints
from tests.support.paths import ROOT, SIMULATED


def job(number: int, folder: str = "nowhere", stall: float = 900.0, **config: object) -> Job:
    return Job(f"key {number}", "simulated", [config], 0, 1, folder, stall, watched=True)


def go_on(key: str, shown: Interim) -> bool:
    return True


def test_workers_that_cannot_start_end_the_run_and_blame_no_trial() -> None:
    """A Python that does not find its library ends at once, as one does whose package was taken away meanwhile."""
    ensure_running()  # Python's own helper process, which would not start either
    slots = [{"PYTHONHOME": "/nonexistent"}]
    pool = ProcessExecutor(slots, lambda key, progress: None, lambda: False, go_on, lambda text: None)
    assert [ended(pool, number) for number in range(1, MOST_FAILED_STARTS)] == ["abandoned"] * (MOST_FAILED_STARTS - 1)
    with pytest.raises(AblateError, match=r"workers cannot start: .*exit code 1"):
        ended(pool, MOST_FAILED_STARTS)
    pool.close()


@pytest.mark.slow
def test_a_script_that_workers_import_again_learns_where_its_calls_belong(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"import ablate\nablate.run_study({str(SIMULATED)!r}, 'store.db', only=['plain'], workers=1)\n")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script)]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == f"{UNGUARDED}\n", "one plain line, and no traceback of the worker or of the script"
    assert 'put the calls under `if __name__ == "__main__":`' in UNGUARDED


def ended(pool: ProcessExecutor, number: int) -> str:
    """How a job ended."""
    pool.submit(job(number))
    return report(pool).state


def report(pool: ProcessExecutor) -> JobReport:
    """How the next job ends."""
    while not (found := list(pool.reports(0.5))):
        pass
    return found[0][1]


class Judge:
    """Ends a job after a part, and does something when it is shown one."""

    def __init__(self, ends: int = 0) -> None:
        self.ends = ends
        self.shown: list[tuple[str, int]] = []
        self.then: Callable[[Interim], None] = lambda shown: None

    def __call__(self, key: str, shown: Interim) -> bool:
        self.shown.append((key, round(10 * shown.fraction)))
        self.then(shown)
        return round(10 * shown.fraction) != self.ends


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def asked() -> list[bool]:
    """Whether to stop: once there is something in it."""
    return []


@pytest.fixture
def pool(judge: Judge, asked: list[bool]) -> Iterator[ProcessExecutor]:
    pool = ProcessExecutor([{}], lambda key, progress: None, lambda: bool(asked), judge, lambda text: None)
    yield pool
    pool.close()


PARTS = list(range(1, 10))


def test_a_worker_waits_for_the_answer_and_heeds_it(pool: ProcessExecutor, judge: Judge, tmp_path: Path) -> None:
    """The same worker then does the next job: no answer is left in the pipe, nor taken for a job."""
    judge.ends = 4
    pool.submit(job(1, str(tmp_path)))
    found = report(pool)
    assert (found.state, found.reason) == ("pruned", "ended early at step 4")
    judge.ends = 0
    pool.submit(job(2, str(tmp_path / "other")))
    assert report(pool).state == "done"
    assert judge.shown == [("key 1", part) for part in PARTS[:4]] + [("key 2", part) for part in PARTS]


def test_no_part_is_left_out_though_progress_is_throttled(pool: ProcessExecutor, judge: Judge, tmp_path: Path) -> None:
    pool.submit(job(1, str(tmp_path), seconds=0.1))
    assert report(pool).state == "done"
    assert [part for _, part in judge.shown] == PARTS


@pytest.mark.slow
def test_a_worker_that_dies_while_it_waits_is_lost(pool: ProcessExecutor, judge: Judge, tmp_path: Path) -> None:
    def kill(shown: Interim) -> None:
        process = pool.busy["key 1"].process
        process.kill()
        process.join()

    judge.then = kill
    pool.submit(job(1, str(tmp_path)))
    found = report(pool)
    assert (found.state, "SIGKILL" in found.reason) == ("lost", True)
    assert [part for _, part in judge.shown] == [1]
    judge.then = lambda shown: None
    pool.submit(job(2, str(tmp_path)))
    assert report(pool).state == "done", "its slot has another worker"


@pytest.mark.slow
def test_asked_to_stop_while_it_waits_it_saves_and_stops(
    pool: ProcessExecutor, judge: Judge, asked: list[bool], tmp_path: Path
) -> None:
    judge.then = lambda shown: asked.append(True) if round(10 * shown.fraction) == 2 else None
    pool.submit(job(1, str(tmp_path), seconds=20.0))
    found = report(pool)
    assert found.state == "interrupted"
    assert Checkpoints(tmp_path, "key 1").reached() == 2


def test_where_judging_fails_the_worker_goes_on(pool: ProcessExecutor, judge: Judge, tmp_path: Path) -> None:
    """A store that cannot be written ends the run, which first lets its workers save."""

    def fail(shown: Interim) -> None:
        if round(10 * shown.fraction) == 3:
            raise StoreError("cannot be written")

    judge.then = fail
    pool.submit(job(1, str(tmp_path)))
    with pytest.raises(StoreError):
        report(pool)
    assert report(pool).state == "done"
    assert [part for _, part in judge.shown] == PARTS


@pytest.mark.slow
def test_a_judge_that_takes_its_time_is_no_fault_of_the_worker(
    pool: ProcessExecutor, judge: Judge, tmp_path: Path
) -> None:
    judge.then = lambda shown: time.sleep(1.5) if round(10 * shown.fraction) == 5 else None
    pool.submit(job(1, str(tmp_path), stall=1.0))
    assert report(pool).state == "done"


def test_a_runner_that_is_gone_ends_the_worker_that_waits(tmp_path: Path) -> None:
    """Here its runner closes the pipe and lives on, as where no kernel kills a worker with its runner."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, os.getpid(), RawValue(c_bool, False)))
    process.start()
    theirs.close()
    ours.send(job(1, str(tmp_path)))
    while not isinstance(ours.recv(), Interim):
        pass
    ours.close()
    process.join(30)
    assert process.exitcode == 0


@pytest.mark.parametrize(("exitcode", "words"), [(-9, "SIGKILL"), (-40, "signal 40"), (3, "exit code 3")])
def test_how_a_worker_ended_in_words(exitcode: int, words: str) -> None:
    assert words in _cause(exitcode)

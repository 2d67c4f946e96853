"""How a job ends: with an outcome, a reason, or where it was stopped."""

from pathlib import Path
from typing import Any

from ablate.measurement import Interim
from ablate.run.job import Job, JobReport
from ablate.run.training_runner import run_job
from ablate.trainers.protocol import Progress
from ablate.trainers.rank_results import ranks_of


def ran(folder: Path, attempt: int = 1, stop: int | None = None, **config: Any) -> JobReport:
    """The report of a simulated job that is asked to stop after a tenth, or never."""
    told: list[Progress] = []
    job = Job("key", "simulated", [config], 0, attempt, str(folder), 900.0)
    return run_job(job, told.append, lambda: stop is not None and len(told) >= stop)


def test_it_is_done_failed_or_interrupted(tmp_path: Path) -> None:
    done = ran(tmp_path)
    assert (done.state, done.reason, done.results is None) == ("done", "", False)
    failed = ran(tmp_path, fail=1.0)
    assert (failed.state, failed.reason) == ("failed", "SimulatedError: simulated failure of attempt 1")
    assert "Traceback" in failed.traceback
    interrupted = ran(tmp_path, stop=4, seconds=0.01)
    assert (interrupted.state, interrupted.reason) == ("interrupted", "stopped at step 4")
    assert interrupted.results is None


def test_what_was_stopped_goes_on_and_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    assert ran(tmp_path, stop=4, seconds=0.01).state == "interrupted"
    told: list[Progress] = []
    report = run_job(Job("key", "simulated", [{"seconds": 0.01}], 0, 2, str(tmp_path), 900.0), told.append)
    assert [made.step for made in told] == [5, 6, 7, 8, 9, 10]
    assert report.results is not None
    undisturbed = ran(tmp_path / "other").results
    assert undisturbed is not None
    ranks, others = (ranks_of(outcome[0], "test") for outcome in (report.results, undisturbed))
    assert ranks.tolist() == others.tolist()


def test_what_is_watched_may_be_pruned_and_nothing_else(tmp_path: Path) -> None:
    shown: list[int] = []

    def judge(now: Interim) -> bool:
        shown.append(round(10 * now.fraction))
        return now.fraction < 0.3

    def job(watched: bool) -> Job:
        return Job("key", "simulated", [{}], 0, 1, str(tmp_path), 900.0, watched)

    pruned = run_job(job(watched=True), lambda _: None, judge=judge)
    assert (pruned.state, pruned.reason, pruned.results) == ("pruned", "ended early at step 3", None)
    assert run_job(job(watched=False), lambda _: None, judge=judge).state == "done"
    assert shown == [1, 2, 3]

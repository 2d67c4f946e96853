"""`ablate run` on the simulated trainer: what runs, what does not run again, and what failures leave behind."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

from ablate.store.queue import claims
from tests.conftest import Ablate
from tests.support.command_line import query, start, wait_for, workers_of
from tests.support.paths import SIMULATED


def hits(ablate: Ablate) -> dict[str, list[int]]:
    rows = json.loads(ablate("report", "--format", "json").out)["rows"]
    return {row["label"]: row["metrics"]["top1"]["hits"] for row in rows}


def test_a_second_call_runs_nothing(ablate: Ablate) -> None:
    first = ablate("run", SIMULATED, "--executor", "inline")
    assert first.code == 0
    assert "12 of 12 trainings run" in first.err
    second = ablate("run", SIMULATED, "--executor", "inline")
    assert second.code == 0
    assert "nothing to run" in second.err
    assert query("SELECT count(*) FROM ablate_attempts") == [(12,)]


def test_the_view_of_the_contract(ablate: Ablate) -> None:
    ablate("run", SIMULATED, "--executor", "inline")
    columns = [row[1] for row in query("PRAGMA table_info(results)")]
    names = ["study", "profile", "label", "seed", "trial", "state", "top1", "top5", "top10", "seconds"]
    names += ["map", "map_at_r"]
    assert columns == names
    found = query("SELECT * FROM results")
    assert len(found) == 12
    assert {row[5] for row in found} == {"done"}
    assert all(0 < row[6] <= row[7] <= row[8] < 1 for row in found)  # type: ignore[operator]


def test_an_added_row_runs_alone(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SIMULATED.read_text())
    ablate("run", path, "--executor", "inline")
    before = hits(ablate)
    path.write_text(SIMULATED.read_text().replace("plain: {}", "plain: {}\n      warm: {warmup: on}"))
    again = ablate("run", path, "--executor", "inline")
    assert "3 of 15 trainings run" in again.err
    assert {label: value for label, value in hits(ablate).items() if label != "warm"} == before


def test_a_removed_row_leaves_the_report_but_not_the_store(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SIMULATED.read_text())
    ablate("run", path, "--executor", "inline")
    path.write_text(SIMULATED.read_text().replace("      normalized: {normalization: on}\n", ""))
    assert "nothing to run" in ablate("run", path, "--executor", "inline").err
    assert "normalized" not in hits(ablate)
    assert query("SELECT count(DISTINCT trial_key) FROM ablate_results") == [(12,)]


@pytest.mark.slow
def test_one_worker_or_two_give_the_same_ranks(ablate: Ablate) -> None:
    ablate("run", SIMULATED, "--executor", "inline", "--store", "one.db")
    ablate("run", SIMULATED, "--workers", 2, "--store", "two.db")
    ranks = "SELECT trial_key, name, content FROM ablate_artifacts ORDER BY trial_key, name"
    assert query(ranks, "one.db") == query(ranks, "two.db")


def test_only_runs_the_rows_that_match(ablate: Ablate) -> None:
    assert "6 of 6 trainings run" in ablate("run", SIMULATED, "--only", "plain", "--only", "normalized").err
    states = query("SELECT label, state FROM results WHERE seed = 0")
    assert [state for label, state in states if label in ("plain", "normalized")] == ["done"] * 2
    assert {state for label, state in states if label not in ("plain", "normalized")} == {"queued"}
    wrong = ablate("run", SIMULATED, "--only", "nothing*")
    assert wrong.code == 2
    assert "the rows are:" in wrong.err
    assert "normalized" in wrong.err


def test_a_trial_that_raises_is_recorded_and_the_others_go_on(ablate: Ablate) -> None:
    result = ablate("run", SIMULATED, "--executor", "inline", "--set", "config.fail=0.5")
    assert result.code == 1
    states = dict(query("SELECT state, count(*) FROM results GROUP BY state"))
    assert set(states) == {"done", "failed"}
    reasons = query("SELECT reason, traceback FROM ablate_attempts WHERE state = 'failed'")
    assert len(reasons) == states["failed"]
    assert all("SimulatedError" in reason and "Traceback" in trace for reason, trace in reasons)  # type: ignore[operator]
    assert "simulated failure" in ablate("status", "simulated").out
    again = ablate("run", SIMULATED, "--executor", "inline", "--set", "config.fail=0.5")
    assert again.code == 1
    assert query("SELECT count(*) FROM ablate_attempts") == [(12,)], "what failed waits for --retry-failed"
    fixed = ablate("run", SIMULATED, "--executor", "inline", "--retry-failed")
    assert fixed.code == 0
    assert query("SELECT DISTINCT state FROM results") == [("done",)]
    assert query("SELECT count(*) FROM ablate_attempts WHERE state = 'failed'") == [(states["failed"],)]


@pytest.mark.slow
def test_options_that_change_the_file_stand_in_the_report(ablate: Ablate) -> None:
    ablate("run", SIMULATED, "--executor", "inline")
    assert ablate("report").out.startswith("simulated (base)\n")
    ablate("run", SIMULATED, "--executor", "inline", "--set", "config.base=0.5", "--seeds", 1)
    heading = "simulated (base, with config.base=0.5, seeds=1)"
    assert ablate("report").out.startswith(f"{heading}\n")
    assert ablate("report", "--format", "markdown").out.startswith(f"# {heading}\n")
    assert json.loads(ablate("report", "--format", "json").out)["overrides"] == ["config.base=0.5", "seeds=1"]
    assert "nothing to run" in ablate("run", SIMULATED, "--executor", "inline").err
    assert ablate("report").out.startswith("simulated (base)\n")


def test_status_counts_every_trial_and_keeps_studies_apart(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(SIMULATED.read_text().replace("study: simulated", "study: other").replace("seeds: 3", "seeds: [9]"))
    ablate("run", path, "--executor", "inline", "--set", "references={low: {base: 0.2}}", "--set", "config.fail=1")
    ablate("run", SIMULATED, "--executor", "inline")
    lines = ablate("status").out.splitlines()
    assert lines[0] == "other (base), 5 trials: 5 failed"
    assert [line.split()[0] for line in lines[1:6]] == ["failed"] * 5
    assert "low, seed 9, attempt 1: SimulatedError" in lines[5]
    assert lines[6:] == ["simulated (base), 12 trials: 12 done"]
    assert ablate("status", "simulated").out == "simulated (base), 12 trials: 12 done\n"
    again = ablate("run", path, "--executor", "inline", "--set", "config.fail=1")
    assert "4 failed (4 of them in an earlier run)" in again.err


def test_failed_and_missing_seeds_are_shown(ablate: Ablate) -> None:
    ablate("run", SIMULATED, "--executor", "inline", "--set", "config.fail=1", "--only", "plain")
    report = json.loads(ablate("report", "--format", "json").out)
    rows = {row["label"]: row for row in report["rows"]}
    assert (rows["plain"]["failed"], rows["plain"]["seeds"], rows["plain"]["metrics"]) == ([0, 1, 2], [], {})
    assert (rows["normalized"]["failed"], rows["normalized"]["missing"]) == ([], [0, 1, 2])
    text = ablate("report").out
    assert "Failed: plain, seeds 0, 1, 2" in text
    assert "No result yet: normalized, seeds 0, 1, 2" in text


def test_a_row_that_shares_a_training_costs_nothing(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(SIMULATED.read_text().replace("plain: {}", "plain: {}\n      again: {normalization: off}"))
    assert "12 of 12 trainings run" in ablate("run", path, "--executor", "inline").err
    assert len(query("SELECT * FROM results")) == 15
    found = hits(ablate)
    assert found["again"] == found["plain"]


@pytest.mark.service
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_goes_on_with_the_next_call(ablate: Ablate, tmp_path: Path, workers: int) -> None:
    running = start("run", SIMULATED, "--workers", workers, "--set", "config.seconds=0.4", folder=tmp_path)
    wait_for("SELECT 1 FROM ablate_results")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in err
    states = dict(query("SELECT state, count(*) FROM results GROUP BY state"))
    assert "running" not in states
    assert 0 < states["done"] < 12
    again = ablate("run", SIMULATED, "--executor", "inline")
    assert f"{12 - states['done']} of 12 trainings run" in again.err
    assert query("SELECT DISTINCT state FROM results") == [("done",)]


@pytest.mark.slow
def test_a_killed_runner_loses_nothing(ablate: Ablate, tmp_path: Path) -> None:
    running = start("run", SIMULATED, "--workers", 1, "--set", "config.seconds=0.4", folder=tmp_path)
    wait_for("SELECT 1 FROM ablate_results")
    running.kill()
    running.communicate()
    assert ablate("run", SIMULATED, "--executor", "inline").code == 0
    assert query("SELECT DISTINCT state FROM results") == [("done",)]
    assert query("SELECT state FROM ablate_attempts WHERE state NOT IN ('done', 'abandoned')") == []


@pytest.mark.service
def test_the_trial_of_a_killed_worker_goes_on_elsewhere(ablate: Ablate, tmp_path: Path) -> None:
    running = start("run", SIMULATED, "--workers", 2, "--set", "config.seconds=2", "--seeds", 1, folder=tmp_path)
    wait_for("SELECT 1 FROM ablate_attempts WHERE state = 'running' GROUP BY state HAVING count(*) = 2")
    wait_for_checkpoints(tmp_path, at_least=2)
    os.kill(workers_of(running.pid)[0], signal.SIGKILL)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert query("SELECT state, count(*) FROM results GROUP BY state") == [("done", 4)]
    ((reason, key),) = query("SELECT reason, training_key FROM ablate_attempts WHERE state = 'lost'")
    assert "SIGKILL" in str(reason)
    ((state, resumed_at),) = query(
        f"SELECT state, resumed_at FROM ablate_attempts WHERE training_key = '{key}' AND number = 2"
    )
    assert state == "done"
    assert resumed_at > 0  # type: ignore[operator]
    seconds = dict(query("SELECT number, seconds FROM ablate_attempts WHERE training_key = '" + str(key) + "'"))
    ((cost,),) = query(
        "SELECT m.value FROM ablate_measurements m JOIN ablate_trials t ON t.key = m.trial_key "
        f"WHERE m.metric = 'seconds' AND t.training_key = '{key}'"
    )
    assert cost == pytest.approx(seconds[1] + seconds[2], abs=0.3)  # type: ignore[operator]
    assert cost > 2  # type: ignore[operator]


@pytest.mark.service
def test_a_trial_that_kills_its_workers_fails_in_the_end(ablate: Ablate, tmp_path: Path) -> None:
    """Killed a while after it has started, without progress between: the others are not held up for ever."""
    options = ("--workers", 1, "--set", "config.seconds=300", "--only", "plain", "--seeds", 1)
    running = start("run", SIMULATED, *options, folder=tmp_path)
    for _ in range(claims.MOST_BLAME):  # what is killed before it has begun, on a busy machine, hardly counts
        with contextlib.suppress(ProcessLookupError, AssertionError):
            worker = wait_for_worker(running.pid, seconds=5)
            time.sleep(2)
            os.kill(worker, signal.SIGSEGV)
        if running.poll() is not None:
            break
    _, err = running.communicate(timeout=60)
    assert running.returncode == 1, err
    assert "attempts in a row, without a newer checkpoint" in err
    assert query("SELECT state FROM results WHERE label = 'plain'") == [("failed",)]
    assert "SIGSEGV" in ablate("status").out


@pytest.mark.service
def test_a_worker_that_hangs_is_noticed(ablate: Ablate, tmp_path: Path) -> None:
    options = ("--set", "config.seconds=3", "--set", "config.runtime.stall_seconds=2", "--only", "plain", "--seeds", 1)
    running = start("run", SIMULATED, "--workers", 1, *options, folder=tmp_path)
    wait_for_checkpoints(tmp_path, at_least=1)
    os.kill(workers_of(running.pid)[0], signal.SIGSTOP)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    ((reason,),) = query("SELECT reason FROM ablate_attempts WHERE state = 'lost'")
    assert "no sign of progress for 2 s" in str(reason)


@pytest.mark.service
def test_the_workers_of_a_killed_runner_die_with_it(ablate: Ablate, tmp_path: Path) -> None:
    running = start("run", SIMULATED, "--workers", 2, "--set", "config.seconds=60", folder=tmp_path)
    wait_for_checkpoints(tmp_path, at_least=0)
    wait_for("SELECT 1 FROM ablate_attempts WHERE state = 'running' GROUP BY state HAVING count(*) = 2")
    wait_for_worker(running.pid)
    workers = workers_of(running.pid)
    running.kill()
    running.communicate()
    deadline = time.monotonic() + 10
    while any(is_alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(worker) for worker in workers)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for_worker(runner: int, seconds: float = 60) -> int:
    """A worker of the runner, as soon as there is one that lives."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for worker in workers_of(runner):
            if is_alive(worker):
                return worker
        time.sleep(0.02)
    raise AssertionError("no worker")


def wait_for_checkpoints(folder: Path, at_least: int) -> None:
    """Returns when so many trainings have saved themselves."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if len({path.parent for path in (folder / "results" / "checkpoints").glob("*/*.ckpt")}) >= at_least:
            return
        time.sleep(0.02)
    raise AssertionError("no checkpoint")


@pytest.mark.service
def test_ctrl_c_once_lets_trainings_save(ablate: Ablate, tmp_path: Path) -> None:
    """The two that run stop within a moment, though they had a minute to go, and go on from where they were."""
    options = ("--workers", 2, "--seeds", 1, "--only", "plain", "--only", "normalized")
    running = start("run", SIMULATED, *options, "--set", "config.seconds=20", folder=tmp_path)
    wait_for_checkpoints(tmp_path, at_least=2)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=15)
    assert running.returncode == 130, err
    assert "Ctrl-C again" in err
    assert query("SELECT DISTINCT state FROM ablate_attempts") == [("interrupted",)]
    assert ablate("run", SIMULATED, *options, "--set", "config.seconds=1").code == 0
    assert query("SELECT min(resumed_at) > 0 FROM ablate_attempts WHERE state = 'done'") == [(1,)]


@pytest.mark.service
def test_ctrl_c_twice_stops_now(ablate: Ablate, tmp_path: Path) -> None:
    """Even where a worker does not answer."""
    running = start("run", SIMULATED, "--workers", 1, "--set", "config.seconds=20", folder=tmp_path)
    wait_for_checkpoints(tmp_path, at_least=1)
    os.kill(workers_of(running.pid)[0], signal.SIGSTOP)
    running.send_signal(signal.SIGINT)
    time.sleep(1)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=15)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert query("SELECT count(*) FROM results WHERE state = 'running'") == [(0,)]


@pytest.mark.service
def test_two_runners_share_one_study(ablate: Ablate, tmp_path: Path) -> None:
    options = ("--executor", "inline", "--set", "config.seconds=0.1")
    both = [start("run", SIMULATED, *options, folder=tmp_path) for _ in range(2)]
    errors = [runner.communicate(timeout=120)[1] for runner in both]
    assert [runner.returncode for runner in both] == [0, 0], errors
    assert query("SELECT count(*), count(DISTINCT training_key) FROM ablate_attempts") == [(12, 12)]
    assert query("SELECT DISTINCT state FROM results") == [("done",)]

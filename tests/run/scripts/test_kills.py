"""Runners, workers, scripts and guards that are killed or suspended: every result once, and no process is left."""

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ablate.trainers.declared import folder_lock
from ablate.trainers.protocol import Stopped
from tests.support.command.watched_scripts import marked, wait_until
from tests.support.command_line import start, wait_for
from tests.support.scripts.killed_study import KilledStudy
from tests.support.scripts.script_study import ends, run_folders

LEASES = {
    "ablate.store.queue.lease_expiry.LEASE_SECONDS": 1.5,
    "ablate.run.dispatch.heartbeat.BEAT_SECONDS": 0.4,
}
"""A tenth of the usual times."""


@pytest.mark.service
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_processes_that_are_killed_at_random_moments(tmp_path: Path, seed: int) -> None:
    study = KilledStudy(tmp_path, 16, 3, random.Random(seed), seconds=0.5)
    study.run(pause=(0.3, 1.5), most=8)
    assert study.seconds_until_nothing_is_left() < 5
    assert study.values() == study.expected_values()
    ended = study.attempts()
    assert ended["done"] == 16
    assert set(ended) <= {"done", "lost", "abandoned", "interrupted"}
    assert study.twice_at_once() == 0


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["runner", "worker", "guard", "script"])
def test_each_kind_of_process_may_be_killed(tmp_path: Path, victim: str) -> None:
    study = KilledStudy(tmp_path, 2, 1, random.Random(0), seconds=1.5)
    runner = study.start()
    wait_until(lambda: len(marked(study.mark)) == 3)
    os.kill(study.victims(runner.pid)[victim][0], signal.SIGKILL)
    if victim == "runner":
        assert study.seconds_until_nothing_is_left() < 5
        runner.wait()
        runner = study.start()
    assert runner.wait(60) == 0
    assert study.seconds_until_nothing_is_left() < 5
    assert study.values() == study.expected_values()
    assert study.attempts()["done"] == 2
    assert study.twice_at_once() == 0


@pytest.mark.slow
def test_the_script_of_a_suspended_runner_is_never_run_twice_at_once(tmp_path: Path) -> None:
    """Ctrl-Z: the runner loses its lease, but its script goes on. The next attempt waits until it has ended."""
    study = KilledStudy(tmp_path, 2, 1, random.Random(0), seconds=8.0)
    words = ("run", "study.yaml", "--only", "baseline", "--workers", 1)
    first = start(*words, folder=tmp_path, constants=LEASES)
    wait_until(lambda: len(marked(study.mark)) == 3)
    first.send_signal(signal.SIGSTOP)
    second = start(*words, folder=tmp_path, constants=LEASES)
    wait_for("SELECT 1 FROM ablate_attempts WHERE number = 2")
    time.sleep(1)
    (folder,) = run_folders()
    assert len((folder / "processes").read_text().split()) == 1, "the second attempt waits"
    assert second.wait(60) == 0
    first.send_signal(signal.SIGCONT)
    assert first.wait(60) == 0
    assert study.twice_at_once() == 0
    assert study.values() == {("baseline", 0): [0.51]}
    assert [state for state, _ in ends()] == ["abandoned", "done"]


def test_an_attempt_waits_for_the_script_of_an_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_lock, "WAIT_SECONDS", 0.2)
    folder = tmp_path / "training"
    with folder_lock.folder_lock(folder) as lock:
        script = subprocess.Popen(["sleep", "100"], pass_fds=[lock])
    words = f"as the script of an earlier attempt still runs in {folder}"
    with pytest.raises(Stopped, match=words), folder_lock.folder_lock(folder):
        pass
    monkeypatch.setattr(folder_lock, "WAIT_SECONDS", 30.0)
    threading.Timer(0.2, script.kill).start()
    with folder_lock.folder_lock(folder):
        assert script.poll() is None or script.returncode == -signal.SIGKILL
    assert script.wait() == -signal.SIGKILL

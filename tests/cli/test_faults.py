"""Fault injection: runners and workers killed at random moments lose nothing and repeat nothing that is finished."""

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.cli.test_real import BNNECK, TINY, stored_ranks
from tests.cli.test_run import SIMULATED, query, start, wait_for, workers_of
from tests.conftest import Ablate

pytestmark = pytest.mark.slow

ROUNDS = 12


def test_killed_at_random_moments(ablate: Ablate, tmp_path: Path) -> None:
    """A runner is killed in every round, and before that, in most, one of its two workers.

    Every trial is done once in the end, and its ranks are those of an undisturbed run. A round does at most
    eight of the 120 trials, so that none of them finds the work done.
    """
    moments = random.Random(0)
    for _ in range(ROUNDS):
        options = ("--workers", 2, "--seeds", 30, "--set", "config.seconds=0.5", "--retry-failed")
        running = start("run", SIMULATED, *options, folder=tmp_path)
        wait_for(f"SELECT 1 FROM ablate_attempts WHERE state = 'running' AND owner LIKE '%:{running.pid}'")
        time.sleep(moments.random())
        if moments.random() < 0.7:
            os.kill(moments.choice(workers_of(running.pid)), signal.SIGKILL)
            time.sleep(moments.random())
        running.kill()
        running.communicate(timeout=60)
    assert ablate("run", SIMULATED, "--executor", "inline", "--seeds", 30, "--retry-failed").code == 0
    assert query("SELECT state, count(*) FROM results GROUP BY state") == [("done", 120)]
    assert query("SELECT count(*) FROM ablate_attempts WHERE state = 'running'") == [(0,)]
    done = "SELECT training_key FROM ablate_attempts WHERE state = 'done' GROUP BY training_key HAVING count(*) > 1"
    assert query(done) == [], "what is finished is not run again"
    ablate("run", SIMULATED, "--executor", "inline", "--seeds", 30, "--store", "calm.db")
    assert stored_ranks(Path("results/ablate.db")) == stored_ranks(Path("calm.db"))


def test_the_nine_rows_do_not_depend_on_the_number_of_workers(ablate: Ablate) -> None:
    """All nine rows of the shipped study, real networks, a few steps each."""
    few = ("--set", "config.schedule.steps=3", "--set", "config.data.size=[16, 16]")
    for workers in (1, 2):
        assert ablate("run", BNNECK, *few, "--workers", workers, "--store", f"{workers}.db").code == 0
    assert stored_ranks(Path("1.db")) == stored_ranks(Path("2.db"))
    with sqlite3.connect("1.db") as connection:
        rates = [row[0] for row in connection.execute("SELECT top1 FROM results ORDER BY label")]
    assert len(rates) == 9
    assert len(set(rates)) > 1


def test_killed_trainings_go_on_from_their_checkpoints(ablate: Ablate, tmp_path: Path) -> None:
    """Real networks, runner and workers killed at once, again and again: the ranks of an undisturbed run."""
    settings = ("model.backbone=timm/test_resnet", "schedule.steps=150", "runtime.checkpoint_seconds=0")
    options = [word for setting in settings for word in ("--set", f"config.{setting}")]
    moments = random.Random(1)
    reached = []
    for _ in range(6):
        running = start("run", TINY, *options, "--workers", 2, folder=tmp_path)
        seen = checkpoints(tmp_path)
        while checkpoints(tmp_path) == seen and running.poll() is None:
            time.sleep(0.02)
        time.sleep(moments.random())
        for process in (running.pid, *workers_of(running.pid)):
            os.kill(process, signal.SIGKILL)
        running.communicate(timeout=60)
        reached.append(sum(checkpoints(tmp_path)))
    assert len(set(reached)) > 3, f"each run should go on from the one before: {reached}"
    assert ablate("run", TINY, *options, "--workers", 2).code == 0
    assert checkpoints(tmp_path) == [150, 150], "each of the two trainings keeps its last checkpoint alone"
    ablate("run", TINY, *options, "--executor", "inline", "--store", "calm/ablate.db")
    assert stored_ranks(Path("results/ablate.db")) == stored_ranks(Path("calm/ablate.db"))


def checkpoints(folder: Path) -> list[int]:
    """The steps of the checkpoints that lie in a folder's store."""
    return sorted(int(path.stem) for path in (folder / "results" / "checkpoints").glob("*/*.ckpt"))

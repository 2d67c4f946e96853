"""Fault injection: runners and workers killed at random moments lose nothing and repeat nothing that is finished."""

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.cli.test_real import BNNECK, stored_ranks
from tests.cli.test_run import SIMULATED, query, start, wait_for, workers_of
from tests.conftest import Ablate

pytestmark = pytest.mark.slow

KILLS = 20


def test_killed_at_random_moments(ablate: Ablate, tmp_path: Path) -> None:
    """20 runners with two workers each, a kill each: every trial done once, ranks as in an undisturbed run."""
    options = ("--seeds", 30, "--set", "config.seconds=0.5", "--retry-failed")
    moments = random.Random(0)
    for kill in range(KILLS):
        running = start("run", SIMULATED, "--workers", 2, *options, folder=tmp_path)
        wait_for("SELECT 1 FROM ablate_attempts WHERE state = 'running'")
        time.sleep(moments.random())
        workers = workers_of(running.pid)
        os.kill(moments.choice([running.pid, *workers]), signal.SIGKILL)
        if kill % 3 == 2:
            running.kill()
        running.communicate(timeout=120)
    assert ablate("run", SIMULATED, "--workers", 1, "--seeds", 30, "--retry-failed").code == 0
    assert query("SELECT state, count(*) FROM results GROUP BY state") == [("done", 120)]
    assert query("SELECT count(*) FROM ablate_attempts WHERE state = 'running'") == [(0,)]
    done = "SELECT training_key FROM ablate_attempts WHERE state = 'done' GROUP BY training_key HAVING count(*) > 1"
    assert query(done) == [], "what is finished is not run again"
    ablate("run", SIMULATED, "--workers", 1, "--seeds", 30, "--store", "calm.db")
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

"""Fault injection: runners and workers killed at random moments lose nothing and repeat nothing that is finished."""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ablate.store import require_store
from tests.conftest import Ablate
from tests.support.command_line import start, stored_ranks, workers_of
from tests.support.examples import by_profile
from tests.support.paths import SIMULATED, TINY

pytestmark = pytest.mark.slow

RUNNERS, WORKERS = 4, 2


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store on either database."""
    if request.param == "postgresql":
        found: str = request.getfixturevalue("postgres")
        return found
    return f"sqlite:///{tmp_path}/results/ablate.db"


@pytest.mark.service
def test_never_twice_and_never_lost(ablate: Ablate, tmp_path: Path, url: str) -> None:
    """Runners and workers are killed at random while they share a study: each trial is done once, as in a calm run."""
    kills = by_profile(60, exhaustive=200)
    trials = 2 * kills
    victims = Chaos(url, tmp_path, random.Random(0), trials).killed(kills)
    assert len(victims) == kills, "the work lasted as long as the killing"
    found = require_store(url)
    with found.read() as connection:
        count = connection.exec_driver_sql
        blamed = count("SELECT reason FROM ablate_attempts WHERE state = 'failed'").scalars().all()
    assert all("attempts in a row" in reason for reason in blamed), blamed
    assert len(blamed) <= trials // 50, "nothing is wrong with them: few are killed again and again as they begin"
    assert ablate("run", SIMULATED, "--seeds", trials // 4, "--store", url, "--retry-failed").code == 0
    with found.read() as connection:
        count = connection.exec_driver_sql
        states = count("SELECT state, count(*) FROM results GROUP BY state").all()
        assert [tuple(row) for row in states] == [("done", trials)]
        assert count("SELECT count(*) FROM ablate_trainings WHERE state <> 'done' OR lease IS NOT NULL").scalar() == 0
        endings = {row[0]: row[1] for row in count("SELECT state, count(*) FROM ablate_attempts GROUP BY state")}
        assert endings["done"] == trials, endings
        assert set(endings) - {"failed"} == {"done", "lost", "abandoned"}
        assert endings["lost"] + endings["abandoned"] >= kills // 4, "many kills met a training"
        assert count("SELECT count(DISTINCT training_key) FROM ablate_attempts WHERE state = 'done'").scalar() == trials
        assert count("SELECT count(*) FROM ablate_results").scalar() == 2 * trials
    assert ablate("run", SIMULATED, "--workers", 2, "--seeds", trials // 4, "--store", "calm/ablate.db").code == 0
    assert ranks_of(url) == ranks_of("calm/ablate.db")


def ranks_of(url: str) -> list[tuple[object, ...]]:
    found = require_store(url)
    with found.read() as connection:
        query = "SELECT trial_key, name, content FROM ablate_artifacts ORDER BY trial_key, name"
        return [(key, split, bytes(ranks)) for key, split, ranks in connection.exec_driver_sql(query)]


class Chaos:
    """Four runners of two workers each, of which one or the other is killed again and again."""

    def __init__(self, url: str, folder: Path, moments: random.Random, trials: int) -> None:
        self.url, self.folder, self.moments, self.trials = url, folder, moments, trials
        self.runners = [self.start() for _ in range(RUNNERS)]

    def start(self) -> subprocess.Popen[str]:
        options = ("--workers", WORKERS, "--seeds", self.trials // 4, "--store", self.url)
        return start("run", SIMULATED, *options, "--set", "config.seconds=1.5", folder=self.folder)

    def killed(self, kills: int) -> list[int]:
        """Kills, lets the rest come to its end, and says whom it killed while there was work."""
        victims: list[int] = []
        while len(victims) < kills and all(runner.poll() is None for runner in self.runners):
            time.sleep(self.moments.uniform(0.1, 0.5))
            if self.moments.random() < 0.2:
                index = self.moments.randrange(RUNNERS)
                victims.append(self.runners[index].pid)
                self.runners[index].kill()
                self.runners[index].communicate(timeout=60)
                self.runners[index] = self.start()
                continue
            workers = [worker for runner in self.runners for worker in workers_of(runner.pid)]
            if workers:
                victims.append(self.moments.choice(workers))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victims[-1], signal.SIGKILL)
        ends = [(runner.communicate(timeout=300)[1], runner.returncode) for runner in self.runners]
        assert {code for _, code in ends} <= {0, 1}, ends  # 1: five kills in a row, before a checkpoint, are a failure
        return victims


@pytest.mark.network
def test_killed_trainings_go_on_from_their_checkpoints(ablate: Ablate, tmp_path: Path) -> None:
    """Real networks, runner and workers killed at once, again and again: the ranks of an undisturbed run."""
    settings = ("model.backbone=timm/test_resnet", "schedule.steps=150", "amp=bf16", "runtime.checkpoint_seconds=0")
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

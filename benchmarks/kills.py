"""What a SIGKILL costs: steps that are taken twice, and seconds.

    python benchmarks/kills.py

A real training runs twice with one worker: undisturbed, and with its worker killed KILLS times at random moments. The
time that a kill costs is the difference of the two, over the kills; the steps come from the store.
"""

import contextlib
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from machine import keep

ROOT = Path(__file__).parent.parent
KILLS = 6
STEPS = 500
CHECKPOINT_SECONDS = 4.0
SETTINGS = (
    f"config.schedule.steps={STEPS}",
    f"runtime.checkpoint_seconds={CHECKPOINT_SECONDS:g}",
    "config.model.backbone=resnet18",
    "config.amp=bf16",
    "config.data.size=[32, 32]",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        calm, killed = Path(folder) / "calm" / "ablate.db", Path(folder) / "killed" / "ablate.db"
        calm_seconds = timed(calm, lambda runner: None)
        killed_seconds = timed(killed, kill_at_random)
        equal = ranks(calm) == ranks(killed)
        attempts = query(killed, "SELECT state, resumed_at, step FROM ablate_attempts ORDER BY id")
    lost = [
        (before[2] or before[1], after[1])
        for before, after in itertools.pairwise(attempts)
        if before[0] in ("lost", "abandoned")
    ]
    repeated = sorted(at - resumed for at, resumed in lost)
    mean, most, a_step = sum(repeated) / len(repeated), repeated[-1], calm_seconds / STEPS
    lines = [
        f"A ResNet-18 at 32×32, {STEPS} steps, a checkpoint every {CHECKPOINT_SECONDS:g} s, one worker, killed by",
        f"SIGKILL at {len(lost)} random moments; its ranks at the end were {'equal' if equal else 'NOT EQUAL'} to an",
        "undisturbed run's.",
        "",
        f"- Steps taken twice, a kill: {mean:.0f} on average, {most} at most, which is {mean * a_step:.1f} s and",
        f"  {most * a_step:.1f} s of training. (How far a worker was is known to ten steps.)",
        f"- Seconds, a kill: {(killed_seconds - calm_seconds) / len(lost):.1f}, the new worker's start included",
        f"  ({killed_seconds:.0f} s against {calm_seconds:.0f} s undisturbed).",
    ]
    keep("kills", ["# What a SIGKILL costs", "", *lines])


def timed(store: Path, disturb: Callable[[subprocess.Popen[bytes]], None]) -> float:
    """Seconds that the training takes with its store there."""
    started = time.perf_counter()
    options = [word for setting in SETTINGS for word in ("--set", setting)]
    command = [sys.executable, "-m", "ablate", "run", "tests/studies/tiny.yaml", "--only", "plain", "--seeds", "1"]
    runner = subprocess.Popen([*command, *options, "--workers", "1", "--store", str(store)], cwd=ROOT)
    disturb(runner)
    assert runner.wait() == 0
    return time.perf_counter() - started


def kill_at_random(runner: subprocess.Popen[bytes]) -> None:
    moments = random.Random(0)
    for _ in range(KILLS):
        time.sleep(moments.uniform(12, 20))
        for worker in workers_of(runner.pid):
            os.kill(worker, signal.SIGKILL)


def workers_of(runner: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == runner and "spawn_main" in (path.parent / "cmdline").read_text():
                found.append(int(path.parent.name))
    return found


def ranks(store: Path) -> list[tuple[object, ...]]:
    return query(store, "SELECT name, content FROM ablate_artifacts ORDER BY name")


def query(store: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(store) as connection:
        return connection.execute(sql).fetchall()


if __name__ == "__main__":
    main()

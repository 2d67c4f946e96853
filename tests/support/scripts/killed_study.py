"""A study of a script whose runner, workers, scripts and guards are killed at random moments, until it is done."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ablate.trainers.command.watch.guard import all_processes, read_proc
from tests.support.command.watched_scripts import DAEMON, marked, wait_until
from tests.support.command_line import query, workers_of
from tests.support.paths import ROOT

SCRIPT = """
import os, pathlib, sys, time
<daemon>
lr, seed, mark = sys.argv[1:4]
folder = pathlib.Path(os.environ["ABLATE_DIR"])
def alive(process):
    try:
        words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\\0")
    except OSError:
        return False
    return mark.encode() in words
with open(folder / "processes", "a+") as file:
    file.seek(0)
    for process in file.read().split():
        if int(process) != os.getpid() and alive(process):
            (folder / "two at once").write_text(process)
    file.write(f"{os.getpid()}\\n")
session(mark)
daemon(mark)
for step in range(<steps>):
    time.sleep(0.05)
    (folder / "state").write_text(str(step))
    print("step", step)
print(f"acc: {0.5 + float(lr) / 10 + int(seed) / 1000:.4f}")
"""
"""It starts a process in another session and a daemon, saves its state, and gives a value that its config decides.

It notes its own process, and whether another one of the same training lives at the same time.
"""

STUDY = """
study: killed
trainer: {command: ["${python}", -S, -E, train.py, "${lr}", "${seed}", <mark>]}
metrics: {acc: {better: higher, unit: "%", from: "stdout:acc: ([0-9.]+)"}}
config: {lr: 0.1}
factors: {lr: {sets: lr, levels: [0.1, 0.2]}}
design: [{add_one: {from: {}}}]
seeds: <seeds>
runtime: {threads: 1, device: cpu}
"""

WEIGHTS = {"runner": 1, "worker": 2, "guard": 2, "script": 4}
"""{victim: how often it is chosen}."""


@dataclass
class KilledStudy:
    """A study in a folder, its runner, and the kills so far."""

    folder: Path
    trials: int
    workers: int
    random: random.Random
    seconds: float = 1.0
    """About the time of one script."""
    mark: str = field(default_factory=lambda: f"mark-{uuid.uuid4().hex}")
    kills: Counter[str] = field(default_factory=Counter)
    """{victim: kills}."""
    starts: int = 0
    """Starts of the runner."""

    def __post_init__(self) -> None:
        steps = max(1, round(self.seconds / 0.05))
        script = SCRIPT.replace("<daemon>", DAEMON).replace("<steps>", str(steps))
        (self.folder / "train.py").write_text(script)
        text = STUDY.replace("<mark>", self.mark).replace("<seeds>", str(self.trials // 2))
        (self.folder / "study.yaml").write_text(text)

    def run(self, pause: tuple[float, float], most: int) -> None:
        """Run the study to its end. Kill `most` processes, each after a pause of a random time between these two.

        If there were no end of kills, they would all hit the last training in the end.
        """
        runner = self.start()
        while True:
            try:
                code = runner.wait(self.random.uniform(*pause))
            except subprocess.TimeoutExpired:
                if self.kills.total() < most:
                    self._kill(runner)
                continue
            if code == 0:
                return
            assert code == -signal.SIGKILL, f"the run ended with {code}: {(self.folder / 'errors').read_text()[-2000:]}"
            runner = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the runner."""
        self.starts += 1
        command = [sys.executable, "-m", "ablate", "run", "study.yaml", "--workers", str(self.workers)]
        around = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (self.folder / "errors").open("ab") as errors:
            return subprocess.Popen(command, cwd=self.folder, env=around, stdout=errors, stderr=errors)

    def _kill(self, runner: "subprocess.Popen[bytes]") -> None:
        """Kill a process of a random kind, if there is one. Runners are killed least, as their start takes long."""
        (kind,) = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        victims = self.victims(runner.pid)[kind]
        if victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.random.choice(victims), signal.SIGKILL)
                self.kills[kind] += 1

    def victims(self, runner: int) -> dict[str, list[int]]:
        """Return {kind: process ids} of the processes of a runner."""
        workers = workers_of(runner)
        children = [each for each, its in all_processes().items() if its.parent in workers and its.is_alive]
        lines = {each: read_proc(f"{each}/cmdline", 1 << 16) for each in children}
        guards = [each for each in children if b"guard.py" in lines[each]]
        scripts = [each for each in children if b"train.py" in lines[each]]
        return {"runner": [runner], "worker": workers, "guard": guards, "script": scripts}

    def left(self) -> int:
        """Return the number of processes of scripts that are alive."""
        return len(marked(self.mark))

    def seconds_until_nothing_is_left(self) -> float:
        """Return the seconds until no process of a script is left."""
        return wait_until(lambda: not self.left())

    def twice_at_once(self) -> int:
        """Return the number of trainings of which two scripts ran at the same time."""
        return len(list((self.folder / "results" / "runs").glob("*/two at once")))

    def values(self) -> dict[tuple[str, int], list[float]]:
        """Return {(row, seed): the values of all its results}; one value each if all is right."""
        sql = "SELECT label, seed, value FROM metrics WHERE metric = 'acc' AND state = 'done' AND split = 'test'"
        found: dict[tuple[str, int], list[float]] = {}
        for label, seed, value in query(sql, str(self.folder / "results" / "ablate.db")):
            found.setdefault((str(label), int(str(seed))), []).append(float(str(value)))
        return found

    def expected_values(self) -> dict[tuple[str, int], list[float]]:
        """Return the values that the script computes, one for each row and seed."""
        rows = {"baseline": 0.1, "lr=0.2": 0.2}
        return {
            (label, seed): [float(f"{0.5 + lr / 10 + seed / 1000:.4f}")]
            for label, lr in rows.items()
            for seed in range(self.trials // 2)
        }

    def attempts(self) -> Counter[str]:
        """Return {end: number of attempts that ended so}."""
        rows = query("SELECT state FROM ablate_attempts", str(self.folder / "results" / "ablate.db"))
        return Counter(str(state) for (state,) in rows)

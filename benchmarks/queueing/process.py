"""Whole processes: how long they take, and how much memory they and their children hold."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_SECONDS = 0.2
MIB = 2**20


class FailedError(RuntimeError):
    """A process that did not end as it should, with the end of what it said."""


@dataclass(frozen=True)
class Sample:
    """The resident memory, in bytes, of a process and of each process below it, at a time since the epoch."""

    at: float
    own: int
    below: Sequence[int]


@dataclass(frozen=True)
class Finished:
    """`peak`: the most memory that the process itself held, in bytes; `out`: what it printed."""

    seconds: float
    peak: int
    samples: Sequence[Sample]
    out: str


def ablate(*words: object, sample: bool = False) -> Finished:
    """Runs a command of ours, of the code that lies beside this script; FailedError unless it ends well."""
    return watched([sys.executable, "-m", "ablate", *map(str, words)], sample=sample)


def watched(command: Sequence[str], cwd: Path = ROOT, sample: bool = False) -> Finished:
    """Runs a process to its end; FailedError unless it ends with 0."""
    with TemporaryFile("w+", encoding="utf-8") as out, TemporaryFile("w+", encoding="utf-8") as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        sampler = Sampler(process.pid)
        if sample:
            sampler.start()
        _, status, used = os.wait4(process.pid, 0)  # for it alone: `resource` would give the largest child so far
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        sampler.over.set()
        out.seek(0)
        err.seek(0)
        said = out.read()
        if process.returncode != 0:
            told = (said + err.read()).strip().splitlines()[-8:]
            raise FailedError(f"exit code {process.returncode} of {' '.join(command)}\n" + "\n".join(told))
        return Finished(seconds, used.ru_maxrss * 1024, sampler.samples, said)


class Sampler(threading.Thread):
    """Looks at the memory of a process and of those below it, now and then, until it is over."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.over = process, threading.Event()
        self.samples: list[Sample] = []

    def run(self) -> None:
        while not self.over.wait(SAMPLE_SECONDS):
            own = resident(self.process)
            if own:
                self.samples.append(Sample(time.time(), own, [resident(child) for child in below(self.process)]))


def below(process: int) -> Iterator[int]:
    """The processes that a process has started, and those that these have started."""
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _read(path).split():
            yield int(child)
            yield from below(int(child))


def resident(process: int) -> int:
    """Bytes; 0 for a process that is gone."""
    lines = dict(line.split(":", 1) for line in _read(Path(f"/proc/{process}/status")).splitlines())
    return int(lines.get("VmRSS", "0 kB").split()[0]) * 1024


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # it has just ended
        return ""

"""Scripts that tests run and watch, and the processes that are left of them."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from ablate.trainers.command.process import Channel, ProcessEnd, ProcessLimits, run_process
from ablate.trainers.command.watch.guard import all_processes, read_proc

LIMITS = ProcessLimits(timeout=30, stall_seconds=30, memory=None, grace=5)
"""Limits that a test reaches only if it fails."""

DAEMON = """
import os, subprocess, sys
def sleeper(mark): return [sys.executable, "-S", "-E", "-c", "import time; time.sleep(100)", mark]
def session(mark): subprocess.Popen(sleeper(mark), start_new_session=True)
def daemon(mark, **environment):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 1000)
            os.chdir("/")
            os.execve(sys.executable, sleeper(mark), environment)
        os._exit(0)
    os.wait()
"""
"""Functions for scripts: `session` starts a process in a session of its own, `daemon` one that has no parent either.

Both sleep, with a mark as their last argument. The daemon has closed its files and cleared its environment.
"""


def new_mark() -> str:
    """Return a word that no other process has among its arguments."""
    return f"mark-{uuid.uuid4().hex}"


def marked(mark: str) -> set[int]:
    """Return the live processes with the mark among their arguments."""
    alive = (process for process, its in all_processes().items() if its.is_alive)
    return {process for process in alive if mark.encode() in read_proc(f"{process}/cmdline", 1 << 16)}


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> float:
    """Wait until the condition holds. Return the seconds that it took; AssertionError if it takes too long."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "the condition does not hold in time"
        time.sleep(0.01)
    return time.monotonic() - began


def never() -> bool:
    """Return False: no stop is requested."""
    return False


def do_nothing() -> None:
    """Take no note of a sign of life."""


def python(code: str, *arguments: str) -> list[str]:
    """Return a command that runs code in a Python that starts fast."""
    return [sys.executable, "-S", "-E", "-c", code, *arguments]


def run(
    command: Sequence[str],
    limits: ProcessLimits = LIMITS,
    *,
    stopping: Callable[[], bool] = never,
    on_sign: Callable[[], None] = do_nothing,
    channel: Channel | None = None,
) -> ProcessEnd:
    """Run a command in the working folder, which is watched. Its output goes to the file `log` outside of it."""
    folder = Path.cwd() / "folder"
    folder.mkdir(exist_ok=True)
    return run_process(
        command,
        cwd=folder,
        environment=dict(os.environ),
        log=Path.cwd() / "log",
        watched=folder,
        limits=limits,
        stopping=stopping,
        on_sign=on_sign,
        channel=channel,
    )


def output() -> bytes:
    """Return the output of the scripts so far."""
    return (Path.cwd() / "log").read_bytes()


def start_worker(command: Sequence[str], prelude: str = "") -> "subprocess.Popen[bytes]":
    """Start a process that runs the prelude, and then the command as `run` does. It is a stand-in for a worker."""
    code = f"{prelude}\nfrom tests.support.command.watched_scripts import run\nprint(run({list(command)!r}))"
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

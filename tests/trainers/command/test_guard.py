"""A worker that is killed: its guard ends its scripts, and then itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablate.trainers.command.watch.guard import VARIABLE, read_proc, status
from ablate.trainers.command.watch.worker_guard import worker_guard
from tests.support.command.watched_scripts import (
    DAEMON,
    marked,
    new_mark,
    output,
    python,
    run,
    start_worker,
    wait_until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")

FAMILY = DAEMON + (
    "import time; subprocess.Popen(sleeper(sys.argv[1])); session(sys.argv[1]); "
    "daemon(sys.argv[1], **os.environ); time.sleep(100)"
)
"""A script with four processes: itself, a child, one in a session of its own, and a daemon."""

OVERWRITES = """
import ctypes, os, time
start, end = (int(each) for each in open("/proc/self/stat").read().rpartition(")")[2].split()[47:49])
ctypes.memset(start, 0, end - start)
if os.fork() == 0:
    os.setpgid(0, 0)
time.sleep(100)
"""
"""A script that removes the word from its environment, as those do that change their own name.

Then it starts a process in a group of its own, as shells do.
"""


def guards_of(worker: int) -> set[int]:
    """The live guards of a worker."""
    return {each for each in marked("guard.py") if parent(each) == worker}


def parent(process: int) -> int:
    its = status(process)
    return its.parent if its else 0


def is_alive(process: int) -> bool:
    its = status(process)
    return its is not None and its.is_alive


def start_family(mark: str, prelude: str = "") -> "subprocess.Popen[bytes]":
    """Start a worker that runs a script with four processes, and wait until they run."""
    worker = start_worker(python(FAMILY, mark), prelude)
    wait_until(lambda: len(marked(mark) - {worker.pid}) >= 4)
    return worker


def test_nothing_is_left_of_a_killed_worker() -> None:
    mark = new_mark()
    worker = start_family(mark)
    (guard,) = guards_of(worker.pid)
    worker.kill()
    worker.communicate(timeout=5)
    took = wait_until(lambda: not marked(mark))
    wait_until(lambda: not is_alive(guard))
    assert took < 3, "about a second, on a machine that is idle"


def test_a_script_that_has_overwritten_its_environment_dies_too() -> None:
    mark = new_mark()
    worker = start_worker(python(OVERWRITES, mark))
    wait_until(lambda: len([each for each in marked(mark) if not read_proc(f"{each}/environ").strip(b"\0")]) == 2)
    worker.kill()
    worker.communicate(timeout=5)
    wait_until(lambda: not marked(mark))


def test_a_guard_that_was_killed_is_replaced_while_the_script_runs() -> None:
    mark = new_mark()
    worker = start_family(mark)
    (first,) = guards_of(worker.pid)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(guards_of(worker.pid) - {first}) == 1)
    time.sleep(0.1)  # it reads which scripts run
    worker.kill()
    worker.communicate(timeout=5)
    wait_until(lambda: not marked(mark))


def test_a_guard_that_was_killed_is_replaced_before_the_next_script() -> None:
    run(["true"])
    first = worker_guard().process
    assert first is not None
    first.kill()
    first.wait()
    run(["true"])
    second = worker_guard().process
    assert second is not None
    assert is_alive(second.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_guard_ignores_the_signals_of_terminals_and_batch_systems(number: signal.Signals) -> None:
    run(["true"])
    guard = worker_guard().process
    assert guard is not None
    wait_until(
        lambda: bool(int(read_proc(f"{guard.pid}/status").partition(b"SigIgn:")[2].split()[0], 16) >> number - 1 & 1)
    )
    guard.send_signal(number)
    time.sleep(0.05)
    assert is_alive(guard.pid)


def test_a_guard_ends_with_its_worker() -> None:
    """And it does not keep the worker's output open, which a shell may wait for."""
    worker = start_worker(["true"], "import atexit, sys; atexit.register(sys.stdin.read)")
    assert worker.stdin is not None
    wait_until(lambda: len(guards_of(worker.pid)) == 1)
    (guard,) = guards_of(worker.pid)
    assert {str(Path(f"/proc/{guard}/fd/{file}").readlink()) for file in (1, 2)} == {os.devnull}
    worker.stdin.close()
    assert worker.wait(10) == 0
    wait_until(lambda: not is_alive(guard))


def test_a_process_that_was_forked_from_the_worker_does_not_keep_the_guard_from_its_work() -> None:
    """Such as the worker processes of a data loader, which have copies of all files of their parent."""
    mark = new_mark()
    prelude = "import os, time; from tests.support.command.watched_scripts import run; run(['true'])\n"
    prelude += "if os.fork() == 0: os.close(1); time.sleep(10); os._exit(0)"
    worker = start_worker(python(FAMILY, mark), prelude)
    wait_until(lambda: len(marked(mark) - {worker.pid}) == 5)
    worker.kill()
    worker.communicate(timeout=5)
    assert wait_until(lambda: len(marked(mark)) == 1) < 5
    (forked,) = marked(mark)
    os.kill(forked, signal.SIGKILL)


def test_the_scripts_of_a_worker_within_a_script_die_too() -> None:
    """The inner worker's guard is a process of the outer script, and is killed before it can do its work."""
    mark = new_mark()
    inner = f"from tests.support.command.watched_scripts import run; run({python(FAMILY, mark)!r})"
    worker = start_worker([sys.executable, "-c", inner])
    wait_until(lambda: len(marked(mark) - {worker.pid}) >= 5)
    worker.kill()
    worker.communicate(timeout=5)
    wait_until(lambda: not marked(mark))


def test_a_script_has_the_words_of_all_workers_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "outer.1 middle.2")
    run(["printenv", VARIABLE])
    *outer, own = output().decode().split()
    assert outer == ["outer.1", "middle.2"]
    assert own.startswith(worker_guard().word + ".")


def test_the_scripts_of_another_worker_stay() -> None:
    mine, other = new_mark(), new_mark()
    workers = [start_family(mine), start_family(other)]
    workers[0].kill()
    wait_until(lambda: not marked(mine))
    time.sleep(0.1)
    assert len(marked(other)) == 5
    workers[1].kill()
    wait_until(lambda: not marked(other))
    for worker in workers:
        worker.communicate(timeout=5)

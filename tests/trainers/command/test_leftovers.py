"""Processes that outlive their script, or try to: none is left, and none that is not the script's is touched."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ablate.trainers.command.process import EndedBy, ProcessEnd
from ablate.trainers.command.watch import family, guard, memory, running_script
from tests.support.command.watched_scripts import DAEMON, LIMITS, marked, new_mark, output, python, run, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")

STARTS = {
    "child": "subprocess.Popen(sleeper(sys.argv[1]))",
    "session": "session(sys.argv[1])",
    "daemon": "daemon(sys.argv[1], **os.environ)",
    "daemon without environment": "daemon(sys.argv[1])",
}
"""The ways in which a script starts a process that outlives it."""


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize(
    "lists_children", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["lists", "no lists"]
)
def test_what_outlives_a_script_is_killed(start: str, lists_children: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without the kernel's lists of children, which not every Linux has."""
    monkeypatch.setattr(family, "_lists_children", lambda: lists_children)
    mark = new_mark()
    end = run(python(DAEMON + start, mark))
    assert (end.exit_code, end.ended_by, end.orphans) == (0, EndedBy.ITSELF, 1)
    assert marked(mark) == set()
    assert end.seconds < 0.5, "the time of the script, not that of its daemon"


def test_what_ends_soon_after_its_script_may_do_so() -> None:
    """Such as the helper of Python's multiprocessing, which frees shared memory once its script has ended."""
    end = run(["sh", "-c", "(sleep 0.15; echo late) &"])
    assert (end.exit_code, end.orphans) == (0, 0)
    assert output() == b"late\n"


def test_a_stop_reaches_processes_that_have_left_the_group() -> None:
    mark = new_mark()
    code = DAEMON + "import time; session(sys.argv[1]); daemon(sys.argv[1], **os.environ); time.sleep(60)"
    end = run(python(code, mark), stopping=lambda: len(marked(mark)) == 3)
    assert (end.exit_code, end.ended_by, end.orphans) == (-signal.SIGTERM, EndedBy.STOP, 0)
    assert marked(mark) == set()


def test_a_daemon_that_ignores_a_stop_is_killed_after_the_time_of_grace() -> None:
    mark = new_mark()
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    code = DAEMON + ignore + "session(sys.argv[1]); signal.signal(signal.SIGTERM, signal.SIG_DFL); time.sleep(60)"
    began = time.monotonic()
    end = run(python(code, mark), replace(LIMITS, grace=0.3), stopping=lambda: len(marked(mark)) == 2)
    assert (end.exit_code, end.ended_by, end.orphans) == (-signal.SIGTERM, EndedBy.STOP, 1)
    assert time.monotonic() - began > 0.3
    assert marked(mark) == set()


def test_an_error_of_the_caller_leaves_no_process() -> None:
    mark = new_mark()

    def fail() -> bool:
        if len(marked(mark)) < 2:
            return False
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(python(DAEMON + "import time; daemon(sys.argv[1], **os.environ); time.sleep(60)", mark), stopping=fail)
    assert marked(mark) == set()


@pytest.mark.slow
def test_processes_that_are_not_the_scripts_stay() -> None:
    """Children that this process had before, and those that another of its threads starts meanwhile."""
    before, meanwhile = new_mark(), new_mark()
    processes = [subprocess.Popen(python("import time; time.sleep(60)", before))]

    def start() -> None:
        processes.append(subprocess.Popen(python("import time; time.sleep(60)", meanwhile), start_new_session=True))

    thread = threading.Timer(0.1, start)
    thread.start()
    mark = new_mark()
    end = run(python(DAEMON + "import time; time.sleep(0.4); daemon(sys.argv[1], **os.environ)", mark))
    thread.join()
    assert end.orphans == 1
    assert [process.poll() for process in processes] == [None, None]
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_scripts_of_two_threads_do_not_end_each_other() -> None:
    ends: list[ProcessEnd] = []
    threads = [threading.Thread(target=lambda s=s: ends.append(run(["sleep", s]))) for s in ("0.1", "0.9")]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    assert run(["true"]).orphans == 0
    for thread in threads:
        thread.join()
    assert [(end.exit_code, end.orphans) for end in ends] == [(0, 0)] * 2


def test_afterwards_orphans_are_no_longer_adopted() -> None:
    """A notebook would never free their process ids."""
    run(["true"])
    mark = new_mark()
    subprocess.run(python(DAEMON + "daemon(sys.argv[1])", mark), check=True)
    wait_until(lambda: len(marked(mark)) == 1)
    (daemon,) = marked(mark)
    parent = Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(daemon, signal.SIGKILL)
    assert int(parent) != os.getpid()


def test_without_proc_the_group_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on other systems than Linux. They have no notice of the end either, and no adoption."""
    monkeypatch.setattr(family, "_lists_children", lambda: False)
    monkeypatch.setattr(family, "_adopt", lambda does: None)
    for module in (guard, family, memory):
        monkeypatch.setattr(module, "read_proc", lambda path, most=0: b"")
    monkeypatch.setattr(running_script, "_end_notice", lambda process: None)
    mark = new_mark()
    end = run(python(DAEMON + "subprocess.Popen(sleeper(sys.argv[1])); sys.exit(3)", mark))
    assert (end.exit_code, end.ended_by, end.orphans, end.memory_kills) == (3, EndedBy.ITSELF, 0, 0)
    end = run(python(DAEMON + "subprocess.Popen(sleeper(sys.argv[1])).wait()", mark), replace(LIMITS, timeout=0.3))
    assert (end.exit_code, end.ended_by) == (-signal.SIGTERM, EndedBy.TIMEOUT)
    monkeypatch.undo()
    wait_until(lambda: not marked(mark))


def in_worker(mark: str, ends: "multiprocessing.SimpleQueue[object]") -> None:
    """Run a script whose daemon has left everything by which it could be recognized."""
    end = run(python(DAEMON + "daemon(sys.argv[1])", mark))
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    ends.put((end.exit_code, end.orphans, len(children)))


@pytest.mark.slow
def test_a_worker_kills_a_daemon_that_has_cleared_its_environment() -> None:
    mark, context = new_mark(), multiprocessing.get_context("spawn")
    ends = context.SimpleQueue()
    worker = context.Process(target=in_worker, args=(mark, ends))
    worker.start()
    worker.join()
    assert ends.get() == (0, 1, 1), "and its only child is the guard"
    assert marked(mark) == set()


def guards_of(worker: int | None) -> set[int]:
    """Return the live guards of a worker."""
    return {each for each in marked("guard.py") if (its := guard.status(each)) and its.parent == worker}


def run_for_long(mark: str) -> None:
    """Run a script that has a daemon without an environment, and that sleeps then."""
    run(python(DAEMON + "daemon(sys.argv[1]); import time; time.sleep(100)", mark))


@pytest.mark.slow
@pytest.mark.parametrize("kills_guard", [False, True])
def test_the_guard_kills_such_a_daemon_of_a_killed_worker(kills_guard: bool) -> None:
    mark = new_mark()
    worker = multiprocessing.get_context("spawn").Process(target=run_for_long, args=(mark,))
    worker.start()
    wait_until(lambda: len(marked(mark)) == 2)
    if kills_guard:
        (first,) = guards_of(worker.pid)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: bool(guards_of(worker.pid) - {first}))
    worker.kill()
    worker.join()
    wait_until(lambda: not marked(mark))


def children() -> set[str]:
    """Return the children of this thread: the tests' own helpers among them."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.slow
def test_many_orphans_that_end_meanwhile_are_freed() -> None:
    code = "import os, time\nfor i in range(50):\n  if os.fork() == 0:\n    os.fork()\n    os._exit(0)\n"
    before, counts = children(), list[int]()

    def count() -> bool:
        counts.append(len(children() - before))
        return False

    run(python(code + "  os.wait()\ntime.sleep(0.9)"), stopping=count)
    assert counts[-1] <= counts[0]
    assert counts[-1] <= 2, "the script and the guard"

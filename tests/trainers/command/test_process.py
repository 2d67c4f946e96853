"""The start of a script, its output, and how it ended."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ablate.trainers.command.process import EndedBy, run_process
from ablate.trainers.command.watch import memory, running_script
from tests.support.command.watched_scripts import LIMITS, do_nothing, never, output, python, run


@pytest.mark.parametrize("code", [0, 1, 75, 255])
def test_a_script_ends_with_its_exit_code(code: int) -> None:
    end = run(["sh", "-c", f"exit {code}"])
    assert (end.exit_code, end.ended_by, end.orphans) == (code, EndedBy.ITSELF, 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_script_that_a_signal_ended_has_its_negative_number(number: signal.Signals) -> None:
    end = run(["sh", "-c", f"kill -{number:d} $$"])
    assert (end.exit_code, end.ended_by) == (-number, EndedBy.ITSELF)


def test_all_output_is_in_the_log_in_its_order_and_byte_by_byte() -> None:
    code = "import os\nfor i in range(50): os.write(1 + i % 2, b'%d \\xff\\xfe\\0\\r\\n' % i)"
    run(python(code))
    run(["sh", "-c", "echo more"])
    assert output() == b"".join(b"%d \xff\xfe\0\r\n" % i for i in range(50)) + b"more\n"


def test_a_script_has_its_folder_its_environment_and_nothing_to_read(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), os.environ['GREETING'], 'HOME' in os.environ, repr(sys.stdin.read()))"
    environment, log = {"GREETING": "hello"}, tmp_path / "log"
    run_process(
        python(code),
        cwd=tmp_path,
        environment=environment,
        log=log,
        watched=tmp_path,
        limits=LIMITS,
        stopping=never,
        on_sign=do_nothing,
    )
    assert log.read_text() == f"{tmp_path} hello False ''\n"


def test_a_script_inherits_no_file_and_no_ignored_signal() -> None:
    """A worker ignores SIGTERM and SIGINT. A script that inherited this could not be stopped."""
    before = [signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
    try:
        end = run(["sh", "-c", "ls /proc/self/fd | wc -w; grep SigIgn /proc/self/status; exit 3"])
        kept = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
    finally:
        for each, handler in zip((signal.SIGINT, signal.SIGTERM, signal.SIGCHLD), before, strict=True):
            signal.signal(each, handler)
    files, ignored = output().decode().split("\n")[:2]
    assert int(files) == 4, "its three, and the folder that is listed"
    of_signals = sum(1 << (each - 1) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD))
    assert int(ignored.split()[1], 16) & of_signals == 0
    assert end.exit_code == 3, "though SIGCHLD was ignored, with which the kernel keeps no exit code"
    assert kept == [signal.SIG_IGN] * 3


def test_a_script_that_cannot_be_started_raises_the_reason(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("text")
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run(["no-such-program"])
    with pytest.raises(PermissionError, match="plain"):
        run([str(plain)])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run_process(
            ["true"],
            cwd=tmp_path / "nowhere",
            environment={},
            log=tmp_path / "log",
            watched=tmp_path,
            limits=LIMITS,
            stopping=never,
            on_sign=do_nothing,
        )
    assert run(["true"]).exit_code == 0


def test_many_short_scripts_leave_no_zombie_and_no_open_file() -> None:
    run(["true"])
    before = files(), children()
    for _ in range(100):
        run(["true"])
    assert (files(), children()) == before


def test_the_end_of_a_short_script_is_noticed_at_once() -> None:
    """A look at fixed times would take a quarter of a second for each. A benchmark measures the milliseconds."""
    run(["true"])
    began = time.perf_counter()
    for _ in range(20):
        subprocess.run(["true"], check=True)
    between = time.perf_counter()
    for _ in range(20):
        run(["true"])
    assert (time.perf_counter() - between) - (between - began) < 20 * 0.1


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
@pytest.mark.slow
def test_the_peak_memory_is_that_of_the_script_though_this_process_is_larger() -> None:
    """Linux counts for a child, to begin with, the memory of its parent."""
    ballast = b"1" * (120 << 20)
    ready: list[bool] = []

    def was_looked_at() -> bool:
        ready.append(output() == b"ready\n")
        return ready[-3:] == [True] * 3

    end = run(
        python("import time; x = b'1' * (50 << 20); print('ready', flush=True); time.sleep(60)"), stopping=was_looked_at
    )
    assert end.peak_memory is not None
    assert 50 << 20 < end.peak_memory < 80 << 20
    larger = memory.peak(os.getpid()) + (100 << 20)
    end = run(python(f"x = b'1' * {larger}"))
    assert end.peak_memory is not None
    assert larger < end.peak_memory < larger + (30 << 20), "of a short script that is larger, the kernel's count"
    assert len(ballast) == 120 << 20


def test_without_notices_of_the_end_a_script_is_polled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_script, "_end_notice", lambda process: None)
    ends = [run(["sh", "-c", f"sleep 0.05; exit {code}"]) for code in (0, 7)]
    assert [end.exit_code for end in ends] == [0, 7]
    assert all(0.05 <= end.seconds < 1 for end in ends)


class Messages:
    """A channel on which a script sends bytes."""

    def __init__(self) -> None:
        self.ours, theirs = socket.socketpair()
        self.theirs = theirs
        self.child_fds: Sequence[int] = [theirs.fileno()]
        self.received = b""

    def fileno(self) -> int:
        return self.ours.fileno()

    def receive(self) -> None:
        self.received += self.ours.recv(1 << 16)
        self.ours.send(b"answer")


def test_messages_arrive_at_once_up_to_the_last_and_are_signs_of_life() -> None:
    channel, signs = Messages(), []
    code = (
        "import os, time\nfor i in range(4):\n  os.write({0}, b'm'); os.read({0}, 9); time.sleep(0.15)\n"
        "os.write({0}, b'last')"
    ).format(channel.theirs.fileno())
    began = time.monotonic()
    end = run(python(code), on_sign=lambda: signs.append(time.monotonic() - began), channel=channel)
    assert end.exit_code == 0
    assert channel.received == b"mmmmlast"
    assert 1 <= len(signs) <= 4
    channel.ours.close()
    channel.theirs.close()


def test_a_channel_that_is_closed_costs_no_time() -> None:
    """A closed socket is readable for ever. The processor's time of this process shows if it is read for ever."""
    channel = Messages()
    channel.theirs.close()
    channel.child_fds = []
    channel.ours.setblocking(False)
    channel.receive = lambda: None  # type: ignore[method-assign]
    before = time.process_time()
    run(["sleep", "0.5"], channel=channel)
    assert time.process_time() - before < 0.1
    channel.ours.close()


def files() -> int:
    """The open files of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def children() -> list[str]:
    """The children of this process, those that have ended and were not freed included."""
    return sorted(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())

"""The first process of a script, as a child of this process: its start, its messages and its end."""

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from ablate.trainers.command.watch.family import libc

RESET = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)
"""Signals with which a script starts as if this process did not ignore them."""

SHORTEST_POLL, LONGEST_POLL = 0.001, 0.02
"""Seconds between two looks for the end on a system that cannot notify of it."""


class Channel(Protocol):
    """A connection between this process and a script."""

    child_fds: Sequence[int]
    """File descriptors that the script inherits, under the same numbers. They stay open here until it has ended."""

    def fileno(self) -> int:
        """Return the file descriptor that is readable when there is a message."""

    def receive(self) -> None:
        """Read all that is there. It is called each time that the file descriptor is readable."""


class RunningScript:
    """The first process of a script. Each of its objects must be reaped, and then closed."""

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        output: int,
        channel: Channel | None,
        inherited_fds: Sequence[int] = (),
    ) -> None:
        """Start the script in a session of its own. `output`: the open file for its output. OSError if it cannot be."""
        self.channel = channel
        self.began = time.monotonic()
        self.ended: float | None = None
        """When its end was noticed, on the same clock as `began`; None before."""
        self.messages = 0
        """The number of times that there was something on the channel."""
        files = [channel.fileno()] if channel else []
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=environment,
            start_new_session=True,
            pass_fds=(*(channel.child_fds if channel else ()), *inherited_fds),
        )
        self.pid = self._process.pid
        self._usage: resource.struct_rusage | None = None
        self._poll = select.poll()
        self._end = _end_notice(self.pid)
        for file in (
            files if self._end is None else [self._end, *files]
        ):  # the end first: no message before it is missed
            self._poll.register(file, select.POLLIN)

    @property
    def age(self) -> float:
        """The seconds since its start; once it has ended, those to its end."""
        return (self.ended or time.monotonic()) - self.began

    def wait(self, seconds: float) -> bool:
        """Wait for the end, and pass messages on meanwhile. Return True if the process has ended."""
        deadline, pause = time.monotonic() + seconds, SHORTEST_POLL
        while self.ended is None:
            left = max(0.0, deadline - time.monotonic())
            self._listen(left if self._end is not None else min(left, pause))
            if self._end is None and self._try_to_reap(os.WNOHANG):
                self.ended = time.monotonic()
                self._listen(0)
            if time.monotonic() >= deadline:
                break
            pause = min(2 * pause, LONGEST_POLL)
        return self.ended is not None

    def reap(self) -> tuple[int, resource.struct_rusage]:
        """Wait until the process has ended. Return its exit code, -N for signal N, and the resources that it used."""
        while self._usage is None:
            self._try_to_reap(0)
        self.ended = self.ended or time.monotonic()
        return self._process.returncode, self._usage

    def close(self) -> None:
        """Close the notice of the end."""
        if self._end is not None:
            os.close(self._end)

    def _listen(self, seconds: float) -> None:
        """Wait for an event, at most some seconds, and act on it."""
        for file, event in sorted(self._poll.poll(1000 * seconds), key=lambda each: each[0] == self._end):
            if file == self._end:
                self.ended = time.monotonic()
            elif self.channel is not None:
                if event != select.POLLIN:  # closed at the other end: it would be readable for ever
                    self._poll.unregister(file)
                self.messages += 1
                self.channel.receive()

    def _try_to_reap(self, flags: int) -> bool:
        """Return True if the process has ended and its resources are noted."""
        if self._usage is None:
            process, state, usage = os.wait4(self.pid, flags)
            if process == self.pid:
                self._usage, self._process.returncode = usage, os.waitstatus_to_exitcode(state)
        return self._usage is not None


def _end_notice(process: int) -> int | None:
    """Return a file descriptor that is readable once a child has ended; None if this system has no such thing.

    Python's `os.pidfd_open`, which the Pythons of conda and uv do not have: https://github.com/python-trio/trio/issues/2855.
    The number is the same on all kinds of processors.
    """
    file = libc().syscall(_PIDFD_OPEN, process, 0) if sys.platform == "linux" else -1
    return file if file >= 0 else None


_PIDFD_OPEN = 434


@contextlib.contextmanager
def default_signals() -> Iterator[None]:
    """Do nothing on RESET signals that are ignored, while the block runs. Other handlers stay.

    A program inherits that a signal is ignored, but no handler. A worker ignores SIGTERM, with which scripts are
    stopped. And if SIGCHLD is ignored, no exit code is kept. Only the main thread can change handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ignored = [each for each in RESET if signal.getsignal(each) == signal.SIG_IGN]
    for each in ignored:
        signal.signal(each, _do_nothing)
    try:
        yield
    finally:
        for each in ignored:
            signal.signal(each, signal.SIG_IGN)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Handle a signal."""

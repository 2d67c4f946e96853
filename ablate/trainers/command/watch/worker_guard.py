"""The worker's side of its guard: it is started at the first script, and again if it has died."""

import contextlib
import os
import resource
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ablate.trainers.command.watch import guard
from ablate.trainers.command.watch.guard import BEGUN, ENDED, VARIABLE


@dataclass
class WorkerGuard:
    """The guard of this process. See `guard.py`."""

    word: str = field(default_factory=lambda: secrets.token_hex(16))
    """The word with which the words of this process's scripts begin."""
    tag: int = field(default_factory=lambda: 10**17 + secrets.randbelow(10**17))
    """The limit of file locks by which the descendants of a worker are recognized."""
    scripts: set[int] = field(default_factory=set)
    """The process ids of the scripts that run now."""
    process: subprocess.Popen[bytes] | None = None
    """The guard; None before the first script."""
    pipe: int = -1
    """The end of the pipe that only this process has. Scripts do not inherit it."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ensure(self) -> int:
        """Start the guard if there is none or it has died. Return its process id. OSError if it cannot be started."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.close()
                self.process, self.pipe = _start(self.word, self.tag)
                for script in tuple(self.scripts):
                    self._send(BEGUN, script)
            return self.process.pid

    def begun(self, script: int) -> None:
        """Report a script that has been started. Its process id is that of its session too."""
        self.scripts.add(script)
        self._send(BEGUN, script)

    def ended(self, script: int) -> None:
        """Report a script of which no process is left."""
        self.scripts.discard(script)
        self._send(ENDED, script)

    def tag_descendants(self) -> None:
        """Give the tag to this process, and so to all that it starts from now on. Nothing is done if it has limits."""
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(_RLIMIT_LOCKS)
            resource.setrlimit(_RLIMIT_LOCKS, (self.tag, hard))

    def close(self) -> None:
        """Close this process's end of the pipe, at which the guard ends once no other process has it."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1

    def _send(self, event: bytes, script: int) -> None:
        with contextlib.suppress(OSError):  # it has died, or was stopped and reads nothing: then the word must do
            os.write(self.pipe, event + b"%d\n" % script)


def _start(word: str, tag: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start a guard. Return it, and the end of its pipe that this process keeps."""
    theirs, ours = os.pipe()
    os.set_blocking(ours, False)
    around = {name: value for name, value in os.environ.items() if name == VARIABLE}
    command = [sys.executable, "-I", "-S", str(Path(guard.__file__)), word, str(tag)]
    try:
        process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=around,
            start_new_session=True,
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return process, ours


_RLIMIT_LOCKS = 10 if sys.platform == "linux" else -1
"""Linux's RLIMIT_LOCKS, the same on all kinds of processors. Python has no name for it."""


def with_word(environment: Mapping[str, str], word: str) -> dict[str, str]:
    """Return the environment of a script with its word, after those of the scripts around this process."""
    return {**environment, VARIABLE: " ".join([*os.environ.get(VARIABLE, "").split(), word])}


_of_this_process = WorkerGuard()


def worker_guard() -> WorkerGuard:
    """Return the guard of this process."""
    return _of_this_process


def _forget() -> None:
    """Leave the guard to the parent, in a process that was forked from it: an open pipe would keep the guard alive."""
    global _of_this_process
    _of_this_process.close()
    _of_this_process = WorkerGuard()


os.register_at_fork(after_in_child=_forget)

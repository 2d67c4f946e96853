"""The worker's side of its guard: it is started at the first script, and again if it has died."""

import contextlib
import os
import resource
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ablate.trainers.command.watch import guard
from ablate.trainers.command.watch.guard import BEGUN, ENDED, VARIABLE


@dataclass
class WorkerGuard:
    """The guard of this process. See `guard.py`."""

    word: str = field(default_factory=lambda: secrets.token_hex(16))
    """The word with which the words of this process's scripts begin."""
    scripts: dict[int, int] = field(default_factory=dict)
    """{process id: tag} of the scripts that run now."""
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
                self.process, self.pipe = _start(self.word)
                for script in tuple(self.scripts.items()):
                    self._send(BEGUN, *script)
            return self.process.pid

    def begun(self, script: int, tag: int) -> None:
        """Report a script that has been started with a tag. Its process id is that of its session too."""
        self.scripts[script] = tag
        self._send(BEGUN, script, tag)

    def ended(self, script: int) -> None:
        """Report a script of which no process is left."""
        self.scripts.pop(script, None)
        self._send(ENDED, script)

    def close(self) -> None:
        """Close this process's end of the pipe, at which the guard ends once no other process has it."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1

    def _send(self, event: bytes, *numbers: int) -> None:
        with contextlib.suppress(OSError):  # it has died, or was stopped and reads nothing: then the word must do
            os.write(self.pipe, event + " ".join(map(str, numbers)).encode() + b"\n")


def _start(word: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a guard. Return it, and the end of its pipe that this process keeps."""
    theirs, ours = os.pipe()
    os.set_blocking(ours, False)
    around = {name: value for name, value in os.environ.items() if name == VARIABLE}
    command = [sys.executable, "-I", "-S", str(Path(guard.__file__)), word]
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


@contextlib.contextmanager
def tagging(tag: int) -> Iterator[None]:
    """Give a tag to the processes that are started while the block runs. Nothing is done on another system."""
    try:
        before = resource.getrlimit(_RLIMIT_LOCKS)
        resource.setrlimit(_RLIMIT_LOCKS, (tag, before[1]))
    except (OSError, ValueError):  # ValueError if there is no such limit, or it is lower
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(_RLIMIT_LOCKS, before)


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

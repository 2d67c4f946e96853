"""The lock of a training's folder, so that two attempts at a training never run in it at the same time.

A runner that was suspended loses its lease to another one, but its script goes on. And when a worker is killed, its
script dies a moment later. The lock belongs to the script: it inherits the open file, and ends the lock with itself.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ablate.trainers.measuring.files import OWN
from ablate.trainers.protocol import Stopped

NAME = f"{OWN}lock"
WAIT_SECONDS = 30.0
"""How long an attempt waits for the script of an earlier one to end."""
PAUSE_SECONDS = 0.02


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[int]:
    """Make a folder, hold its lock while the block runs, and yield the file descriptor for the script to inherit.

    Stopped if another script holds it for WAIT_SECONDS: then the training is queued again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not _is_locked(file):
            if time.monotonic() > deadline:
                raise Stopped(f"as the script of an earlier attempt still runs in {folder}")
            time.sleep(PAUSE_SECONDS)
        yield file
    finally:
        os.close(file)


def _is_locked(file: int) -> bool:
    """Take the lock if it is free. Return False if it is not; True too on a file system without locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True

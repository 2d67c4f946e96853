"""One process at a time."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Holds a lock on a file that is made for it and removed afterwards; waits, and says so, while another has it.

    The lock ends with its process, however that ends. OSError if the file cannot be made.
    """
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _lock(file, path, say) or _is(file, path):
                break
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # who had the lock has removed the file: a lock on that keeps nobody out
    try:
        yield
    finally:
        try:
            path.unlink(missing_ok=True)
        finally:
            os.close(file)


def _lock(file: int, path: Path, say: Callable[[str], None]) -> bool:
    """Whether the lock is held: False where the file system has none."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"another process is at the same: waiting for it ({path})")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        say(f"warning: no locks on this file system ({path}: {error.strerror}); prepare from one process at a time")
        return False
    return True


def _is(file: int, path: Path) -> bool:
    """Whether the open file is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False

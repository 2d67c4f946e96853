"""The processes below a process: its children, and its orphaned descendants, which the kernel gives to it."""

import contextlib
import ctypes
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache

from ablate.trainers.command.watch.guard import all_processes, read_proc

MOST_CHILDREN = 1 << 20
"""More bytes than a list of children has."""

_PR_SET_CHILD_SUBREAPER = 36


def child_lookup() -> Callable[[int], list[int]]:
    """Return a function from a process id to those of its children. Use it at once, as processes come and go."""
    if _lists_children():
        return _listed_children
    by_parent: dict[int, list[int]] = defaultdict(list)
    for process, its in all_processes().items():
        by_parent[its.parent].append(process)
    return lambda process: by_parent[process]


@lru_cache
def _lists_children() -> bool:
    """Return True if Linux was built with lists of children."""
    return os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children")  # noqa: PTH110


def _listed_children(process: int) -> list[int]:
    """Return the children of a process. Linux has a list for each thread, and gives an orphan to any of them."""
    try:
        threads = os.listdir(f"/proc/{process}/task")  # noqa: PTH208
    except OSError:
        return []
    lists = (read_proc(f"{process}/task/{thread}/children", MOST_CHILDREN) for thread in threads)
    return [int(child) for each in lists for child in each.split()]


@lru_cache
def libc() -> ctypes.CDLL:
    """Return the C library, for calls of the kernel that Python does not have."""
    return ctypes.CDLL(None)


def _adopt(does: bool) -> None:
    """Ask the kernel to make orphaned descendants children of this process, or no longer."""
    with contextlib.suppress(OSError, AttributeError):  # not on Linux
        libc().prctl(_PR_SET_CHILD_SUBREAPER, int(does), 0, 0, 0)


class _Adoption:
    """The number of scripts of this process that run now, in all its threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.scripts = 0

    def change(self, by: int) -> None:
        """Count a script more or less. Adopt orphans as long as there is one."""
        with self.lock:
            self.scripts += by
            if (self.scripts > 0) != (self.scripts - by > 0):
                _adopt(self.scripts > 0)


_adoption = _Adoption()


@contextlib.contextmanager
def adopting_orphans() -> Iterator[None]:
    """Become the parent of each process below this one that loses its own, while the block runs.

    Not longer, as a notebook would never free the process ids of other orphans.
    """
    _adoption.change(1)
    try:
        yield
    finally:
        _adoption.change(-1)

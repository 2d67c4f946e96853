"""The memory of a script: now, at its peak, and whether the kernel has killed processes for want of it."""

import re
import resource
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ablate.trainers.command.watch.guard import read_proc

PAGE = resource.getpagesize()
RUSAGE_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which `getrusage` and `wait4` count memory."""

CONTROL_GROUPS = Path("/sys/fs/cgroup")


def resident(processes: Iterable[int], limit: int) -> int:
    """Return the bytes of memory of processes together; exact only if the quick sum is above the limit.

    The quick sum counts memory that forked processes share once for each of them. So if that is too much, the kernel
    is asked for proportional sizes, which takes milliseconds.
    """
    processes = list(processes)
    quick = sum(map(_resident, processes))
    return quick if quick <= limit else sum(map(_proportional, processes))


def _resident(process: int) -> int:
    fields = read_proc(f"{process}/statm").split()
    return int(fields[1]) * PAGE if fields else 0


def _proportional(process: int) -> int:
    """Return the memory of a process, with a part of that which it shares; all of that if Linux does not show it."""
    size = re.search(rb"^Pss:\s*(\d+) kB$", read_proc(f"{process}/smaps_rollup"), re.MULTILINE)
    return int(size[1]) * 1024 if size else _resident(process)


def peak(process: int) -> int:
    """Return the most memory that a process has had resident since it runs its program, in bytes; 0 if unknown."""
    size = re.search(rb"^VmHWM:\s*(\d+) kB$", read_proc(f"{process}/status"), re.MULTILINE)
    return int(size[1]) * 1024 if size else 0


def final_peak(usage: resource.struct_rusage, inherited: int, seen: int) -> int | None:
    """Return the peak of the largest process of a script that has ended, in bytes; None if it is not known.

    Linux begins to count with the memory of the process that started the script: `inherited`. Only a greater value
    is the script's own. Else `seen` is, the largest value of `peak` while it ran.
    """
    counted = usage.ru_maxrss * RUSAGE_UNIT
    return counted if counted > inherited else seen or None


def memory_kills() -> int:
    """Return how many processes of this process's control group the kernel has killed for want of memory.

    0 if that is not known. See `memory.events` in the kernel's description of control groups, and version 1's
    `memory.oom_control`.
    """
    file = _kills_file()
    count = re.search(rb"^oom_kill (\d+)$", file.read_bytes() if file else b"", re.MULTILINE)
    return int(count[1]) if count else 0


@lru_cache
def _kills_file() -> Path | None:
    return kills_file(read_proc("self/cgroup").decode(errors="replace"), CONTROL_GROUPS)


def kills_file(groups: str, mounted: Path) -> Path | None:
    """Return the file that counts kills, from the content of /proc/self/cgroup; None if there is none.

    In a container, the path there can be that of the host, while the container's own group lies at the top.
    """
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            tops, name = [mounted, mounted / "unified"], "memory.events"
        elif "memory" in controllers.split(","):
            tops, name = [mounted / "memory"], "memory.oom_control"
        else:
            continue
        for file in (folder / name for top in tops for folder in (top / path.lstrip("/"), top)):
            if file.is_file():
                return file
    return None

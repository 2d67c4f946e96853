"""Who holds a lease, and whether that is a process of this machine which is gone."""

import os
import socket
from functools import lru_cache
from pathlib import Path


def owner() -> str:
    """This process, as people read it: host and number."""
    return f"{socket.gethostname()}:{os.getpid()}"


def process() -> str:
    """This process, as `is_gone` reads it: the machine, the number, and when it began, as numbers are given again."""
    return f"{_machine()} {os.getpid()} {_began(os.getpid())}"


def is_gone(process: str | None) -> bool:
    """Whether a process of this machine is dead. Of another machine's, or of another container's, nothing is known."""
    machine, _, rest = (process or "").partition(" ")
    if machine != _machine():
        return False
    number, _, began = rest.partition(" ")
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # somebody else's, and alive
    return _stat(int(number), 0) == "Z" or _began(int(number)) != began


@lru_cache
def _machine() -> str:
    """Differs between hosts, boots of a host, and containers that count their processes apart."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _began(number: int) -> str:
    """When a process began, in the kernel's ticks since boot; 0 where that cannot be known."""
    return _stat(number, 19) or "0"


def _stat(number: int, field: int) -> str | None:
    """A field of /proc/PID/stat, counted from the state, which follows the name in brackets; see proc(5)."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[field]
    except (OSError, IndexError):
        return None

"""The identity of a process: for people, and to find out if it is a process of this machine that has ended."""

import os
import socket
from functools import lru_cache
from pathlib import Path


def owner() -> str:
    """Return this process as people read it: `host:pid`."""
    return f"{socket.gethostname()}:{os.getpid()}"


def process() -> str:
    """Return this process as `is_gone` reads it: machine, pid, and start time, as pids are reused."""
    return _identity(os.getpid())


@lru_cache(maxsize=1)
def _identity(own: int) -> str:
    """Return the identity of this process, whose number is `own`; read once, as every claim writes it."""
    return f"{_machine()} {own} {_began(own)}"


def is_gone(process: str | None) -> bool:
    """Return True if this is a process of this machine and has ended.

    A process of another machine or another container cannot be checked, so it counts as alive.
    """
    machine, _, rest = (process or "").partition(" ")
    if machine != _machine():
        return False
    number, _, began = rest.partition(" ")
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # a process of another user, which is alive
    return _stat(int(number), 0) == "Z" or _began(int(number)) != began


@lru_cache
def _machine() -> str:
    """Return a name that differs between hosts, boots of a host, and containers with pids of their own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _began(number: int) -> str:
    """Return the start time of a process in the kernel's clock ticks since boot; 0 if it cannot be read."""
    return _stat(number, 19) or "0"


def _stat(number: int, field: int) -> str | None:
    """Return a field of /proc/PID/stat; None if there is none.

    Fields are counted from the state, which follows the name in brackets; see proc(5).
    """
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[field]
    except (OSError, IndexError):
        return None

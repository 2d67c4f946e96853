"""The guard of a worker: a small process that kills the worker's scripts once the worker is dead.

It is started as a program of its own, with a word as its argument, and imports nothing of this package. Its input is
a pipe whose other end only the worker has. When the worker dies, for whatever reason, the kernel closes that end. Then
the guard kills every process that has the word in its environment, and all that they have started.

A daemon may have cleared its environment, and has no parent. So a script also starts with a random limit of file locks,
its tag, which all its descendants inherit. Linux has not enforced this limit since 2004. See getrlimit(2).
"""

import contextlib
import os
import signal
import sys
import time

VARIABLE = "ABLATE_GUARD"
"""The environment variable with the word. A script inside a script has the words of both workers."""

BEGUN, ENDED = b"+", b"-"
"""The first byte of a line to the guard, before the process id of a script and, when it has begun, its tag."""

ENVIRONMENT_BYTES = 1 << 21
"""More bytes than an environment has: the kernel's usual limit for arguments and environment together."""

LIMITS_BYTES = 1 << 13
"""More bytes than the list of a process's limits has."""

LONGEST_PAUSE = 1.0
"""Seconds between two looks, at most, while a process cannot be killed, for instance on a hung network disk."""


class ProcessStatus:
    """The line that Linux has about a process in /proc/PID/stat. See proc(5)."""

    __slots__ = ("began", "group", "is_alive", "parent", "session")

    def __init__(self, line: bytes) -> None:
        """`line`: the content of the file."""
        fields = line.rpartition(b")")[2].split()
        self.is_alive = fields[0] not in (b"Z", b"X")
        """False for a process that has ended and whose parent has not looked at it yet."""
        self.parent, self.group, self.session = (int(field) for field in fields[1:4])
        self.began = int(fields[19])
        """Its start, in clock ticks since the machine's. With the process id it names one process."""


def read_proc(path: str, most: int = 4096) -> bytes:
    """Return the content of a file below /proc; empty if the process is gone, or belongs to another user."""
    try:
        file = os.open("/proc/" + path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(file, most)
    except OSError:
        return b""
    finally:
        os.close(file)


def status(process: int) -> ProcessStatus | None:
    """Return the status of a process; None if there is none with this id."""
    line = read_proc(f"{process}/stat")
    return ProcessStatus(line) if line else None


def has_word(process: int, word: bytes) -> bool:
    """Return True if a process was started with the word of a worker in its environment."""
    return word in read_proc(f"{process}/environ", ENVIRONMENT_BYTES)


def tag_of(process: int) -> bytes:
    """Return the tag of a process, in digits: that of the script from which it descends; another word if of none."""
    words = read_proc(f"{process}/limits", LIMITS_BYTES).partition(b"\nMax file locks ")[2].split(maxsplit=1)
    return words[0] if words else b""


def all_processes() -> dict[int, ProcessStatus]:
    """Return {process id: status} of all processes; none on a system without /proc."""
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        return {}
    statuses = ((number, status(number)) for number in numbers)
    return {number: each for number, each in statuses if each is not None}


def processes_of(word: bytes, scripts: dict[int, bytes]) -> set[int]:
    """Return the live processes of a worker's scripts: by session, environment and tag, and all that they started.

    A process can overwrite its environment, as those do that change their own name. So the worker also reports the
    sessions and tags: `scripts` has them.
    """
    processes = {each: its for each, its in all_processes().items() if its.is_alive and each != os.getpid()}
    marked = {each for each, its in processes.items() if its.session in scripts}
    tags = set(scripts.values())
    marked |= {each for each in processes if has_word(each, word) or tag_of(each) in tags}
    while more := {each for each, its in processes.items() if its.parent in marked or its.session in marked} - marked:
        marked |= more
    return marked


def listen(pipe: int) -> dict[int, bytes]:
    """Return {script: its tag} of those that have not ended when the other end of the pipe is closed."""
    scripts: dict[int, bytes] = {}
    rest = b""
    while content := os.read(pipe, 4096):
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            script, _, tag = line[1:].partition(b" ")
            scripts.pop(int(script), None)
            if line[:1] == BEGUN:
                scripts[int(script)] = tag
    return scripts


def kill_all(word: bytes, scripts: dict[int, bytes]) -> None:
    """Kill the processes of the scripts until two looks in a row find none."""
    for script in scripts:
        _kill_group(script)
    looks, pause = 0, 0.01
    while looks < 2:
        alive = processes_of(word, scripts)
        for process in alive:
            _kill(process)
        looks = 0 if alive else looks + 1
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE) if alive else 0.01


def _kill(process: int) -> None:
    with contextlib.suppress(OSError):  # it has ended, or has become another user's
        os.kill(process, signal.SIGKILL)


def _kill_group(script: int) -> None:
    """Kill the group of a script, which has the id of its first process. This works without /proc too."""
    with contextlib.suppress(OSError):
        os.killpg(script, signal.SIGKILL)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    kill_all(sys.argv[1].encode(), listen(sys.stdin.fileno()))

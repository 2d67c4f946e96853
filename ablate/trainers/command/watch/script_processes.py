"""All processes of one script: those that it started, and those that left its group, its session and their parents."""

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable

from ablate.trainers.command.watch.family import child_lookup
from ablate.trainers.command.watch.guard import ProcessStatus, has_word, status, tag_of

HANGING_SECONDS = 5.0
"""How long to wait for killed processes to end. One that waits for a hung disk or device ends only after that."""


class ScriptProcesses:
    """The processes of one script, on Linux. Elsewhere only its process group is known.

    While `adopting_orphans` is active, each process that the script started is below this one. A child of this process
    that was not there before is the script's if it has the script's session, its tag, or its word in its environment.
    """

    def __init__(self, word: str) -> None:
        """Create this right before the script is started. `word`: that of the worker's guard."""
        self.word = f"{word}.{secrets.token_hex(4)}"
        """The word in the environment of this script."""
        self.main = 0
        """The process id of the script's first process: also that of its group and its session."""
        self.tag = 10**17 + secrets.randbelow(10**17)
        """The limit of file locks with which this script starts."""
        self.others: set[tuple[int, int]] = set()
        """The children of this process that are not the script's, as (process id, start)."""
        self.members: set[tuple[int, int]] = set()
        """The processes that have been recognized as the script's."""
        for child in child_lookup()(os.getpid()):
            self.spare(child)

    def spare(self, process: int) -> None:
        """Note a child of this process that is not the script's."""
        if its := status(process):
            self.others.add((process, its.began))

    def alive(self) -> dict[int, ProcessStatus]:
        """Return {process id: status} of the live processes."""
        return {process: its for process, its in self._all().items() if its.is_alive}

    def reap(self) -> None:
        """Free the process ids of the orphans that have ended. That of the first process is left to its caller."""
        for process, its in self._roots(child_lookup()):
            if process != self.main and not its.is_alive:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process, os.WNOHANG)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the script's process group, and to its processes outside of the group."""
        outside = [process for process, its in self.alive().items() if its.group != self.main]
        with contextlib.suppress(OSError):  # none is left, or those that are belong to another user
            os.killpg(self.main, number)
        for process in outside:
            with contextlib.suppress(OSError):
                os.kill(process, number)

    def wait(self, seconds: float) -> None:
        """Give the processes some seconds to end by themselves."""
        deadline, pause = time.monotonic() + seconds, 0.001
        while time.monotonic() < deadline and self.alive():
            time.sleep(pause)
            pause = min(2 * pause, 0.02)

    def kill(self) -> int:
        """Kill the processes until none is left. Return their number.

        After a kill, two looks in a row must find none: a list of children that changes can miss one.
        """
        killed: set[tuple[int, int]] = set()
        deadline, pause = time.monotonic() + HANGING_SECONDS, 0.0005
        calm = 0
        while True:
            alive = self.alive()
            calm = 0 if alive else calm + 1
            killed |= {(process, its.began) for process, its in alive.items()}
            self.send(signal.SIGKILL)
            self.reap()
            if calm > bool(killed) or time.monotonic() > deadline:
                return len(killed)
            time.sleep(pause)
            pause = min(2 * pause, 0.02)

    def _all(self) -> dict[int, ProcessStatus]:
        """Return {process id: status} of the processes, those included that have ended and are not freed yet."""
        children = child_lookup()
        processes: dict[int, ProcessStatus] = {}
        waiting = self._roots(children)
        while waiting:
            process, its = waiting.pop()
            processes[process] = its
            self.members.add((process, its.began))
            below = ((each, status(each)) for each in children(process) if each not in processes)
            waiting += [(each, its) for each, its in below if its]
        return processes

    def _roots(self, children: Callable[[int], list[int]]) -> list[tuple[int, ProcessStatus]]:
        """Return those of this process's children that are the script's: its first process, and orphans."""
        return [(child, its) for child in children(os.getpid()) if (its := status(child)) and self._is_ours(child, its)]

    def _is_ours(self, child: int, its: ProcessStatus) -> bool:
        """Return True if a child of this process is the script's."""
        identity = (child, its.began)
        if identity in self.others:
            return False
        is_known = self.main in (child, its.session) or identity in self.members
        return is_known or tag_of(child) == b"%d" % self.tag or has_word(child, self.word.encode())

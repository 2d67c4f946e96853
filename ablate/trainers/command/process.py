"""A user's script as a child of this process: started, watched, and ended so that no process of it is left."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ablate.trainers.command.watch.family import adopting_orphans
from ablate.trainers.command.watch.kept_log import restore
from ablate.trainers.command.watch.memory import final_peak, memory_kills, peak, resident
from ablate.trainers.command.watch.running_script import Channel as Channel
from ablate.trainers.command.watch.running_script import RunningScript, default_signals
from ablate.trainers.command.watch.script_processes import ScriptProcesses
from ablate.trainers.command.watch.signs import SignsOfLife
from ablate.trainers.command.watch.worker_guard import WorkerGuard, tagging, with_word, worker_guard

LOOK_SECONDS = 0.25
"""The time between two looks at a script that runs. Its end is noticed at once."""

MEMORY_SECONDS = 0.5
"""The shortest time between two looks at the memory of all its processes."""

MOST_LOAD = 0.02
"""The greatest part of the time that may go into looks at the memory."""

LINGER_SECONDS = 0.5
"""How long processes may outlive their script, such as Python's helpers, which clean up after it."""


class EndedBy(StrEnum):
    """The cause of a script's end."""

    ITSELF = "itself"
    """The script, or a signal that was not ours."""
    STOP = "stop"
    """A request to stop."""
    TIMEOUT = "timeout"
    """The time limit."""
    STALL = "stall"
    """The limit of the time without a sign of life."""
    MEMORY = "memory"
    """The memory limit."""


@dataclass(frozen=True)
class ProcessLimits:
    """The limits of one script. One that reaches a limit gets SIGTERM, and SIGKILL after the time of grace."""

    timeout: float | None
    """Seconds that it may run; None if there is no limit."""
    stall_seconds: float
    """Seconds that it may go without a sign of life."""
    memory: int | None
    """Bytes of memory that all its processes may have together; None if there is no limit."""
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class ProcessEnd:
    """The end of a script, of which no process is left."""

    exit_code: int
    """The exit code of its first process; -N if signal N has ended it."""
    ended_by: EndedBy
    """The cause of its end."""
    seconds: float
    """Its time from its start to the end of its first process."""
    peak_memory: int | None
    """The most memory that its largest process had, in bytes; None if that is not known."""
    orphans: int
    """Processes that still ran after the end of the first, and were killed."""
    memory_kills: int
    """Processes of this process's control group that the kernel has killed meanwhile for want of memory; 0 if that is
    not known. Those of other workers in the same group count too."""


def run_process(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    log: Path,
    watched: Path,
    limits: ProcessLimits,
    stopping: Callable[[], bool],
    on_sign: Callable[[], None],
    channel: Channel | None = None,
    inherited_fds: Sequence[int] = (),
) -> ProcessEnd:
    """Run a script until it ends, or must be ended. No process of it is left, also if a call of this raises.

    The script reads nothing, and writes its output itself to the end of `log`. `environment` is all that it gets. Its
    signs of life are output, changed files below `watched` and messages on the channel. `on_sign` is called after
    there were some, at most about four times a second. It is stopped soon after `stopping` returns True. It inherits
    the file descriptors `inherited_fds`, besides those of the channel.

    OSError if it cannot be started: no such program, no permission, no folder `cwd`, or no file `log`.
    """
    kills = memory_kills()
    with adopting_orphans(), default_signals(), _opened(log) as output:
        guard = worker_guard()
        guard.ensure()
        processes = ScriptProcesses(guard.word)
        signs = SignsOfLife(output, watched, limits.stall_seconds)
        with tagging(processes.tag):
            script = RunningScript(command, cwd, with_word(environment, processes.word), output, channel, inherited_fds)
        processes.main = script.pid
        inherited = peak(os.getpid())  # after the start, as this process may grow until then
        watch = _Watch(script, processes, signs, limits, guard)
        try:
            guard.begun(script.pid, processes.tag)
            ended_by = watch.until_end(stopping, on_sign)
        finally:
            was_over = script.ended is not None
            killed = processes.kill()
            code, usage = script.reap()
            guard.ended(script.pid)
            script.close()
    return ProcessEnd(
        exit_code=code,
        ended_by=ended_by,
        seconds=script.age,
        peak_memory=final_peak(usage, inherited, watch.peak),
        orphans=killed if was_over else 0,
        memory_kills=memory_kills() - kills,
    )


@dataclass
class _Watch:
    """The watch over one script from its start to its end."""

    script: RunningScript
    processes: ScriptProcesses
    signs: SignsOfLife
    limits: ProcessLimits
    guard: WorkerGuard
    peak: int = 0
    """The most memory that one of its processes had so far, in bytes."""
    memory: int = 0
    """The memory of all its processes at the last look, in bytes."""
    memory_due: float = field(default_factory=time.monotonic)
    """When to look at the memory again."""

    def until_end(self, stopping: Callable[[], bool], on_sign: Callable[[], None]) -> EndedBy:
        """Wait until the script has ended, by itself or because it had to. Return the cause."""
        while not self.script.wait(self._seconds()):
            self._keep_guard()
            self.processes.reap()
            self._look_at_memory()
            if self.signs.look(self.script.messages):
                on_sign()
            if cause := self._cause(stopping):
                self._stop()
                return cause
        self.processes.wait(LINGER_SECONDS)
        return EndedBy.ITSELF

    def _seconds(self) -> float:
        """Return the time to the next look."""
        left = LOOK_SECONDS if self.limits.timeout is None else self.limits.timeout - self.script.age
        return max(0.0, min(LOOK_SECONDS, left))

    def _cause(self, stopping: Callable[[], bool]) -> EndedBy | None:
        """Return the cause why the script must end now; None if it may go on."""
        if stopping():
            return EndedBy.STOP
        if self.limits.timeout is not None and self.script.age >= self.limits.timeout:
            return EndedBy.TIMEOUT
        if self.signs.has_stalled:
            return EndedBy.STALL
        if self.limits.memory is not None and self.memory > self.limits.memory:
            return EndedBy.MEMORY
        return None

    def _stop(self) -> None:
        """Let the script end: its first process, and then the others."""
        deadline = time.monotonic() + self.limits.grace
        self.processes.send(signal.SIGTERM)
        self.script.wait(self.limits.grace)
        self.processes.wait(deadline - time.monotonic())

    def _keep_guard(self) -> None:
        """Start the guard again if it has died."""
        with contextlib.suppress(OSError):  # the next script will show that
            self.processes.spare(self.guard.ensure())

    def _look_at_memory(self) -> None:
        now = time.monotonic()
        if now < self.memory_due:
            return
        began = time.thread_time()
        alive = self.processes.alive()
        self.peak = max([self.peak, *map(peak, alive)])
        if self.limits.memory is not None:
            self.memory = resident(alive, self.limits.memory)
        self.memory_due = now + max(MEMORY_SECONDS, (time.thread_time() - began) / MOST_LOAD)


@contextlib.contextmanager
def _opened(log: Path) -> Iterator[int]:
    """Open the file for the output of a script. Everything is appended, whichever process writes it."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    try:
        yield file
    finally:
        restore(file, log)
        os.close(file)

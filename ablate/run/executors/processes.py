"""Runs jobs in worker processes that are reused, so that each imports its trainer's libraries once."""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from ctypes import c_bool
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from types import TracebackType

from ablate.errors import AblateError
from ablate.measurement import Interim
from ablate.run.devices import Slot
from ablate.run.executors.places import WorkerPlace
from ablate.run.job import Job, JobReport, OnInterim, OnMessage, OnProgress
from ablate.run.worker import GROUP_SIGNALS, work
from ablate.store.schema import ABANDONED, LOST
from ablate.trainers.protocol import Progress

STOP_SECONDS = 3.0

MOST_FAILED_STARTS = 3
"""Workers in a row that may end by themselves before they begin a job; then the run fails."""

BOOTSTRAPPING = "bootstrapping phase"
"""A part of Python's message if a process that is still importing the user's script starts another process."""

MAIN_GUARD = '`if __name__ == "__main__":`'
"""The line of a script below which its workers, which import it, run nothing."""

UNGUARDED = (
    f'this script starts a run while a worker imports it: put the calls under {MAIN_GUARD}, or pass executor="inline"'
)
"""The message if the worker that imports the script reaches its calls."""

UNGUARDED_EXIT = 86
"""The exit code of that worker, by which the runner recognizes it. The worker itself prints nothing."""

START_SECONDS = 120.0
"""The shortest time that a new worker is given to begin: on a busy machine its imports take long."""


class UnguardedScriptError(AblateError):
    """A script whose calls do not stand below MAIN_GUARD. If it ends the script, only its message is printed."""

    def __init__(self) -> None:
        super().__init__(UNGUARDED)
        before = sys.excepthook

        def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            print(error, file=sys.stderr) if isinstance(error, UnguardedScriptError) else before(kind, error, trace)

        sys.excepthook = hook


@dataclass
class _Worker:
    """A worker process and its job."""

    place: WorkerPlace
    process: SpawnProcess
    pipe: "Connection[Job | bool, str | Progress | Interim | JobReport]"
    job: Job | None = None
    """None while it is idle."""
    begun: bool = False
    """True once the worker has reported that it runs the job."""
    submitted: float = 0.0
    """When the job was sent: seconds of this process's monotonic clock."""
    last_sign: float = 0.0
    """When the worker last sent a message: seconds of the same clock."""
    stall_seconds: float = 0.0
    """How long its job may go without a sign of progress."""
    most_silent_seconds: float = 0.0
    """How long it may stay silent before it counts as hung."""


class ProcessExecutor:
    """Keeps one worker a slot. A worker is started when it is first needed, and again after it has died.

    It is stopped for good after several failed trainings in a row, unless it is the last one.
    """

    def __init__(
        self,
        slots: Sequence[Slot],
        on_progress: OnProgress,
        stopping: Callable[[], bool],
        on_interim: OnInterim,
        on_message: OnMessage,
    ) -> None:
        self.on_progress, self.stopping, self.on_interim = on_progress, stopping, on_interim
        self.on_message = on_message
        self.vacant = [WorkerPlace(number, slot) for number, slot in enumerate(slots, start=1)][::-1]
        self.idle: list[_Worker] = []
        self.stopped: list[_Worker] = []
        self.busy: dict[str, _Worker] = {}
        self.context = multiprocessing.get_context("spawn")
        self.failed_starts = 0
        self.stop_requested = RawValue(c_bool, False)  # shared with the workers; a killed worker would keep a lock

    def has_room(self) -> bool:
        return bool(self.idle or self.vacant)

    def is_busy(self) -> bool:
        return bool(self.busy)

    def submit(self, job: Job) -> None:
        worker = self.idle.pop() if self.idle else self._start(self.vacant.pop())
        worker.job, worker.begun, worker.submitted = job, False, time.monotonic()
        worker.stall_seconds = job.stall_seconds
        worker.last_sign, worker.most_silent_seconds = worker.submitted, max(START_SECONDS, job.stall_seconds)
        self.busy[job.key] = worker
        with contextlib.suppress(OSError):  # it has just died: its closed pipe will report that
            worker.pipe.send(job)

    def reports(self, seconds: float) -> Iterator[tuple[str, JobReport]]:
        self.stop_requested.value = self.stopping()
        by_pipe = {worker.pipe: (key, worker) for key, worker in self.busy.items()}
        if not by_pipe:
            time.sleep(seconds)
        for pipe in wait(list(by_pipe), timeout=seconds):
            key, worker = by_pipe[pipe]  # type: ignore[index]
            report = self._listen(key, worker)
            if report is not None:
                yield key, report
        yield from self._hung()

    def drop(self, key: str) -> None:
        if key in self.busy:
            self._end(key)

    def close(self) -> None:
        workers = [*self.busy.values(), *self.idle]
        for worker in workers:
            worker.process.kill() if worker.job else worker.pipe.close()  # an idle one's next recv ends it
        for worker in [*workers, *self.stopped]:
            worker.process.join(STOP_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()

    def _listen(self, key: str, worker: _Worker) -> JobReport | None:
        """Return the worker's report, or one about its death; None if the job continues."""
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(STOP_SECONDS)
            return self._lost(key, worker, _cause(worker.process.exitcode))
        worker.last_sign, worker.most_silent_seconds, worker.begun = time.monotonic(), worker.stall_seconds, True
        if isinstance(message, str):
            self.failed_starts = 0
            return None
        if isinstance(message, Progress):
            self.on_progress(key, message)
            return None
        if isinstance(message, Interim):
            self._answer(key, worker, message)
            return None
        del self.busy[key]
        worker.job = None
        self._keep_or_stop(worker, message.state)
        return message

    def _keep_or_stop(self, worker: _Worker, state: str) -> None:
        """Let a worker wait for its next job; stop it if one training after another has failed on it."""
        worker.place.count(state)
        left = len(self.busy) + len(self.idle) + len(self.vacant)
        if not worker.place.is_failing or not left or self.stopping():
            self.idle.append(worker)
            return
        worker.pipe.close()  # its next recv ends it
        self.stopped.append(worker)
        self.on_message(worker.place.closing_words(left))

    def _answer(self, key: str, worker: _Worker, interim: Interim) -> None:
        """Send the worker the judgement on its intermediate result; True, to continue, if judging raised."""
        is_worth = True
        try:
            is_worth = self.on_interim(key, interim)
        finally:  # a worker that waits for an answer could not save a checkpoint
            worker.last_sign = time.monotonic()
            with contextlib.suppress(OSError):  # it has died: its closed pipe will report that
                worker.pipe.send(is_worth)

    def _hung(self) -> Iterator[tuple[str, JobReport]]:
        """Kill the workers that have been silent for too long, and yield a report for each."""
        now = time.monotonic()
        for key, worker in list(self.busy.items()):
            if now - worker.last_sign > worker.most_silent_seconds:
                reason = f"no sign of progress for {worker.most_silent_seconds:g} s, so its worker was killed"
                yield key, self._lost(key, worker, f"{reason} (runtime.stall_seconds)")

    def _lost(self, key: str, worker: _Worker, reason: str) -> JobReport:
        """Return the report for a dead worker: LOST, or ABANDONED if it died before it began."""
        killed = (worker.process.exitcode or 0) < 0
        self._end(key)
        if not worker.begun and worker.process.exitcode == UNGUARDED_EXIT:
            raise UnguardedScriptError
        if not worker.begun and not killed:
            self._cannot_start(reason)
        state = LOST if worker.begun else ABANDONED
        return JobReport(state, time.monotonic() - worker.submitted, reason=reason)

    def _cannot_start(self, reason: str) -> None:
        """Raise AblateError if several workers in a row ended before they began: no trial is at fault then."""
        self.failed_starts += 1
        if self.failed_starts >= MOST_FAILED_STARTS:
            advice = (
                'their own messages above show why; `--executor inline` (in Python: executor="inline") runs trials '
            )
            advice += "in this process and shows the error"
            if _is_script():
                advice += "; each worker imports your script again, so put its calls under " + MAIN_GUARD
            raise AblateError(f"workers cannot start: {reason}, {self.failed_starts} times in a row; {advice}")

    def _end(self, key: str) -> None:
        """Kill the worker, if it still lives, and free its slot for another."""
        worker = self.busy.pop(key)
        worker.process.kill()
        worker.process.join(STOP_SECONDS)
        worker.pipe.close()
        self.vacant.append(worker.place)

    def _start(self, place: WorkerPlace) -> _Worker:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=work, args=(theirs, os.getpid(), self.stop_requested), daemon=True)
        with _environment(place.slot), _blocked(GROUP_SIGNALS):
            try:
                process.start()
            except RuntimeError as error:
                if BOOTSTRAPPING not in str(error):
                    raise
                raise SystemExit(UNGUARDED_EXIT) from None  # this process is the worker that imports the script
        theirs.close()
        return _Worker(place, process, ours)


@contextlib.contextmanager
def _blocked(signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Block these signals. A process started meanwhile inherits the block, and lifts it once it ignores them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


@contextlib.contextmanager
def _environment(slot: Slot) -> Iterator[None]:
    """Set the slot's variables while a process is started, which inherits them."""
    before = {name: os.environ.get(name) for name in slot}
    os.environ.update(slot)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _is_script() -> bool:
    """Return True if this process runs a user's script, which each worker imports, and not the `ablate` command."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return file is not None and Path(file).name not in ("ablate", "__main__.py")


def _cause(exitcode: int | None) -> str:
    """Return why a worker process ended, from its exit code; negative if a signal killed it."""
    if exitcode is not None and exitcode < 0:
        is_named = -exitcode in set(signal.Signals)
        name = signal.Signals(-exitcode).name if is_named else f"signal {-exitcode}"
        advice = "; perhaps the machine ran out of memory: fewer workers, smaller batches or images need less"
        hint = advice if name == "SIGKILL" else ""
        return f"the worker process was killed by {name}{hint}"
    return f"the worker process ended with exit code {exitcode}"

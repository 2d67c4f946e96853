"""Jobs in worker processes that stay: each imports what its trainer needs once."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from ctypes import c_bool
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.sharedctypes import RawValue

from ablate.errors import AblateError
from ablate.run.devices import Slot
from ablate.run.job import Job, JobReport, OnInterim, OnProgress
from ablate.run.worker import GROUP_SIGNALS, work
from ablate.store.schema import ABANDONED, LOST
from ablate.trainers.protocol import Interim, Progress

STOP_SECONDS = 3.0

MOST_STILLBORN = 3
"""Workers in a row that may end by themselves before they begin."""

START_SECONDS = 120.0
"""How long at least a new worker may take to begin: on a busy machine, its imports take a while."""


@dataclass
class _Worker:
    """A process and its job, and whether that has `begun`.

    `heard`: when it last gave a sign of life, by this process's steady clock; `patience`: how many seconds it may go
    without another.
    """

    slot: Slot
    process: SpawnProcess
    pipe: "Connection[Job | bool, str | Progress | Interim | JobReport]"
    job: Job | None = None
    begun: bool = False
    submitted: float = 0.0
    heard: float = 0.0
    patience: float = 0.0


class ProcessExecutor:
    """One worker a slot, started when it is first needed and again when it has died."""

    def __init__(
        self, slots: Sequence[Slot], on_progress: OnProgress, stopping: Callable[[], bool], on_interim: OnInterim
    ) -> None:
        self.on_progress, self.stopping, self.on_interim = on_progress, stopping, on_interim
        self.vacant = list(reversed(slots))
        self.idle: list[_Worker] = []
        self.busy: dict[str, _Worker] = {}
        self.context = multiprocessing.get_context("spawn")
        self.stillborn = 0
        self.asked = RawValue(c_bool, False)  # memory shared with the workers; no lock, which a killed one would keep

    def has_room(self) -> bool:
        return bool(self.idle or self.vacant)

    def is_busy(self) -> bool:
        return bool(self.busy)

    def submit(self, job: Job) -> None:
        worker = self.idle.pop() if self.idle else self._start(self.vacant.pop())
        worker.job, worker.begun, worker.submitted = job, False, time.monotonic()
        worker.heard, worker.patience = worker.submitted, max(START_SECONDS, job.stall_seconds)
        self.busy[job.key] = worker
        with contextlib.suppress(OSError):  # it has just died, which its pipe will tell
            worker.pipe.send(job)

    def reports(self, seconds: float) -> Iterator[tuple[str, JobReport]]:
        self.asked.value = self.stopping()
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
        for worker in workers:
            worker.process.join(STOP_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()

    def _listen(self, key: str, worker: _Worker) -> JobReport | None:
        """What a worker reports, or its death; None while it goes on."""
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(STOP_SECONDS)
            return self._lost(key, worker, _cause(worker.process.exitcode))
        assert worker.job is not None
        worker.heard, worker.patience, worker.begun = time.monotonic(), worker.job.stall_seconds, True
        if isinstance(said, str):
            self.stillborn = 0
            return None
        if isinstance(said, Progress):
            self.on_progress(key, said)
            return None
        if isinstance(said, Interim):
            self._answer(key, worker, said)
            return None
        del self.busy[key]
        worker.job = None
        self.idle.append(worker)
        return said

    def _answer(self, key: str, worker: _Worker, shown: Interim) -> None:
        """Judges what a worker has shown, and says so; it goes on where no judgement came about."""
        goes_on = True
        try:
            goes_on = self.on_interim(key, shown)
        finally:  # a worker that waited for ever could not be asked to save
            worker.heard = time.monotonic()
            with contextlib.suppress(OSError):  # it has died, which its pipe will tell
                worker.pipe.send(goes_on)

    def _hung(self) -> Iterator[tuple[str, JobReport]]:
        now = time.monotonic()
        for key, worker in list(self.busy.items()):
            if now - worker.heard > worker.patience:
                reason = f"no sign of progress for {worker.patience:g} s, so its worker was killed"
                yield key, self._lost(key, worker, f"{reason} (runtime.stall_seconds)")

    def _lost(self, key: str, worker: _Worker, reason: str) -> JobReport:
        """A job whose worker died before it began had no part in that."""
        killed = (worker.process.exitcode or 0) < 0
        self._end(key)
        if not worker.begun and not killed:
            self._cannot_start(reason)
        state = LOST if worker.begun else ABANDONED
        return JobReport(state, time.monotonic() - worker.submitted, reason=reason)

    def _cannot_start(self, reason: str) -> None:
        """Ends the run where no worker gets as far as to begin: that is no trial's fault."""
        self.stillborn += 1
        if self.stillborn >= MOST_STILLBORN:
            advice = "what they wrote above says why, or `--executor inline` does"
            raise AblateError(f"workers cannot start: {reason}, {self.stillborn} in a row; {advice}")

    def _end(self, key: str) -> None:
        """Kills a worker, should it still live, and leaves its slot to another."""
        worker = self.busy.pop(key)
        worker.process.kill()
        worker.process.join(STOP_SECONDS)
        worker.pipe.close()
        self.vacant.append(worker.slot)

    def _start(self, slot: Slot) -> _Worker:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=work, args=(theirs, os.getpid(), self.asked), daemon=True)
        with _environment(slot), _blocked(GROUP_SIGNALS):
            process.start()
        theirs.close()
        return _Worker(slot, process, ours)


@contextlib.contextmanager
def _blocked(signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Signals wait meanwhile; in a process started now, until it has said what they are to do."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


@contextlib.contextmanager
def _environment(slot: Slot) -> Iterator[None]:
    """The slot's variables in place while a process is started, which inherits them."""
    before = {name: os.environ.get(name) for name in slot}
    os.environ.update(slot)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        known = -exitcode in set(signal.Signals)
        name = signal.Signals(-exitcode).name if known else f"signal {-exitcode}"
        advice = "; perhaps the machine ran out of memory: fewer workers, smaller batches or images need less"
        hint = advice if name == "SIGKILL" else ""
        return f"the worker process was killed by {name}{hint}"
    return f"the worker process ended with exit code {exitcode}"

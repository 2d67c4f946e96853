"""Jobs in worker processes that stay: each imports what its trainer needs once."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from ablate.run.job import Job, NextJob, OnProgress, OnReport, Report
from ablate.run.runner import run_job
from ablate.train.interface import Progress

PROGRESS_SECONDS = 0.2
"""How often at most a worker speaks of its progress."""

STOP_SECONDS = 3.0


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: "Connection[Job | None, Progress | Report]"
    job: Job | None = None
    since: float = 0.0


def run_in_processes(next_job: NextJob, on_progress: OnProgress, on_report: OnReport, workers: int) -> None:
    """Runs jobs on `workers` processes until there is none; a worker that dies fails its job alone."""
    idle = [_start() for _ in range(workers)]
    busy: list[_Worker] = []
    try:
        while True:
            _feed(idle, busy, next_job)
            if not busy:
                return
            for pipe in wait([worker.pipe for worker in busy], timeout=1.0):
                worker = next(worker for worker in busy if worker.pipe is pipe)
                if _listen(worker, on_progress, on_report):
                    busy.remove(worker)
                    idle.append(worker if worker.process.is_alive() else _start())
    finally:
        _stop(idle, busy)


def _feed(idle: list[_Worker], busy: list[_Worker], next_job: NextJob) -> None:
    while idle:
        job = next_job()
        if job is None:
            return
        worker = idle.pop(0)
        if not worker.process.is_alive():
            worker = _start()
        worker.job, worker.since = job, time.perf_counter()
        worker.pipe.send(job)
        busy.append(worker)


def _listen(worker: _Worker, on_progress: OnProgress, on_report: OnReport) -> bool:
    """Passes on what a worker says; whether its job is over."""
    assert worker.job is not None
    try:
        said = worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join(STOP_SECONDS)
        said = Report("lost", time.perf_counter() - worker.since, reason=_cause(worker.process.exitcode))
    if isinstance(said, Progress):
        on_progress(worker.job.key, said)
        return False
    on_report(worker.job.key, said)
    return True


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        advice = "; perhaps the machine ran out of memory: fewer workers, smaller batches or images need less"
        hint = advice if name == "SIGKILL" else ""
        return f"the worker process was killed by {name}{hint}"
    return f"the worker process ended with exit code {exitcode}"


def _start() -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, os.getpid()), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _stop(idle: list[_Worker], busy: list[_Worker]) -> None:
    for worker in busy:
        worker.process.terminate()
    for worker in idle:
        worker.pipe.close()  # the worker's next recv ends it
    for worker in idle + busy:
        worker.process.join(STOP_SECONDS)
        if worker.process.is_alive():
            worker.process.kill()


def _work(pipe: "Connection[Progress | Report, Job | None]", parent: int) -> None:
    """A worker's life: jobs from the pipe until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the runner decides
    while os.getppid() == parent:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        if job is None:
            return
        with contextlib.suppress(OSError):  # the runner is gone, and its lease with it
            pipe.send(run_job(job, _throttled(pipe.send)))


def _throttled(send: Callable[[Progress], None]) -> Callable[[Progress], None]:
    last = 0.0

    def progress(made: Progress) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last >= PROGRESS_SECONDS:
            last = now
            send(made)

    return progress

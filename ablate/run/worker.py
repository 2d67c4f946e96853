"""A worker process. Every start of a worker waits for its imports, so it imports neither the store nor the queue."""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable
from ctypes import c_bool
from functools import partial
from multiprocessing.connection import Connection

from ablate.measurement import Interim
from ablate.run.job import Job, JobReport
from ablate.run.training_runner import run_job
from ablate.trainers.protocol import Progress

PROGRESS_SECONDS = 0.2
"""The shortest time between two progress messages of a worker."""

GROUP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C and batch systems send these to the runner and all its workers. Only the runner acts on them."""

BEGUN = "begun"
"""The first message of a worker about a job."""


def work(
    pipe: "Connection[str | Progress | Interim | JobReport, Job | bool]", parent: int, stop_requested: c_bool
) -> None:
    """Run jobs from the pipe until its other end is closed.

    `parent` is the runner's process id. `stop_requested` is memory shared with the runner: while it is True, the job
    saves a checkpoint and stops.
    """

    def judge(interim: Interim) -> bool:
        """Return the runner's answer: True to continue. Raises EOFError if the runner is gone, which ends the job."""
        pipe.send(interim)
        return bool(pipe.recv())

    for each in GROUP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, GROUP_SIGNALS)  # blocked since its start, see `processes.py`
    _die_with(parent)
    with contextlib.suppress(EOFError, OSError):  # the runner is gone, and its lease with it
        while True:
            job = pipe.recv()
            assert isinstance(job, Job)
            pipe.send(BEGUN)
            pipe.send(run_job(job, _throttled(pipe.send), partial(getattr, stop_requested, "value"), judge))


def _die_with(parent: int) -> None:
    """Request that the kernel kills this process when its runner dies: no process would record its result."""
    with contextlib.suppress(OSError, AttributeError):  # not on Linux: there the closed pipe ends it, after the job
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


_PR_SET_PDEATHSIG = 1


def _throttled(send: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Return a function that sends progress at most once every PROGRESS_SECONDS and drops the rest."""
    last = 0.0

    def progress(reached: Progress) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last >= PROGRESS_SECONDS:
            last = now
            send(reached)

    return progress

"""A worker process: what it imports, every start of one waits for, so neither the store nor the queue."""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable
from ctypes import c_bool
from functools import partial
from multiprocessing.connection import Connection

from ablate.run.job import Job, JobReport
from ablate.run.runner import run_job
from ablate.trainers.protocol import Interim, Progress

PROGRESS_SECONDS = 0.2
"""How often at most a worker speaks of its progress."""

GROUP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C and batch systems send them to the runner and its workers alike; what becomes of the work, the runner says."""

BEGUN = "begun"
"""Its first word on a job."""


def work(pipe: "Connection[str | Progress | Interim | JobReport, Job | bool]", parent: int, asked: c_bool) -> None:
    """Runs jobs from the pipe until its other end is closed; `asked`: whether to save and stop."""

    def judge(shown: Interim) -> bool:
        """What the runner answers; raises EOFError once it is gone, which ends the job."""
        pipe.send(shown)
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
            pipe.send(run_job(job, _throttled(pipe.send), partial(getattr, asked, "value"), judge))


def _die_with(parent: int) -> None:
    """Has the kernel kill this process when its runner dies: nobody would want its result."""
    with contextlib.suppress(OSError, AttributeError):  # not on Linux: there the pipe tells, after the job
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


_PR_SET_PDEATHSIG = 1


def _throttled(send: Callable[[Progress], None]) -> Callable[[Progress], None]:
    last = 0.0

    def progress(made: Progress) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last >= PROGRESS_SECONDS:
            last = now
            send(made)

    return progress

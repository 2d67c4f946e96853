"""Runs jobs one after another in this process: for debuggers, and for systems that forbid new processes."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ablate.run.devices import Slot
from ablate.run.job import Job, JobReport, OnInterim, OnMessage, OnProgress
from ablate.run.training_runner import run_job


class InlineExecutor:
    """Runs the submitted job when `reports` is called."""

    def __init__(
        self,
        slots: Sequence[Slot],
        on_progress: OnProgress,
        stopping: Callable[[], bool],
        on_interim: OnInterim,
        on_message: OnMessage,
    ) -> None:
        self.on_progress, self.stopping, self.on_interim = on_progress, stopping, on_interim
        self.job: Job | None = None

    def has_room(self) -> bool:
        return self.job is None

    def is_busy(self) -> bool:
        return self.job is not None

    def submit(self, job: Job) -> None:
        self.job = job

    def reports(self, seconds: float) -> Iterable[tuple[str, JobReport]]:
        job, self.job = self.job, None
        if job is None:
            time.sleep(seconds)
            return []
        progress, judge = partial(self.on_progress, job.key), partial(self.on_interim, job.key)
        return [(job.key, run_job(job, progress, self.stopping, judge))]

    def drop(self, key: str) -> None:
        """Do nothing: no job runs when this is called."""

    def close(self) -> None:
        """Do nothing: no job runs when this is called."""

"""Jobs one after another in this process: for debuggers, and where no process may be started."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ablate.run.devices import Slot
from ablate.run.job import Job, JobReport, OnInterim, OnProgress
from ablate.run.runner import run_job


class InlineExecutor:
    """Runs its job when its report is asked for."""

    def __init__(
        self, slots: Sequence[Slot], on_progress: OnProgress, stopping: Callable[[], bool], on_interim: OnInterim
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
        """Nothing: when this is called, no job runs."""

    def close(self) -> None:
        """Nothing, for the same reason."""

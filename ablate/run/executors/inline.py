"""Jobs one after another in this process."""

from functools import partial

from ablate.run.job import NextJob, OnProgress, OnReport
from ablate.run.runner import run_job


def run_inline(next_job: NextJob, on_progress: OnProgress, on_report: OnReport, workers: int) -> None:
    """Runs jobs until there is none; `workers` is 1."""
    while job := next_job():
        on_report(job.key, run_job(job, partial(on_progress, job.key)))

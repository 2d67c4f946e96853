"""Runs one training. Whatever the trainer raises becomes part of its record: the one broad `except` of a run."""

import time
import traceback
from collections.abc import Callable
from pathlib import Path

from ablate.errors import AblateError
from ablate.run.costs import CostMeter, with_costs
from ablate.run.job import Job, JobReport
from ablate.trainers.checkpoints import Checkpoints, never
from ablate.trainers.protocol import Judge, Progress, Pruned, Stopped
from ablate.trainers.registry import entry_of


def run_job(
    job: Job, progress: Callable[[Progress], None], stopping: Callable[[], bool] = never, judge: Judge | None = None
) -> JobReport:
    """Train and evaluate. An exception of the trainer becomes a report; only KeyboardInterrupt and the like pass.

    `progress` is called after steps. If `stopping()` returns True, the trainer saves a checkpoint and stops; the same
    if the job is watched and `judge` returns False. The costs of the training are added to each result.
    """
    started = time.perf_counter()
    try:
        entry = entry_of(job.trainer, job.options)
        configs = [entry.parsed(config) for config in job.configs]
        checkpoints = Checkpoints(Path(job.checkpoints), job.key, stopping)
        trainer = entry.load()
        meter = CostMeter(job.earlier_seconds)
        results = trainer(configs, job.seed, job.attempt, progress, checkpoints, judge if job.watched else None)
        costs = meter.costs()
    except Stopped as stop:
        return JobReport("interrupted", time.perf_counter() - started, reason=f"stopped {stop}")
    except Pruned as end:
        return JobReport("pruned", time.perf_counter() - started, reason=f"ended early {end}")
    except Exception as error:
        reason = str(error) if isinstance(error, AblateError) else f"{type(error).__name__}: {error}"
        return JobReport("failed", time.perf_counter() - started, reason=reason, traceback=traceback.format_exc())
    return JobReport("done", time.perf_counter() - started, with_costs(results, costs))

"""Runs one training. Whatever the trainer raises becomes part of its record: the one broad `except` of a run."""

import time
import traceback
from collections.abc import Callable
from pathlib import Path

from ablate.errors import AblateError
from ablate.run.costs import CostMeter, with_costs
from ablate.run.job import OUTDATED, Job, JobReport
from ablate.trainers.checkpoints import Checkpoints, never
from ablate.trainers.protocol import Diverged, Judge, Lost, Outdated, Progress, Pruned, Stopped
from ablate.trainers.registry import entry_of


def run_job(
    job: Job, progress: Callable[[Progress], None], stopping: Callable[[], bool] = never, judge: Judge | None = None
) -> JobReport:
    """Train and evaluate. An exception of the trainer becomes a report, also SystemExit; only KeyboardInterrupt passes.

    `progress` is called after steps. If `stopping()` returns True, the trainer saves a checkpoint and stops; the same
    if the job is watched and `judge` returns False. The costs of the training are added to each result.
    """
    started = time.perf_counter()
    try:
        entry = entry_of(job.trainer, job.options)
        configs = [entry.parsed(config) for config in job.configs]
        checkpoints = Checkpoints(Path(job.checkpoints), job.key, stopping, job.earlier_seconds)
        trainer = entry.load()
        meter = CostMeter(job.earlier_seconds)
        state, reason = "done", ""
        try:
            results = trainer(configs, job.seed, job.attempt, progress, checkpoints, judge if job.watched else None)
        except Diverged as end:
            state, reason, results = "diverged", str(end), end.results
        costs = meter.costs()
    except Stopped as stop:
        return JobReport("interrupted", time.perf_counter() - started, reason=f"stopped {stop}")
    except Pruned as end:
        return JobReport("pruned", time.perf_counter() - started, reason=f"ended early {end}")
    except Outdated as end:
        return JobReport(OUTDATED, time.perf_counter() - started, reason=str(end))
    except Lost as end:
        return JobReport("lost", time.perf_counter() - started, reason=str(end))
    except (Exception, SystemExit) as error:
        seconds = time.perf_counter() - started
        return JobReport("failed", seconds, reason=_reason(error), traceback=_traceback(error))
    return JobReport(state, time.perf_counter() - started, with_costs(results, costs), reason)


def _reason(error: BaseException) -> str:
    """Return an exception in words; the message alone of an error that is about the user's files."""
    if isinstance(error, SystemExit):
        return f"the trainer called sys.exit({error.code!r}) before it returned a result"
    return str(error) if isinstance(error, AblateError) else f"{type(error).__name__}: {error}"


def _traceback(error: BaseException) -> str:
    """Return the last output of a script that failed, or else the traceback of the trainer."""
    output: str | None = getattr(error, "output", None)
    return traceback.format_exc() if output is None else output

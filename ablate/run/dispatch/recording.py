"""Writing the end of a job into the store. This is the only place that writes results."""

from collections.abc import Callable, Sequence

from ablate.measurement import Result
from ablate.run.job import JobReport
from ablate.store import Connection
from ablate.store.queue import claims
from ablate.store.queue.claims import Claim
from ablate.store.schema import DIVERGED, DONE, FAILED, PRUNED, RUNNING
from ablate.study.trials.identity import Trial
from ablate.trainers.protocol import Progress

TAKEN = (RUNNING, "another runner has its lease")


def record_report(
    connection: Connection,
    claim: Claim,
    trials: Sequence[Trial],
    report: JobReport,
    progress: Progress | None,
    checkpoint_step: Callable[[str], int],
) -> tuple[str, str]:
    """Write how a job ended, and return its training's new state and the reason.

    `trials` share the training, in the order of the job's configs; `progress` is the last that it reported, and
    `checkpoint_step` returns the step of a training's newest checkpoint. If another runner has taken the lease,
    nothing is written.
    """
    state, reason = report.state, report.reason
    if state == DONE:
        is_kept = claims.record(connection, claim, _by_trial(trials, report), report.seconds)
    elif state == DIVERGED:
        is_kept = claims.diverge(connection, claim, reason, _by_trial(trials, report), report.seconds)
    elif state == FAILED:
        is_kept = claims.fail(connection, claim, reason, report.traceback, report.seconds)
    elif state == PRUNED:
        is_kept = claims.prune(connection, claim, reason, report.seconds)
    elif state in claims.BLAME:
        if progress is not None:
            claims.note(connection, claim, progress.step, progress.steps)
        return claims.lose(connection, claim, state, reason, checkpoint_step(claim.key), report.seconds) or TAKEN
    else:
        is_kept = claims.release(connection, claim, reason, report.seconds)
    return (state, reason) if is_kept else TAKEN


def _by_trial(trials: Sequence[Trial], report: JobReport) -> dict[str, Result]:
    """Return {trial key: result}; empty for a report without results."""
    if not report.results:
        return {}
    return {trial.key: result for trial, result in zip(trials, report.results, strict=True)}

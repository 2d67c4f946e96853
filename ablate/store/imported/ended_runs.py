"""Runs that ended elsewhere, in the store: an attempt for each, with its result or the reason why it has none."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, insert, update

from ablate.measurement import Result
from ablate.store.queue.claims import write_new_results
from ablate.store.queue.process_identity import owner
from ablate.store.schema import attempts, trainings
from ablate.study.trials.identity import Trial


@dataclass(frozen=True)
class EndedRun:
    """A run that ended elsewhere."""

    trial: Trial
    state: str
    reason: str = ""
    """Why it has no result; empty if it has one."""
    environment: Mapping[str, str] = field(default_factory=dict)
    result: Result | None = None


def save_ended(connection: Connection, runs: Sequence[EndedRun]) -> None:
    """Add runs whose trials the store has without an attempt."""
    if not runs:
        return
    now = time.time()
    shared = {"number": 1, "started": now, "ended": now, "resumed_at": 0, "owner": owner()}
    values = [
        {
            **shared,
            "training_key": run.trial.training_key,
            "state": run.state,
            "reason": run.reason or None,
            "environment": dict(run.environment) or None,
        }
        for run in runs
    ]
    ids = connection.execute(_ADD, values).scalars()
    connection.execute(_END, [{"of": run.trial.training_key, "now": run.state} for run in runs])
    pairs = zip(runs, ids, strict=True)
    write_new_results(connection, [(run.trial.key, number, run.result) for run, number in pairs if run.result])


_ADD = insert(attempts).returning(attempts.c.id, sort_by_parameter_order=True)
_END = update(trainings).where(trainings.c.key == bindparam("of")).values(state=bindparam("now"), attempts=1)

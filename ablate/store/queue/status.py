"""The state of the queue: trials in each state, running attempts, and the reasons of those that gave no result."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Join, Select, and_, func, select

from ablate.store.queue.process_identity import is_gone
from ablate.store.schema import (
    DIVERGED,
    DONE,
    FAILED,
    PRUNED,
    QUEUED,
    RUNNING,
    STALE,
    attempts,
    cells,
    plans,
    rows,
    trainings,
    trials,
)

NO_REASON = "no reason given"

Counts = dict[tuple[str, str], dict[str, int]]
"""{(study, profile): {state: trials}}."""


@dataclass(frozen=True)
class RunningTrial:
    """An attempt that runs."""

    plan: tuple[str, str]
    """(study, profile)."""
    label: str
    """The label of the row."""
    seed: int
    attempt: int
    """The number of the attempt, from 1."""
    step: int | None
    """The step that it had reached when it was last recorded; None if it was not."""
    steps: int | None
    """Number of all its steps; None if it was not recorded."""
    owner: str
    """The process that runs it, as `host:pid`."""
    gone: bool
    """True if that process is known to have ended."""
    seconds: float
    """Seconds since the attempt started."""


@dataclass(frozen=True)
class EndedTrial:
    """A trial whose latest attempt ended without a result: it failed or diverged."""

    plan: tuple[str, str]
    """(study, profile)."""
    label: str
    """The label of the row."""
    seed: int
    attempt: int
    """The number of the attempt, from 1."""
    reason: str
    state: str = FAILED
    """`failed` or `diverged`."""
    has_traceback: bool = False
    """True if the store has the traceback of the trainer's exception, or the last lines of output."""
    traceback: str = ""
    """The traceback, or the last lines of output, if it was requested and there is one."""


def counts(connection: Connection, study: str | None) -> Counts:
    """Return the number of trials in each state, for each plan, references included.

    Only trials without a result are read one by one; all others are done. This is fast for 100,000 trials.
    """
    numbers: Counts = {}
    for row in connection.execute(_of(_TOTALS, study)):
        numbers[row.study, row.profile] = {DONE: row.number}
    for row in connection.execute(_of(_UNFINISHED, study)):
        states = numbers[row.study, row.profile]
        waiting = row.state in (DONE, QUEUED, PRUNED)
        state = (STALE if row.stale else QUEUED) if waiting else row.state
        states[state] = states.get(state, 0) + row.number
        states[DONE] -= row.number
    return {plan: {state: number for state, number in states.items() if number} for plan, states in numbers.items()}


def running(connection: Connection, study: str | None) -> list[RunningTrial]:
    """Return the attempts that run now, as the store last recorded them."""
    now = time.time()
    return [
        RunningTrial(
            plan=(row.study, row.profile),
            label=row.label,
            seed=row.seed,
            attempt=row.number,
            step=row.step,
            steps=row.steps,
            owner=row.owner,
            gone=is_gone(row.process),
            seconds=max(0.0, now - row.started),  # the clock may have been set back
        )
        for row in connection.execute(_of(_latest_attempts([RUNNING]), study))
    ]


def without_result(connection: Connection, study: str | None, with_traceback: bool = False) -> list[EndedTrial]:
    """Return the trials whose latest attempt failed or diverged, with the reason, and the traceback if requested."""
    has_traceback = (func.coalesce(func.length(attempts.c.traceback), 0) > 0).label("has_traceback")
    more = (has_traceback, attempts.c.traceback) if with_traceback else (has_traceback,)
    return [
        EndedTrial(
            (row.study, row.profile),
            row.label,
            row.seed,
            row.number,
            row.reason or NO_REASON,
            row.state,
            bool(row.has_traceback),
            (row.traceback or "") if with_traceback else "",
        )
        for row in connection.execute(_of(_latest_attempts([FAILED, DIVERGED], more), study))
    ]


def _latest_attempts(states: Sequence[str], more: Sequence[ColumnElement[Any]] = ()) -> Select[Any]:
    """Return a query for the latest attempts at trainings in some states, one line for each row and seed of one."""
    latest = and_(attempts.c.training_key == trainings.c.key, attempts.c.number == trainings.c.attempts)
    of_attempt = (attempts.c.number, attempts.c.step, attempts.c.steps, attempts.c.reason, attempts.c.started)
    columns = (plans.c.study, plans.c.profile, rows.c.label, cells.c.seed)
    of_training = (trainings.c.state, trainings.c.owner, trainings.c.process)
    query = select(*columns, *of_training, *of_attempt, *more).select_from(_planned().join(attempts, latest))
    return query.where(trainings.c.state.in_(states), trials.c.attempt_id.is_(None)).order_by(
        rows.c.position, cells.c.seed
    )


def _planned() -> Join:
    """Return the join of every row and seed of every plan with its trial and training."""
    return (
        plans.join(rows, rows.c.plan_id == plans.c.id)
        .join(cells, cells.c.row_id == rows.c.id)
        .join(trials, trials.c.key == cells.c.trial_key)
        .join(trainings, trainings.c.key == trials.c.training_key)
    )


def _of(query: Select[Any], study: str | None) -> Select[Any]:
    return query if study is None else query.where(plans.c.study == study)


_NUMBER = func.count().label("number")
_TOTALS = (
    select(plans.c.study, plans.c.profile, _NUMBER)
    .select_from(plans.join(rows, rows.c.plan_id == plans.c.id).join(cells, cells.c.row_id == rows.c.id))
    .group_by(plans.c.study, plans.c.profile)
    .order_by(plans.c.study, plans.c.profile)
)
_UNFINISHED = (
    select(plans.c.study, plans.c.profile, cells.c.stale, trainings.c.state, _NUMBER)
    .select_from(_planned())
    .where(trials.c.attempt_id.is_(None))
    .group_by(plans.c.study, plans.c.profile, cells.c.stale, trainings.c.state)
)

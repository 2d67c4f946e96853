"""The queue at a glance: how many trials are in which state, what runs, and why what failed did."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Join, Select, and_, func, select

from ablate.errors import StoreError
from ablate.store.queue.process_identity import is_gone
from ablate.store.schema import (
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

Counts = dict[tuple[str, str], dict[str, int]]
"""{(study, profile): {state: trials}}."""


@dataclass(frozen=True)
class RunningTrial:
    """An attempt that runs: on which step of how many it last was, where that is known, and who runs it since when."""

    plan: tuple[str, str]
    label: str
    seed: int
    attempt: int
    step: int | None
    steps: int | None
    owner: str
    gone: bool
    seconds: float


@dataclass(frozen=True)
class FailedTrial:
    plan: tuple[str, str]
    label: str
    seed: int
    attempt: int
    reason: str


def counts(connection: Connection, study: str | None) -> Counts:
    """How many trials of each plan, references included, are in which state.

    What is done is the rest: of a hundred thousand trials, only those without a result are looked up.
    """
    found: Counts = {}
    for row in connection.execute(_of(_TOTALS, study)):
        found[row.study, row.profile] = {DONE: row.number}
    for row in connection.execute(_of(_UNFINISHED, study)):
        states = found[row.study, row.profile]
        waiting = row.state in (DONE, QUEUED, PRUNED)
        state = (STALE if row.stale else QUEUED) if waiting else row.state
        states[state] = states.get(state, 0) + row.number
        states[DONE] -= row.number
    return {plan: {state: number for state, number in states.items() if number} for plan, states in found.items()}


def require(found: Counts, study: str | None, store: str) -> None:
    """Refuses a study that the store does not have."""
    if study is not None and not found:
        raise StoreError(f"{store}: has no study {study!r}; `ablate status` lists those that it has")


def running(connection: Connection, study: str | None) -> list[RunningTrial]:
    """What runs now, by what the store was last told."""
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
        for row in connection.execute(_of(_latest_attempts(RUNNING), study))
    ]


def failures(connection: Connection, study: str | None) -> list[FailedTrial]:
    """Trials whose latest attempt failed, with the reason."""
    found = connection.execute(_of(_latest_attempts(FAILED), study))
    return [FailedTrial((r.study, r.profile), r.label, r.seed, r.number, r.reason or "no reason given") for r in found]


def _latest_attempts(state: str) -> Select[Any]:
    """The latest attempts at trainings in a state, a line a row and seed that they stand for."""
    latest = and_(attempts.c.training_key == trainings.c.key, attempts.c.number == trainings.c.attempts)
    of_attempt = (attempts.c.number, attempts.c.step, attempts.c.steps, attempts.c.reason, attempts.c.started)
    columns = (plans.c.study, plans.c.profile, rows.c.label, cells.c.seed, trainings.c.owner, trainings.c.process)
    query = select(*columns, *of_attempt).select_from(_planned().join(attempts, latest))
    return query.where(trainings.c.state == state, trials.c.attempt_id.is_(None)).order_by(
        rows.c.position, cells.c.seed
    )


def _planned() -> Join:
    """Every row and seed of every plan with its trial and training."""
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

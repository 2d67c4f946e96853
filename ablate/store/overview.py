"""The queue at a glance: how many trials are in which state, what runs, and why what failed did."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Join, Select, and_, case, func, select

from ablate.errors import StoreError
from ablate.store.schema import (
    DONE,
    FAILED,
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
class Running:
    plan: tuple[str, str]
    label: str
    seed: int
    owner: str
    seconds: float


@dataclass(frozen=True)
class Failure:
    plan: tuple[str, str]
    label: str
    seed: int
    attempt: int
    reason: str


def counts(connection: Connection, study: str | None) -> Counts:
    """How many trials of each plan, references included, are in which state."""
    waiting = trainings.c.state.in_((DONE, QUEUED))
    state = case(
        (trials.c.attempt_id.is_not(None), DONE),
        (and_(waiting, cells.c.stale), STALE),
        (waiting, QUEUED),
        else_=trainings.c.state,
    )
    query = select(plans.c.study, plans.c.profile, state.label("state"), func.count().label("number"))
    query = query.select_from(_planned()).group_by(plans.c.study, plans.c.profile, state)
    found: Counts = {}
    for row in connection.execute(_of(query, study)):
        found.setdefault((row.study, row.profile), {})[row.state] = row.number
    return found


def require(found: Counts, study: str | None, store: str) -> None:
    """Refuses a study that the store does not have."""
    if study is not None and not found:
        raise StoreError(f"{store}: has no study {study!r}; `ablate status` lists those that it has")


def running(connection: Connection, study: str | None) -> list[Running]:
    """What runs now."""
    query = _attempts(RUNNING).where(attempts.c.state == RUNNING)
    now = time.time()
    found = connection.execute(_of(query, study))
    return [Running((r.study, r.profile), r.label, r.seed, r.owner, now - r.started) for r in found]


def failures(connection: Connection, study: str | None) -> list[Failure]:
    """Trials whose latest attempt failed, with the reason."""
    query = _attempts(FAILED).where(attempts.c.number == trainings.c.attempts)
    found = connection.execute(_of(query, study))
    return [Failure((r.study, r.profile), r.label, r.seed, r.number, r.reason or "no reason given") for r in found]


def _attempts(state: str) -> Select[Any]:
    """The attempts at trainings in a state, a line a row and seed that they stand for."""
    joined = _planned().join(attempts, attempts.c.training_key == trainings.c.key)
    of_attempt = (attempts.c.number, attempts.c.owner, attempts.c.reason, attempts.c.started)
    columns = (plans.c.study, plans.c.profile, rows.c.label, cells.c.seed, *of_attempt)
    return select(*columns).select_from(joined).where(trainings.c.state == state).order_by(rows.c.position)


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

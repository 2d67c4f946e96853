"""The queue at a glance: how many trials are in which state, what runs, and why what failed did."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, column, func, select, table

from ablate.errors import StoreError
from ablate.store.schema import FAILED, RUNNING, attempts, cells, plans, rows, trainings, trials

Counts = dict[tuple[str, str], dict[str, int]]
"""{(study, profile): {state: trials}}."""

_results = table("results", column("study"), column("profile"), column("state"))


@dataclass(frozen=True)
class Running:
    label: str
    seed: int
    owner: str
    seconds: float


@dataclass(frozen=True)
class Failure:
    label: str
    seed: int
    attempt: int
    reason: str


def counts(connection: Connection, study: str | None) -> Counts:
    """How many trials of each plan are in which state."""
    names = (_results.c.study, _results.c.profile, _results.c.state)
    query = select(*names, func.count()).group_by(*names)
    found: Counts = {}
    for name, profile, state, number in connection.execute(_of(query, _results.c.study, study)):
        found.setdefault((name, profile), {})[state] = number
    return found


def require(found: Counts, study: str | None, store: str) -> None:
    """Refuses a study that the store does not have."""
    if study is not None and not found:
        raise StoreError(f"{store}: has no study {study!r}; `ablate status` lists those that it has")


def running(connection: Connection, study: str | None) -> list[Running]:
    """What runs now."""
    query = _attempts(RUNNING).where(attempts.c.state == RUNNING)
    now = time.time()
    found = connection.execute(_of(query, plans.c.study, study))
    return [Running(row.label, row.seed, row.owner, now - row.started) for row in found]


def failures(connection: Connection, study: str | None) -> list[Failure]:
    """Trials whose latest attempt failed, with the reason."""
    query = _attempts(FAILED).where(attempts.c.number == trainings.c.attempts)
    found = connection.execute(_of(query, plans.c.study, study))
    return [Failure(row.label, row.seed, row.number, row.reason or "no reason given") for row in found]


def _attempts(state: str) -> Select[Any]:
    """The attempts at trainings in a state, a line a row and seed that they stand for."""
    joined = (
        attempts.join(trainings, trainings.c.key == attempts.c.training_key)
        .join(trials, trials.c.training_key == trainings.c.key)
        .join(cells, cells.c.trial_key == trials.c.key)
        .join(rows, rows.c.id == cells.c.row_id)
        .join(plans, plans.c.id == rows.c.plan_id)
    )
    columns = (rows.c.label, cells.c.seed, attempts.c.number, attempts.c.owner, attempts.c.reason, attempts.c.started)
    return select(*columns).select_from(joined).where(trainings.c.state == state).order_by(rows.c.position)


def _of(query: Select[Any], name: ColumnElement[str], study: str | None) -> Select[Any]:
    return query if study is None else query.where(name == study)

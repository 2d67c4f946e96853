"""Queueing finished trainings again, and finding the trainings whose checkpoints are still needed."""

import time
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, update

from ablate.store.queue.process_identity import is_gone
from ablate.store.schema import (
    ABANDONED,
    DIVERGED,
    QUEUED,
    RUNNING,
    acceptances,
    attempts,
    candidates,
    cells,
    plans,
    rows,
    searches,
    trainings,
    trials,
)
from ablate.store.sql import of_keys


class TrialStatus(NamedTuple):
    """A row and seed of a plan, with its training."""

    study: str
    profile: str
    label: str
    """The label of the row."""
    seed: int
    training: str
    """The key of the training."""


def trainings_of(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Return {trial key: training key}."""
    return dict(of_keys(connection, select(trials.c.key, trials.c.training_key), trials.c.key, keys))


def standing(connection: Connection, keys: Collection[str]) -> list[TrialStatus]:
    """Return every row and seed of every plan whose training is one of these."""
    joined = (
        cells.join(trials, trials.c.key == cells.c.trial_key)
        .join(rows, rows.c.id == cells.c.row_id)
        .join(plans, plans.c.id == rows.c.plan_id)
    )
    columns = (plans.c.study, plans.c.profile, rows.c.label, cells.c.seed, trials.c.training_key)
    query = select(*columns).select_from(joined).order_by(plans.c.id, rows.c.position, cells.c.seed)
    return [TrialStatus(*row) for row in of_keys(connection, query, trials.c.training_key, keys)]


def runners(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Return {training key: its runner, as host:pid} for trainings that run now.

    Trainings whose runner is a dead process of this machine are left out.
    """
    query = select(trainings.c.key, trainings.c.owner, trainings.c.process).where(trainings.c.state == RUNNING)
    rows = of_keys(connection, query, trainings.c.key, keys)
    return {key: owner for key, owner, process in rows if not is_gone(process)}


def withdraw(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Withdraw the acceptance of these stale results. Return {trial that was kept: trial that is planned instead}.

    The rows and seeds that used them are stale again. The results themselves stay in the store: if the old settings,
    data and code come back, they are valid again.
    """
    columns = select(acceptances.c.kept_key, acceptances.c.wanted_key).order_by(acceptances.c.accepted)
    replaced = dict(of_keys(connection, columns, acceptances.c.kept_key, keys))
    changed = [{"kept": kept, "planned": planned} for kept, planned in sorted(replaced.items())]
    if changed:
        accepted = (cells.c.trial_key == bindparam("kept")) & cells.c.changes.is_not(None)
        stale = update(cells).where(accepted).values(trial_key=bindparam("planned"), stale=True, changes=None)
        connection.execute(stale, changed)
        connection.execute(delete(acceptances).where(acceptances.c.kept_key == bindparam("kept")), changed)
    return replaced


def reset(connection: Connection, keys: Collection[str]) -> int:
    """Queue trainings again, with or without a result. Return the number of results that are no longer valid.

    Attempts and results stay in the store as history. An attempt that is still recorded as running is marked as
    abandoned: its runner must be dead.
    """
    query = select(trials.c.key, trials.c.attempt_id)
    valid_attempts = dict(of_keys(connection, query, trials.c.training_key, keys))
    withdraw(connection, valid_attempts)
    of_trials = [{"of": key} for key in sorted(valid_attempts)]
    of_trainings = [{"of": key} for key in sorted(keys)]
    connection.execute(update(trials).where(trials.c.key == bindparam("of")).values(attempt_id=None), of_trials)
    left = (attempts.c.training_key == bindparam("of")) & (attempts.c.state == RUNNING)
    lost = {"state": ABANDONED, "reason": "its runner is gone, and the row was reset", "ended": time.time()}
    connection.execute(update(attempts).where(left).values(**lost), of_trainings)
    again = update(trainings).where(trainings.c.key == bindparam("of")).values(state=QUEUED, lease=None)
    connection.execute(again, of_trainings)
    return sum(attempt is not None for attempt in valid_attempts.values())


def needed(connection: Connection, keys: Collection[str]) -> dict[str, bool]:
    """Return {training key: True if its checkpoints are needed}, for trainings that the store has.

    They are needed while the training runs, while a row and seed of some plan has no result of it, and while the
    latest search of a study waits for it. A search does not wait for a training that it has pruned, and nothing waits
    for one that has diverged.
    """
    is_needed = {key: state == RUNNING for key, state in of_keys(connection, _STATES, trainings.c.key, keys)}
    for waiting in (_PLANNED, _SEARCHED):
        is_needed |= {key: True for (key,) in of_keys(connection, waiting, trials.c.training_key, set(is_needed))}
    return is_needed


_STATES = select(trainings.c.key, trainings.c.state)
_PLANNED = (
    select(trials.c.training_key)
    .select_from(
        cells.join(trials, trials.c.key == cells.c.trial_key).join(trainings, trainings.c.key == trials.c.training_key)
    )
    .where(trials.c.attempt_id.is_(None), trainings.c.state != DIVERGED)
    .distinct()
)
_later = searches.alias()
_LATEST = (
    select(func.max(_later.c.number))
    .where(_later.c.study == searches.c.study, _later.c.profile == searches.c.profile)
    .scalar_subquery()
)
_SEARCHED = (
    select(trials.c.training_key)
    .select_from(
        candidates.join(trials, trials.c.key == candidates.c.trial_key).join(
            searches, searches.c.id == candidates.c.search_id
        )
    )
    .where(candidates.c.state == RUNNING, trials.c.attempt_id.is_(None), searches.c.number == _LATEST)
    .distinct()
)

"""What is queued again although it has a result, and which trainings' checkpoints something still needs."""

import time
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, update

from ablate.store.queue.process_identity import is_gone
from ablate.store.schema import (
    ABANDONED,
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
    """A row and seed of a plan, and the training that stands for it."""

    study: str
    profile: str
    label: str
    seed: int
    training: str


def trainings_of(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """{trial key: training key}."""
    return dict(of_keys(connection, select(trials.c.key, trials.c.training_key), trials.c.key, keys))


def standing(connection: Connection, keys: Collection[str]) -> list[TrialStatus]:
    """Every row and seed of every plan that one of the trainings stands for."""
    joined = (
        cells.join(trials, trials.c.key == cells.c.trial_key)
        .join(rows, rows.c.id == cells.c.row_id)
        .join(plans, plans.c.id == rows.c.plan_id)
    )
    columns = (plans.c.study, plans.c.profile, rows.c.label, cells.c.seed, trials.c.training_key)
    query = select(*columns).select_from(joined).order_by(plans.c.id, rows.c.position, cells.c.seed)
    return [TrialStatus(*row) for row in of_keys(connection, query, trials.c.training_key, keys)]


def held(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """{training key: its runner} of those that run now, unless the runner is a process of this machine that is dead."""
    query = select(trainings.c.key, trainings.c.owner, trainings.c.process).where(trainings.c.state == RUNNING)
    found = of_keys(connection, query, trainings.c.key, keys)
    return {key: owner for key, owner, process in found if not is_gone(process)}


def withdraw(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Accepts no more what these results were kept for; {kept trial: the trial that is wanted in its place}.

    The rows and seeds that they stood for are stale again. The results themselves are as they were: where the old
    state comes back, they count.
    """
    columns = select(acceptances.c.kept_key, acceptances.c.wanted_key).order_by(acceptances.c.accepted)
    found = dict(of_keys(connection, columns, acceptances.c.kept_key, keys))
    changed = [{"kept": kept, "wanted": wanted} for kept, wanted in sorted(found.items())]
    if changed:
        stood = (cells.c.trial_key == bindparam("kept")) & cells.c.changes.is_not(None)
        again = update(cells).where(stood).values(trial_key=bindparam("wanted"), stale=True, changes=None)
        connection.execute(again, changed)
        connection.execute(delete(acceptances).where(acceptances.c.kept_key == bindparam("kept")), changed)
    return found


def reset(connection: Connection, keys: Collection[str]) -> int:
    """Queues trainings again, whatever they gave; how many results are history now.

    Attempts and results stay on record. An attempt that is still noted as running is abandoned: its runner must be
    dead.
    """
    query = select(trials.c.key, trials.c.attempt_id)
    found = dict(of_keys(connection, query, trials.c.training_key, keys))
    withdraw(connection, found)
    of_trials = [{"of": key} for key in sorted(found)]
    of_trainings = [{"of": key} for key in sorted(keys)]
    connection.execute(update(trials).where(trials.c.key == bindparam("of")).values(attempt_id=None), of_trials)
    left = (attempts.c.training_key == bindparam("of")) & (attempts.c.state == RUNNING)
    lost = {"state": ABANDONED, "reason": "its runner is gone, and the row was reset", "ended": time.time()}
    connection.execute(update(attempts).where(left).values(**lost), of_trainings)
    again = update(trainings).where(trainings.c.key == bindparam("of")).values(state=QUEUED, lease=None)
    connection.execute(again, of_trainings)
    return sum(attempt is not None for attempt in found.values())


def needed(connection: Connection, keys: Collection[str]) -> dict[str, bool]:
    """{training key: whether its checkpoints are needed} of those trainings that the store has.

    They are as long as it runs, until every row and seed of a plan that it stands for has its result, and while a
    search that is the latest of its study waits for it. What a search has pruned it does not wait for.
    """
    known = {key: state == RUNNING for key, state in of_keys(connection, _STATES, trainings.c.key, keys)}
    for waiting in (_PLANNED, _SEARCHED):
        known |= {key: True for (key,) in of_keys(connection, waiting, trials.c.training_key, set(known))}
    return known


_STATES = select(trainings.c.key, trainings.c.state)
_PLANNED = (
    select(trials.c.training_key)
    .select_from(cells.join(trials, trials.c.key == cells.c.trial_key))
    .where(trials.c.attempt_id.is_(None))
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

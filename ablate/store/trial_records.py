"""The store's records of a study's trials; `study/plan/trial_states.py` decides from them which results are stale."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select

from ablate.store.plans import finished, reads_outputs, training_states
from ablate.store.schema import DONE, acceptances, attempts, declarations, results, trainings, trials
from ablate.store.sql import insert_new, of_keys
from ablate.study.plan.staleness_reasons import IdentityChange, changes
from ablate.study.plan.trial_states import PreviousResult, StoredRecords
from ablate.study.trials.identity import Identity, Trial


def read_records(connection: Connection, planned: Sequence[Trial]) -> StoredRecords:
    """Return the records of these trials."""
    done = finished(connection, {trial.key for trial in planned})
    accepted = _accepted(connection, {trial.key for trial in planned if trial.key not in done})
    lacking = [trial for trial in planned if trial.key not in done and trial.key not in accepted]
    return StoredRecords(
        states=training_states(connection, {trial.training_key for trial in planned}),
        finished=done,
        unread=_unread(connection, lacking),
        older=_older(connection, lacking),
        accepted=accepted,
    )


def _unread(connection: Connection, lacking: Sequence[Trial]) -> frozenset[str]:
    """Return the keys of trials that are not in the store and whose metrics the study file declares."""
    keys = {trial.key for trial in lacking if reads_outputs(trial)}
    stored = {key for (key,) in of_keys(connection, select(trials.c.key), trials.c.key, keys)} if keys else set()
    return frozenset(keys - stored)


def accept(connection: Connection, kept: Mapping[str, PreviousResult]) -> None:
    """Accept these older results, {trial key: older result}, in place of running the trials."""
    now = time.time()
    values = [
        {
            "wanted_key": key,
            "kept_key": older.key,
            "changes": [change.text for change in older.changes],
            "accepted": now,
        }
        for key, older in sorted(kept.items())
    ]
    if values:
        connection.execute(delete(acceptances).where(acceptances.c.wanted_key == bindparam("of")), _of(kept))
    insert_new(connection, acceptances, values)


def _of(keys: Collection[str]) -> list[dict[str, str]]:
    return [{"of": key} for key in sorted(keys)]


def _accepted(connection: Connection, keys: Collection[str]) -> dict[str, PreviousResult]:
    """Return {trial key: the older result that was accepted}, for older results that are still valid."""
    query = select(acceptances.c.wanted_key, acceptances.c.kept_key, acceptances.c.changes)
    query = query.join(trials, trials.c.key == acceptances.c.kept_key).where(trials.c.attempt_id.is_not(None))
    rows = of_keys(connection, query, acceptances.c.wanted_key, keys)
    return {key: PreviousResult(kept, tuple(map(IdentityChange.from_text, texts))) for key, kept, texts in rows}


def _older(connection: Connection, lacking: Sequence[Trial]) -> dict[str, PreviousResult]:
    """Return {trial key: latest older result with the same declaration in the study file}.

    A trial that had a later result of its own is left out: its result was reset.
    """
    by_declared: dict[str, dict[str, Trial]] = {}
    for trial in lacking:
        by_declared.setdefault(trial.declared, {})[trial.key] = trial
    latest: dict[str, tuple[int, PreviousResult]] = {}
    same: dict[
        tuple[IdentityChange, ...], tuple[IdentityChange, ...]
    ] = {}  # so that a thousand trials share one reason
    for row in _latest_declared(connection, set(by_declared)):
        identity = Identity(row.trainer, row.config, row.seed, row.data, row.code)
        for key, trial in by_declared[row.declared].items():
            if key not in latest or latest[key][0] < row.attempt_id:
                why = changes(identity, row.evaluate, trial)
                latest[key] = row.attempt_id, PreviousResult(row.key, same.setdefault(why, why))
    own = _last_attempts(connection, set(latest))
    return {key: older for key, (attempt, older) in latest.items() if attempt > own.get(key, 0)}


def _latest_declared(connection: Connection, declared: Collection[str]) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the latest result of each declaration, with its identity."""
    joined = declarations.join(trials, trials.c.key == declarations.c.trial_key).join(
        trainings, trainings.c.key == trials.c.training_key
    )
    of_training = (trainings.c.trainer, trainings.c.config, trainings.c.seed, trainings.c.data, trainings.c.code)
    of_trial = (declarations.c.declared, trials.c.key, trials.c.attempt_id, trials.c.evaluate)
    query = select(*of_trial, *of_training).select_from(joined).where(trials.c.attempt_id.is_not(None))
    query = query.order_by(declarations.c.declared, trials.c.attempt_id.desc())
    results_of_keys = of_keys(connection, query, declarations.c.declared, declared)
    for _, rows in groupby(results_of_keys, key=lambda row: row.declared):
        yield next(rows)


def _last_attempts(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """Return {trial key: the latest attempt with a result of it}, whether that result is still valid or not."""
    query = select(results.c.trial_key, func.max(results.c.attempt_id)).group_by(results.c.trial_key)
    return dict(of_keys(connection, query, results.c.trial_key, keys))


def changed(connection: Connection, key: str, trial: Trial) -> tuple[IdentityChange, ...]:
    """Return the changes from a stored trial to this one."""
    of_training = (trainings.c.trainer, trainings.c.config, trainings.c.seed, trainings.c.data, trainings.c.code)
    joined = trials.join(trainings, trainings.c.key == trials.c.training_key)
    query = select(trials.c.evaluate, *of_training).select_from(joined).where(trials.c.key == key)
    evaluate, *identity = connection.execute(query).one()
    return changes(Identity(*identity), evaluate, trial)


def read_times(connection: Connection, shapes: set[str]) -> dict[str, list[float]]:
    """Return {shape: seconds of each finished training of that shape that took one attempt from start to end}."""
    times: dict[str, list[float]] = {}
    if not shapes:
        return times
    whole = (attempts.c.state == DONE) & (attempts.c.resumed_at == 0) & attempts.c.seconds.is_not(None)
    query = select(trainings.c.shape, attempts.c.seconds).join(trainings, trainings.c.key == attempts.c.training_key)
    for shape, seconds in connection.execute(query.where(whole, trainings.c.shape.is_not(None))):
        if shape in shapes:
            times.setdefault(shape, []).append(seconds)
    return times

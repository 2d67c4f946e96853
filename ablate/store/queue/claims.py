"""The queue in the store: a process claims a training, runs it, and writes its result once.

A claim is one guarded update. Its lease, a random word, is stored with the training; only the process that has this
lease can write the result.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from math import isfinite, isnan, nan
from uuid import uuid4

from sqlalchemy import Connection, Float, bindparam, func, insert, select, update

from ablate.measurement import COST, TEST, Measurement, Result
from ablate.packed_arrays import deflate, pack_examples, pack_words
from ablate.store.queue.process_identity import owner, process
from ablate.store.schema import (
    ABANDONED,
    DIVERGED,
    DONE,
    FAILED,
    INTERRUPTED,
    LOST,
    PRUNED,
    QUEUED,
    RUNNING,
    artifacts,
    attempts,
    example_sets,
    measurements,
    results,
    trainings,
    trials,
)
from ablate.store.sql import insert_new

BLAME = {LOST: 8, ABANDONED: 1}
"""{how an attempt ended: a weight for how likely the training itself is the cause}.

Workers often die because of the training that they run; a whole runner rarely does.
"""

MOST_BLAME = 40
"""If consecutive attempts without a newer checkpoint have weights that add up to this, the training has failed."""

Reached = Callable[[str], int]
"""A function from a training's key to the step of its newest checkpoint."""


@dataclass(frozen=True)
class Claim:
    """The right of this process to run one training and to write its result."""

    key: str
    """The key of the training."""
    lease: str
    """A random word, stored with the training as long as the claim holds."""
    attempt_id: int
    """The key of the attempt in the store."""
    attempt: int
    """The number of the attempt at this training, from 1."""
    earlier_seconds: float = 0.0
    """The time of the earlier attempts from which this one continues: those since the last one from the start."""


def queued(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Return those of a few trainings that are queued, in the same order."""
    query = select(trainings.c.key).where(trainings.c.key.in_(keys), trainings.c.state == QUEUED)
    free = set(connection.execute(query).scalars())
    return [key for key in keys if key in free]


def claim(connection: Connection, key: str, resumed_at: int = 0) -> Claim | None:
    """Claim a queued training for this process. None if it is no longer queued.

    `resumed_at` is the step of the checkpoint from which it will continue; 0 from the start.
    """
    lease = uuid4().hex
    number = connection.execute(_TAKE, {"of": key, "lease": lease, "owner": owner(), "process": process()}).scalar()
    if number is None:
        return None
    values = {"training_key": key, "number": number, "state": RUNNING, "owner": owner()}
    made = connection.execute(_BEGIN, values | {"started": time.time(), "resumed_at": resumed_at})
    (attempt_id,) = made.inserted_primary_key or (0,)
    earlier = _earlier_seconds(connection, key, number) if resumed_at and number > 1 else 0.0
    return Claim(key, lease, attempt_id, number, earlier)


_TAKE = (
    update(trainings)
    .where(trainings.c.key == bindparam("of"), trainings.c.state == QUEUED)
    .values(state=RUNNING, attempts=trainings.c.attempts + 1, beats=0)
    .values(lease=bindparam("lease"), owner=bindparam("owner"), process=bindparam("process"))
    .returning(trainings.c.attempts)
)
_BEGIN = insert(attempts)


def _earlier_seconds(connection: Connection, key: str, number: int) -> float:
    """Return the time of the attempts before this number, back to the last one that began from the start."""
    of_attempt = select(attempts.c.seconds, attempts.c.resumed_at).where(attempts.c.training_key == key)
    earlier = of_attempt.where(attempts.c.number < number).order_by(attempts.c.number.desc())
    total = 0.0
    for seconds, resumed_at in connection.execute(earlier):
        total += seconds or 0.0
        if not resumed_at:
            break
    return total


def beat(connection: Connection, leases: Sequence[str]) -> list[str]:
    """Renew leases, so that no other process takes their trainings for abandoned. Return the leases that are lost."""
    mine = trainings.c.lease.in_(leases)
    if connection.execute(update(trainings).where(mine).values(beats=trainings.c.beats + 1)).rowcount == len(leases):
        return []
    kept = set(connection.execute(select(trainings.c.lease).where(mine)).scalars())
    return [lease for lease in leases if lease not in kept]


def note(connection: Connection, claim: Claim, step: int, steps: int) -> None:
    """Record the step that an attempt has reached, for `ablate status`, and its time, should its runner be killed."""
    connection.execute(_NOTE, {"of": claim.attempt_id, "at": step, "all": steps, "now": time.time()})


_NOTE = (
    update(attempts)
    .where(attempts.c.id == bindparam("of"))
    .values(step=bindparam("at"), steps=bindparam("all"), seconds=bindparam("now", type_=Float) - attempts.c.started)
)


def record(
    connection: Connection,
    claim: Claim,
    outcome: Mapping[str, Result],
    seconds: float,
) -> bool:
    """Write the results, {trial key: result}, and end the claim. They share their environment and curve.

    Return False and write nothing if the lease is lost.
    """
    details = {"seconds": seconds, **_shared(next(iter(outcome.values())))}
    if not _end(connection, claim, DONE, details=details):
        return False
    for key, result in outcome.items():
        write_results(connection, key, claim.attempt_id, result)
    return True


def diverge(connection: Connection, claim: Claim, reason: str, outcome: Mapping[str, Result], seconds: float) -> bool:
    """Record that the attempt diverged, with the reason. Return False and write nothing if the lease is lost.

    The measurements, {trial key: result}, are kept, but the trials have no result: a value that is not finite becomes
    null, and nothing is averaged with the others.
    """
    shared = _shared(next(iter(outcome.values()))) if outcome else {}
    if not _end(connection, claim, DIVERGED, details={"reason": reason, "seconds": seconds, **shared}):
        return False
    for key, result in outcome.items():
        measured = [one if isfinite(one.value) else replace(one, value=nan) for one in result.measurements]
        _add_measured(connection, [(key, claim.attempt_id, replace(result, measurements=measured))])
    return True


def _shared(result: Result) -> dict[str, object]:
    """Return the parts of a result that belong to the attempt: environment and curve."""
    return {"environment": dict(result.environment), "curve": [list(point) for point in result.curve]}


def write_results(connection: Connection, key: str, attempt_id: int, result: Result) -> None:
    """Add a trial's result, unless it has a valid result already.

    A result has the split TEST even if nothing was measured on it. Costs have no split.
    """
    if connection.execute(_COUNT, {"of": key, "by": attempt_id}).rowcount:
        _add_measured(connection, [(key, attempt_id, result)])


def write_new_results(connection: Connection, written: Sequence[tuple[str, int, Result]]) -> None:
    """Add the results of many trials that have none: (trial key, attempt id, result) of each."""
    if written:
        connection.execute(_COUNT, [{"of": key, "by": attempt_id} for key, attempt_id, _ in written])
        _add_measured(connection, written)


def _add_measured(connection: Connection, written: Sequence[tuple[str, int, Result]]) -> None:
    """Add the sizes, measurements and artifacts of attempts' results of trials."""
    sizes: list[dict[str, object]] = []
    measured: list[dict[str, object]] = []
    kept: list[dict[str, object]] = []
    for key, attempt_id, result in written:
        of_trial = {"trial_key": key, "attempt_id": attempt_id}
        splits = dict.fromkeys([TEST, *result.sizes, *(one.split for one in result.measurements if one.split != COST)])
        sizes += [{**of_trial, "split": split, "sizes": dict(result.sizes.get(split, {}))} for split in splits]
        measured += [
            {**of_trial, **_plain(one), "example_set": _example_set(connection, one)} for one in result.measurements
        ]
        kept += [{**of_trial, "name": name, "content": content} for name, content in result.artifacts.items()]
    for statement, values in ((_ADD_RESULTS, sizes), (_ADD_MEASUREMENTS, measured), (_ADD_ARTIFACTS, kept)):
        if values:
            connection.execute(statement, values)


def _plain(measurement: Measurement) -> dict[str, object]:
    examples = measurement.examples
    return {
        "split": measurement.split,
        "metric": measurement.metric,
        "value": None if isnan(measurement.value) else measurement.value,
        "n": measurement.n,
        "examples": None if examples is None else pack_examples(examples),
    }


def _example_set(connection: Connection, one: Measurement) -> str | None:
    """Return the key of the names and clusters of a measurement's examples, which are added if they are new."""
    if one.ids is None and one.clusters is None:
        return None
    ids = None if one.ids is None else pack_words(one.ids)
    clusters = None if one.clusters is None else deflate(one.clusters.astype("<i8"))
    digest = hashlib.blake2b((ids or b"") + b"|" + (clusters or b""), digest_size=16).hexdigest()
    insert_new(connection, example_sets, [{"key": digest, "ids": ids, "clusters": clusters}])
    return digest


_ADD_RESULTS, _ADD_MEASUREMENTS, _ADD_ARTIFACTS = insert(results), insert(measurements), insert(artifacts)
_COUNT = (
    update(trials)
    .where(trials.c.key == bindparam("of"), trials.c.attempt_id.is_(None))
    .values(attempt_id=bindparam("by"))
)


def fail(connection: Connection, claim: Claim, reason: str, traceback: str, seconds: float) -> bool:
    """Record that the attempt failed, with the reason. Return False if the lease is lost."""
    details = {"reason": reason, "traceback": traceback, "seconds": seconds}
    return _end(connection, claim, FAILED, details=details)


def release(connection: Connection, claim: Claim, reason: str, seconds: float | None = None) -> bool:
    """Return an unfinished training to the queue. Return False if the lease is lost."""
    return _end(connection, claim, INTERRUPTED, QUEUED, {"reason": reason, "seconds": seconds})


def prune(connection: Connection, claim: Claim, reason: str, seconds: float) -> bool:
    """Record that a search stopped the attempt early, with the reason. Return False if the lease is lost."""
    return _end(connection, claim, PRUNED, details={"reason": reason, "seconds": seconds})


def lose(
    connection: Connection, claim: Claim, ending: str, reason: str, reached: int, seconds: float | None = None
) -> tuple[str, str] | None:
    """End an attempt as LOST or ABANDONED. Return the training's new state and the reason; None if the lease is lost.

    The training is queued again. If many attempts in a row have ended so without a checkpoint newer than `reached`,
    the step of its newest one, the training has failed.
    """
    before = _fruitless(connection, claim.key, reached)
    if sum(BLAME[state] for state in (ending, *before)) < MOST_BLAME:
        details = {"reason": reason, "seconds": seconds}
        return (QUEUED, reason) if _end(connection, claim, ending, QUEUED, details) else None
    first, *more = reason.split("\n", 1)  # a log may stand on a line below
    reason = "\n".join([f"{first}; so ended {len(before) + 1} attempts in a row, without a newer checkpoint", *more])
    details = {"reason": reason, "seconds": seconds}
    return (FAILED, reason) if _end(connection, claim, FAILED, details=details) else None


def retry(connection: Connection, keys: Sequence[str]) -> None:
    """Queue failed trainings again. Their failed attempts stay in the store."""
    _requeue(connection, FAILED, keys)


def queue_pruned(connection: Connection, keys: Sequence[str]) -> None:
    """Queue trainings that a search stopped early. They continue from their checkpoints."""
    _requeue(connection, PRUNED, keys)


def _requeue(connection: Connection, state: str, keys: Sequence[str]) -> None:
    again = update(trainings).where(trainings.c.key == bindparam("of"), trainings.c.state == state)
    if keys:
        connection.execute(again.values(state=QUEUED), [{"of": key} for key in keys])


def _fruitless(connection: Connection, key: str, reached: int) -> list[str]:
    """Return the ends of the latest attempts in a row that were lost without a newer checkpoint than `reached`.

    Interrupted attempts are left out.
    """
    ended = select(attempts.c.state, attempts.c.resumed_at).where(attempts.c.training_key == key)
    latest = ended.where(attempts.c.state.not_in((RUNNING, INTERRUPTED))).order_by(attempts.c.number.desc())
    ends = connection.execute(latest.limit(MOST_BLAME)).all()
    return [state for state, at in takewhile(lambda one: one.state in BLAME and one.resumed_at >= reached, ends)]


def _end(
    connection: Connection,
    claim: Claim,
    state: str,
    training: str | None = None,
    details: Mapping[str, object] | None = None,
) -> bool:
    """End an attempt. Return False and do nothing if its lease is lost.

    The training gets the state of the attempt, or `training` if that is given. If `details` has no seconds,
    those that were noted last stay.
    """
    if connection.execute(_GIVE, {"of": claim.key, "own_lease": claim.lease, "next": training or state}).rowcount == 0:
        return False
    closed: dict[str, object] = {"reason": None, "traceback": None, "seconds": None, "environment": None, "curve": None}
    closed |= {"of": claim.attempt_id, "ending": state, "now": time.time(), **(details or {})}
    connection.execute(_CLOSE, closed)
    return True


_GIVE = (
    update(trainings)
    .where(
        trainings.c.key == bindparam("of"), trainings.c.lease == bindparam("own_lease"), trainings.c.state == RUNNING
    )
    .values(state=bindparam("next"), lease=None)
)
_CLOSE = (
    update(attempts)
    .where(attempts.c.id == bindparam("of"))
    .values(state=bindparam("ending"), ended=bindparam("now"))
    .values({name: bindparam(name) for name in ("reason", "traceback", "environment", "curve")})
    .values(seconds=func.coalesce(bindparam("seconds", type_=Float), attempts.c.seconds))
)

"""The queue in the store: a claim is one guarded update, and a result is written once, by who holds the lease."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from statistics import fmean
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, insert, select, update

from ablate.store.blobs import deflate, pack
from ablate.store.queue.process_identity import owner, process
from ablate.store.schema import (
    ABANDONED,
    DONE,
    FAILED,
    INTERRUPTED,
    LOST,
    PRUNED,
    QUEUED,
    RUNNING,
    attempts,
    hits,
    precisions,
    results,
    trainings,
    trials,
)

KS = (1, 5, 10)
MAP, MAP_AT_R = "map", "map_at_r"

BLAME = {LOST: 8, ABANDONED: 1}
"""How likely the training itself is the cause: rarely, when a whole runner is gone; workers die of what they run."""

MOST_BLAME = 40
"""When attempts in a row that got no further than the last checkpoint add up to this, the training has failed."""

Reached = Callable[[str], int]
"""The step of a training's newest checkpoint, by its key."""


@dataclass(frozen=True)
class Claim:
    """The right to run one training and to write its result."""

    key: str
    lease: str
    attempt_id: int
    attempt: int


@dataclass(frozen=True)
class SplitResult:
    """What a trial gave on one split: ranks of shape (queries,), or only totals {k: hits} where none are known.

    `precisions`: {MAP or MAP_AT_R: of each query, shape (queries,), 0 without a correct item}, where known.
    """

    split: str
    queries: int
    gallery: int | None
    hits: Mapping[int, int]
    ranks: NDArray[np.uint32] | None = None
    precisions: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


def of_ranks(
    split: str, ranks: NDArray[np.uint32], gallery: int, precisions: Mapping[str, NDArray[np.float32]] | None = None
) -> SplitResult:
    """The result of a split from its queries' ranks (1-based; 0: no correct item in the gallery)."""
    counted = {k: int(((ranks > 0) & (ranks <= k)).sum()) for k in KS}
    return SplitResult(split, len(ranks), gallery, counted, ranks, precisions or {})


def queued(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Those of a few trainings that are queued, in the order given."""
    query = select(trainings.c.key).where(trainings.c.key.in_(keys), trainings.c.state == QUEUED)
    free = set(connection.execute(query).scalars())
    return [key for key in keys if key in free]


def claim(connection: Connection, key: str, resumed_at: int = 0) -> Claim | None:
    """Takes a queued training for this process; None if it is no longer queued.

    `resumed_at`: the step of the checkpoint that it will go on from.
    """
    lease = uuid4().hex
    number = connection.execute(_TAKE, {"of": key, "lease": lease, "owner": owner(), "process": process()}).scalar()
    if number is None:
        return None
    values = {"training_key": key, "number": number, "state": RUNNING, "owner": owner()}
    made = connection.execute(_BEGIN, values | {"started": time.time(), "resumed_at": resumed_at})
    (attempt_id,) = made.inserted_primary_key or (0,)
    return Claim(key, lease, attempt_id, number)


_TAKE = (
    update(trainings)
    .where(trainings.c.key == bindparam("of"), trainings.c.state == QUEUED)
    .values(state=RUNNING, attempts=trainings.c.attempts + 1, beats=0)
    .values(lease=bindparam("lease"), owner=bindparam("owner"), process=bindparam("process"))
    .returning(trainings.c.attempts)
)
_BEGIN = insert(attempts)


def beat(connection: Connection, leases: Sequence[str]) -> list[str]:
    """Renews leases, so that nobody takes their trainings for abandoned; those of them that are lost."""
    mine = trainings.c.lease.in_(leases)
    if connection.execute(update(trainings).where(mine).values(beats=trainings.c.beats + 1)).rowcount == len(leases):
        return []
    held = set(connection.execute(select(trainings.c.lease).where(mine)).scalars())
    return [lease for lease in leases if lease not in held]


def note(connection: Connection, held: Claim, step: int, steps: int) -> None:
    """Notes how far an attempt is, for whoever asks."""
    connection.execute(_NOTE, {"of": held.attempt_id, "at": step, "all": steps})


_NOTE = update(attempts).where(attempts.c.id == bindparam("of")).values(step=bindparam("at"), steps=bindparam("all"))


def record(
    connection: Connection,
    held: Claim,
    outcome: Mapping[str, Sequence[SplitResult]],
    seconds: float,
    environment: Mapping[str, str],
    curve: Sequence[tuple[int, float]],
) -> bool:
    """Writes {trial key: results a split} and closes the claim; False, and nothing, if the lease is lost."""
    details = {"seconds": seconds, "environment": dict(environment), "curve": [list(point) for point in curve]}
    if not _end(connection, held, DONE, details=details):
        return False
    for key, splits in outcome.items():
        write_results(connection, key, held.attempt_id, splits)
    return True


def write_results(connection: Connection, key: str, attempt_id: int, splits: Sequence[SplitResult]) -> None:
    """Adds a trial's results, unless it has some that count."""
    if connection.execute(_COUNT, {"of": key, "by": attempt_id}).rowcount == 0:
        return
    of_trial = [
        {
            "trial_key": key,
            "split": result.split,
            "attempt_id": attempt_id,
            "queries": result.queries,
            "gallery": result.gallery,
            "ranks": pack(result.ranks) if result.ranks is not None else None,
        }
        for result in splits
    ]
    connection.execute(_ADD_RESULTS, of_trial)
    counted = [
        {"trial_key": key, "attempt_id": attempt_id, "split": result.split, "k": k, "hits": count}
        for result in splits
        for k, count in result.hits.items()
    ]
    connection.execute(_ADD_HITS, counted)
    averaged = [
        {
            "trial_key": key,
            "attempt_id": attempt_id,
            "split": result.split,
            "metric": metric,
            "mean": fmean(of_queries.tolist()),
            "of_queries": deflate(of_queries.astype("<f4")),
        }
        for result in splits
        for metric, of_queries in result.precisions.items()
    ]
    if averaged:
        connection.execute(_ADD_PRECISIONS, averaged)


_ADD_RESULTS, _ADD_HITS, _ADD_PRECISIONS = insert(results), insert(hits), insert(precisions)
_COUNT = (
    update(trials)
    .where(trials.c.key == bindparam("of"), trials.c.attempt_id.is_(None))
    .values(attempt_id=bindparam("by"))
)


def fail(connection: Connection, held: Claim, reason: str, traceback: str, seconds: float) -> bool:
    """Records that the attempt failed, and why; False if the lease is lost."""
    details = {"reason": reason, "traceback": traceback, "seconds": seconds}
    return _end(connection, held, FAILED, details=details)


def release(connection: Connection, held: Claim, reason: str) -> bool:
    """Gives an unfinished training back to the queue; False if the lease is lost."""
    return _end(connection, held, INTERRUPTED, QUEUED, {"reason": reason})


def prune(connection: Connection, held: Claim, reason: str, seconds: float) -> bool:
    """Records that an attempt was ended early, and where; its training rests. False if the lease is lost."""
    return _end(connection, held, PRUNED, details={"reason": reason, "seconds": seconds})


def lose(connection: Connection, held: Claim, ending: str, reason: str, reached: int) -> tuple[str, str] | None:
    """Ends an attempt as LOST or ABANDONED; the training's state then and why, None if the lease is lost.

    It is queued again, unless that has happened again and again without getting further than `reached`, the step
    of its newest checkpoint.
    """
    before = _fruitless(connection, held.key, reached)
    if sum(BLAME[state] for state in (ending, *before)) < MOST_BLAME:
        return (QUEUED, reason) if _end(connection, held, ending, QUEUED, {"reason": reason}) else None
    reason += f"; so ended {len(before) + 1} attempts in a row, without a newer checkpoint"
    return (FAILED, reason) if _end(connection, held, FAILED, details={"reason": reason}) else None


def retry(connection: Connection, keys: Sequence[str]) -> None:
    """Queues failed trainings again; their failed attempts stay on record."""
    _requeue(connection, FAILED, keys)


def queue_pruned(connection: Connection, keys: Sequence[str]) -> None:
    """Queues trainings that were ended early; they go on from their checkpoints."""
    _requeue(connection, PRUNED, keys)


def _requeue(connection: Connection, state: str, keys: Sequence[str]) -> None:
    again = update(trainings).where(trainings.c.key == bindparam("of"), trainings.c.state == state)
    if keys:
        connection.execute(again.values(state=QUEUED), [{"of": key} for key in keys])


def _fruitless(connection: Connection, key: str, reached: int) -> list[str]:
    """How the latest attempts ended that were lost and got no further; interrupted ones do not count."""
    ended = select(attempts.c.state, attempts.c.resumed_at).where(attempts.c.training_key == key)
    latest = ended.where(attempts.c.state.not_in((RUNNING, INTERRUPTED))).order_by(attempts.c.number.desc())
    found = connection.execute(latest.limit(MOST_BLAME)).all()
    return [state for state, at in takewhile(lambda one: one.state in BLAME and one.resumed_at >= reached, found)]


def _end(
    connection: Connection,
    held: Claim,
    state: str,
    training: str | None = None,
    details: Mapping[str, object] | None = None,
) -> bool:
    """Ends an attempt, if its lease still holds; the training takes the attempt's state, or `training`."""
    if connection.execute(_GIVE, {"of": held.key, "held": held.lease, "next": training or state}).rowcount == 0:
        return False
    closed: dict[str, object] = {"reason": None, "traceback": None, "seconds": None, "environment": None, "curve": None}
    closed |= {"of": held.attempt_id, "ending": state, "now": time.time(), **(details or {})}
    connection.execute(_CLOSE, closed)
    return True


_GIVE = (
    update(trainings)
    .where(trainings.c.key == bindparam("of"), trainings.c.lease == bindparam("held"), trainings.c.state == RUNNING)
    .values(state=bindparam("next"), lease=None)
)
_CLOSE = (
    update(attempts)
    .where(attempts.c.id == bindparam("of"))
    .values(state=bindparam("ending"), ended=bindparam("now"))
    .values({name: bindparam(name) for name in ("reason", "traceback", "seconds", "environment", "curve")})
)

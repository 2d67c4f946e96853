"""The queue in the store: a process claims a training, runs it, and writes its result once.

A claim is one guarded update. Its lease, a random word, is stored with the training; only the process that has this
lease can write the result.
"""

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


@dataclass(frozen=True)
class SplitResult:
    """The result of a trial on one split."""

    split: str
    queries: int
    """Number of queries."""
    gallery: int | None
    """Number of gallery items; None if unknown."""
    hits: Mapping[int, int]
    """{k: number of queries with a correct item among their k best}."""
    ranks: NDArray[np.uint32] | None = None
    """The rank of each query's first correct item, shape (queries,), from 1; 0 if the gallery has none. None if only
    totals are known."""
    precisions: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """{MAP or MAP_AT_R: precision of each query, shape (queries,), 0 for a query without a correct item}; empty if
    unknown."""


def of_ranks(
    split: str, ranks: NDArray[np.uint32], gallery: int, precisions: Mapping[str, NDArray[np.float32]] | None = None
) -> SplitResult:
    """Return the result of a split from its queries' ranks (from 1; 0 if the gallery has no correct item)."""
    counted = {k: int(((ranks > 0) & (ranks <= k)).sum()) for k in KS}
    return SplitResult(split, len(ranks), gallery, counted, ranks, precisions or {})


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
    """Renew leases, so that no other process takes their trainings for abandoned. Return the leases that are lost."""
    mine = trainings.c.lease.in_(leases)
    if connection.execute(update(trainings).where(mine).values(beats=trainings.c.beats + 1)).rowcount == len(leases):
        return []
    kept = set(connection.execute(select(trainings.c.lease).where(mine)).scalars())
    return [lease for lease in leases if lease not in kept]


def note(connection: Connection, claim: Claim, step: int, steps: int) -> None:
    """Record the step that an attempt has reached, for `ablate status`."""
    connection.execute(_NOTE, {"of": claim.attempt_id, "at": step, "all": steps})


_NOTE = update(attempts).where(attempts.c.id == bindparam("of")).values(step=bindparam("at"), steps=bindparam("all"))


def record(
    connection: Connection,
    claim: Claim,
    outcome: Mapping[str, Sequence[SplitResult]],
    seconds: float,
    environment: Mapping[str, str],
    curve: Sequence[tuple[int, float]],
) -> bool:
    """Write the results, {trial key: a result for each split}, and end the claim.

    Return False and write nothing if the lease is lost.
    """
    details = {"seconds": seconds, "environment": dict(environment), "curve": [list(point) for point in curve]}
    if not _end(connection, claim, DONE, details=details):
        return False
    for key, splits in outcome.items():
        write_results(connection, key, claim.attempt_id, splits)
    return True


def write_results(connection: Connection, key: str, attempt_id: int, splits: Sequence[SplitResult]) -> None:
    """Add a trial's results, unless it has a valid result already."""
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
        if len(of_queries)
    ]
    if averaged:
        connection.execute(_ADD_PRECISIONS, averaged)


_ADD_RESULTS, _ADD_HITS, _ADD_PRECISIONS = insert(results), insert(hits), insert(precisions)
_COUNT = (
    update(trials)
    .where(trials.c.key == bindparam("of"), trials.c.attempt_id.is_(None))
    .values(attempt_id=bindparam("by"))
)


def fail(connection: Connection, claim: Claim, reason: str, traceback: str, seconds: float) -> bool:
    """Record that the attempt failed, with the reason. Return False if the lease is lost."""
    details = {"reason": reason, "traceback": traceback, "seconds": seconds}
    return _end(connection, claim, FAILED, details=details)


def release(connection: Connection, claim: Claim, reason: str) -> bool:
    """Return an unfinished training to the queue. Return False if the lease is lost."""
    return _end(connection, claim, INTERRUPTED, QUEUED, {"reason": reason})


def prune(connection: Connection, claim: Claim, reason: str, seconds: float) -> bool:
    """Record that a search stopped the attempt early, with the reason. Return False if the lease is lost."""
    return _end(connection, claim, PRUNED, details={"reason": reason, "seconds": seconds})


def lose(connection: Connection, claim: Claim, ending: str, reason: str, reached: int) -> tuple[str, str] | None:
    """End an attempt as LOST or ABANDONED. Return the training's new state and the reason; None if the lease is lost.

    The training is queued again. If many attempts in a row have ended so without a checkpoint newer than `reached`,
    the step of its newest one, the training has failed.
    """
    before = _fruitless(connection, claim.key, reached)
    if sum(BLAME[state] for state in (ending, *before)) < MOST_BLAME:
        return (QUEUED, reason) if _end(connection, claim, ending, QUEUED, {"reason": reason}) else None
    reason += f"; so ended {len(before) + 1} attempts in a row, without a newer checkpoint"
    return (FAILED, reason) if _end(connection, claim, FAILED, details={"reason": reason}) else None


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

    The training gets the state of the attempt, or `training` if that is given.
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
    .values({name: bindparam(name) for name in ("reason", "traceback", "seconds", "environment", "curve")})
)

"""The queue in the store: a claim is one guarded update, and a result is written once, by who holds the lease."""

import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, and_, insert, select, update

from ablate.store.ranks import pack
from ablate.store.schema import (
    DONE,
    FAILED,
    INTERRUPTED,
    LOST,
    QUEUED,
    RUNNING,
    attempts,
    hits,
    results,
    trainings,
    trials,
)

LEASE_SECONDS = 15.0
KS = (1, 5, 10)


@dataclass(frozen=True)
class Claim:
    """The right to run one training and to write its result."""

    key: str
    lease: str
    attempt_id: int
    attempt: int


@dataclass(frozen=True)
class SplitResult:
    """What a trial gave on one split: ranks of shape (queries,), or only totals {k: hits} where none are known."""

    split: str
    queries: int
    gallery: int | None
    hits: Mapping[int, int]
    ranks: NDArray[np.uint32] | None = None


def of_ranks(split: str, ranks: NDArray[np.uint32], gallery: int) -> SplitResult:
    """The result of a split from its queries' ranks (1-based; 0: no correct item in the gallery)."""
    counted = {k: int(((ranks > 0) & (ranks <= k)).sum()) for k in KS}
    return SplitResult(split, len(ranks), gallery, counted, ranks)


def owner() -> str:
    """Who claims: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(connection: Connection, key: str) -> Claim | None:
    """Takes a queued training for this process; None if it is no longer queued."""
    lease, now = uuid4().hex, time.time()
    free = and_(trainings.c.key == key, trainings.c.state == QUEUED)
    taken = {"state": RUNNING, "lease": lease, "owner": owner()}
    taking = update(trainings).where(free).values(attempts=trainings.c.attempts + 1, **taken)
    if connection.execute(taking).rowcount == 0:
        return None
    number = connection.execute(select(trainings.c.attempts).where(trainings.c.key == key)).scalar_one()
    values = {
        "training_key": key,
        "number": number,
        "state": RUNNING,
        "owner": owner(),
        "started": now,
        "resumed_at": 0,
    }
    made = connection.execute(insert(attempts).values(**values))
    (attempt_id,) = made.inserted_primary_key or (0,)
    return Claim(key, lease, attempt_id, number)


def beat(connection: Connection, leases: Sequence[str]) -> None:
    """Renews leases, so that nobody takes their trainings for abandoned."""
    connection.execute(update(trainings).where(trainings.c.lease.in_(leases)).values(beats=trainings.c.beats + 1))


def record(
    connection: Connection,
    held: Claim,
    outcome: Mapping[str, Sequence[SplitResult]],
    seconds: float,
    environment: Mapping[str, str],
    curve: Sequence[tuple[int, float]],
) -> bool:
    """Writes {trial key: results a split} and closes the claim; False, and nothing, if the lease is lost."""
    if not _end(connection, held, DONE):
        return False
    for key, splits in outcome.items():
        write_results(connection, key, held.attempt_id, splits)
    details = {"seconds": seconds, "environment": dict(environment), "curve": [list(point) for point in curve]}
    connection.execute(update(attempts).where(attempts.c.id == held.attempt_id).values(**details))
    return True


def write_results(connection: Connection, key: str, attempt_id: int, splits: Sequence[SplitResult]) -> None:
    """Adds a trial's results, unless it has some that count."""
    lacks = and_(trials.c.key == key, trials.c.attempt_id.is_(None))
    if connection.execute(update(trials).where(lacks).values(attempt_id=attempt_id)).rowcount == 0:
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
    connection.execute(insert(results), of_trial)
    counted = [
        {"trial_key": key, "attempt_id": attempt_id, "split": result.split, "k": k, "hits": count}
        for result in splits
        for k, count in result.hits.items()
    ]
    connection.execute(insert(hits), counted)


def fail(connection: Connection, held: Claim, reason: str, traceback: str, seconds: float) -> bool:
    """Records that the attempt failed, and why; False if the lease is lost."""
    return _end(connection, held, FAILED, reason=reason, traceback=traceback, seconds=seconds)


def release(connection: Connection, held: Claim, reason: str) -> bool:
    """Gives an unfinished training back to the queue."""
    return _end(connection, held, INTERRUPTED, QUEUED, reason=reason)


def retry(connection: Connection, keys: Sequence[str]) -> None:
    """Queues failed trainings again; their failed attempts stay on record."""
    for key in keys:
        failed = and_(trainings.c.key == key, trainings.c.state == FAILED)
        connection.execute(update(trainings).where(failed).values(state=QUEUED))


def free_abandoned(connection: Connection) -> int:
    """Queues trainings again whose runner is dead (on this host) or silent (on another); how many there were."""
    running = select(trainings.c.key, trainings.c.lease, trainings.c.owner)
    abandoned = [row for row in connection.execute(running.where(trainings.c.state == RUNNING)) if _is_abandoned(row)]
    for row in abandoned:
        same = and_(trainings.c.key == row.key, trainings.c.lease == row.lease)
        connection.execute(update(trainings).where(same).values(state=QUEUED, lease=None))
        left = and_(attempts.c.training_key == row.key, attempts.c.state == RUNNING)
        reason = f"its runner {row.owner} is gone"
        connection.execute(update(attempts).where(left).values(state=LOST, reason=reason, ended=time.time()))
    return len(abandoned)


def _is_abandoned(row: Row[*tuple[Any, ...]]) -> bool:
    host, _, process = row.owner.rpartition(":")
    return bool(host == socket.gethostname() and not _alive(int(process)))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end(connection: Connection, held: Claim, state: str, training: str | None = None, **details: object) -> bool:
    """Ends an attempt, if its lease still holds; the training takes the attempt's state, or `training`."""
    mine = and_(trainings.c.key == held.key, trainings.c.lease == held.lease, trainings.c.state == RUNNING)
    ended = {"state": training or state, "lease": None}
    if connection.execute(update(trainings).where(mine).values(**ended)).rowcount == 0:
        return False
    closing = update(attempts).where(attempts.c.id == held.attempt_id)
    connection.execute(closing.values(state=state, ended=time.time(), **details))
    return True

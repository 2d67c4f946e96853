"""What finished trials gave, read back."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Text, and_, cast, select

from ablate.store.blobs import inflate, unpack
from ablate.store.plans import read_hits
from ablate.store.schema import attempts, precisions, results, trainings, trials
from ablate.store.sql import of_keys


@dataclass(frozen=True)
class TrialResult:
    """A trial as it stands: its training's state and, if it has a result on the split, what that is.

    `data` and `code` are the hashes that its training was identified by; `training` is its key. `precisions`:
    {metric: mean over all queries}; what was not recorded is not in it.
    """

    state: str
    queries: int | None
    gallery: int | None
    hits: Mapping[int, int]
    environment: Mapping[str, str]
    seconds: float | None
    data: str | None = None
    code: str = ""
    training: str = ""
    precisions: Mapping[str, float] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.queries is not None


def read_trials(connection: Connection, keys: set[str], split: str = "test") -> dict[str, TrialResult]:
    """{trial key: reading} on one split."""
    counted = read_hits(connection, keys, split)
    averaged = _read_means(connection, keys, split)
    joined = (
        trials.join(trainings, trainings.c.key == trials.c.training_key)
        .outerjoin(results, and_(_that_counts, results.c.split == split))
        .outerjoin(attempts, attempts.c.id == trials.c.attempt_id)
    )
    of_training = (trainings.c.state, trainings.c.data, cast(trainings.c.code, Text).label("code"))
    columns = (trials.c.key, trials.c.training_key, *of_training, results.c.queries, results.c.gallery, *_OF_ATTEMPT)
    found: dict[str, TrialResult] = {}
    for row in of_keys(connection, select(*columns).select_from(joined), trials.c.key, keys):
        environment = row.environment or {}
        hits = counted.get(row.key, {})
        given = (row.queries, row.gallery, hits, environment, row.seconds, row.data, row.code, row.training_key)
        found[row.key] = TrialResult(row.state, *given, averaged.get(row.key, {}))
    return found


def _read_means(connection: Connection, keys: Collection[str], split: str) -> dict[str, dict[str, float]]:
    """{trial key: {metric: mean precision}} of the trials that have any."""
    found: dict[str, dict[str, float]] = {}
    query = select(trials.c.key, precisions.c.metric, precisions.c.mean).join(precisions, _whose_precision_counts)
    for key, metric, mean in of_keys(connection, query.where(precisions.c.split == split), trials.c.key, keys):
        found.setdefault(key, {})[metric] = mean
    return found


def read_ranks(connection: Connection, key: str, split: str = "test") -> NDArray[np.uint32] | None:
    """A trial's per-query ranks, shape (queries,), 0 for a query without a correct item; None where unknown."""
    query = select(results.c.ranks).join(trials, _that_counts).where(trials.c.key == key, results.c.split == split)
    blob: Any = connection.execute(query).scalar()
    return None if blob is None else unpack(blob)


def read_precisions(connection: Connection, key: str, split: str = "test") -> dict[str, NDArray[np.float32]]:
    """A trial's precisions, {map, map_at_r: of each query, shape (queries,), 0 without a correct item}, where known."""
    query = select(precisions.c.metric, precisions.c.of_queries).join(trials, _whose_precision_counts)
    found = connection.execute(query.where(trials.c.key == key, precisions.c.split == split))
    return {metric: inflate(blob, "<f4").astype(np.float32) for metric, blob in found}


def read_hits_of_queries(
    connection: Connection, keys: Collection[str], k: int, split: str = "test"
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """(trial key, whether each query has a correct item among its k best), of trials whose ranks are known."""
    query = select(trials.c.key, results.c.ranks).join(results, _that_counts)
    known = query.where(results.c.split == split, results.c.ranks.is_not(None))
    for key, blob in of_keys(connection, known, trials.c.key, keys):
        ranks = unpack(blob)
        yield key, (ranks > 0) & (ranks <= k)


_OF_ATTEMPT = (attempts.c.environment, attempts.c.seconds)
_that_counts = and_(results.c.trial_key == trials.c.key, results.c.attempt_id == trials.c.attempt_id)
_whose_precision_counts = and_(precisions.c.trial_key == trials.c.key, precisions.c.attempt_id == trials.c.attempt_id)

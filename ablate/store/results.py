"""Reading the results of trials."""

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
    """The state of a trial and, if it has one, its result on one split."""

    state: str
    """The state of its training."""
    queries: int | None
    """Number of queries; None if the trial has no result."""
    gallery: int | None
    """Number of gallery items; None if unknown."""
    hits: Mapping[int, int]
    """{k: number of queries with a correct item among their k best}."""
    environment: Mapping[str, str]
    """Versions of libraries, the device, and more that was recorded of the run."""
    seconds: float | None
    """The trainer's own time."""
    data: str | None = None
    """The hash of the data that identifies the training."""
    code: str = ""
    """The hashes of code files that identify the training, as JSON."""
    training: str = ""
    """The key of the training."""
    precisions: Mapping[str, float] = field(default_factory=dict)
    """{"map" or "map_at_r": mean over all queries, in [0, 1]}, for those that were recorded."""

    @property
    def done(self) -> bool:
        return self.queries is not None


def read_trials(connection: Connection, keys: set[str], split: str = "test") -> dict[str, TrialResult]:
    """Return {trial key: result on one split}."""
    counted = read_hits(connection, keys, split)
    averaged = _read_means(connection, keys, split)
    joined = (
        trials.join(trainings, trainings.c.key == trials.c.training_key)
        .outerjoin(results, and_(_that_counts, results.c.split == split))
        .outerjoin(attempts, attempts.c.id == trials.c.attempt_id)
    )
    of_training = (trainings.c.state, trainings.c.data, cast(trainings.c.code, Text).label("code"))
    columns = (trials.c.key, trials.c.training_key, *of_training, results.c.queries, results.c.gallery, *_OF_ATTEMPT)
    by_key: dict[str, TrialResult] = {}
    for row in of_keys(connection, select(*columns).select_from(joined), trials.c.key, keys):
        environment = row.environment or {}
        hits = counted.get(row.key, {})
        columns_of_row = (row.queries, row.gallery, hits, environment, row.seconds, row.data, row.code)
        by_key[row.key] = TrialResult(row.state, *columns_of_row, row.training_key, averaged.get(row.key, {}))
    return by_key


def _read_means(connection: Connection, keys: Collection[str], split: str) -> dict[str, dict[str, float]]:
    """Return {trial key: {metric: mean precision}}, for trials that have one."""
    means: dict[str, dict[str, float]] = {}
    query = select(trials.c.key, precisions.c.metric, precisions.c.mean).join(precisions, _whose_precision_counts)
    for key, metric, mean in of_keys(connection, query.where(precisions.c.split == split), trials.c.key, keys):
        means.setdefault(key, {})[metric] = mean
    return means


def read_ranks(connection: Connection, key: str, split: str = "test") -> NDArray[np.uint32] | None:
    """Return the rank of each query's first correct item, shape (queries,), 0 if there is none; None if unknown."""
    query = select(results.c.ranks).join(trials, _that_counts).where(trials.c.key == key, results.c.split == split)
    blob: Any = connection.execute(query).scalar()
    return None if blob is None else unpack(blob)


def read_precisions(connection: Connection, key: str, split: str = "test") -> dict[str, NDArray[np.float32]]:
    """Return {"map" or "map_at_r": precision of each query, shape (queries,), 0 without a correct item}, if known."""
    query = select(precisions.c.metric, precisions.c.of_queries).join(trials, _whose_precision_counts)
    blobs = connection.execute(query.where(trials.c.key == key, precisions.c.split == split))
    return {metric: inflate(blob, "<f4").astype(np.float32) for metric, blob in blobs}


def read_hits_of_queries(
    connection: Connection, keys: Collection[str], k: int, split: str = "test"
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield (trial key, True for each query with a correct item among its k best), for trials with known ranks."""
    for key, ranks in read_ranks_of_trials(connection, keys, split):
        yield key, (ranks > 0) & (ranks <= k)


def read_ranks_of_trials(
    connection: Connection, keys: Collection[str], split: str = "test"
) -> Iterator[tuple[str, NDArray[np.uint32]]]:
    """Yield (trial key, rank of each query's first correct item), for trials with known ranks; see `read_ranks`."""
    query = select(trials.c.key, results.c.ranks).join(results, _that_counts)
    with_ranks = query.where(results.c.split == split, results.c.ranks.is_not(None))
    for key, blob in of_keys(connection, with_ranks, trials.c.key, keys):
        yield key, unpack(blob)


_OF_ATTEMPT = (attempts.c.environment, attempts.c.seconds)
_that_counts = and_(results.c.trial_key == trials.c.key, results.c.attempt_id == trials.c.attempt_id)
_whose_precision_counts = and_(precisions.c.trial_key == trials.c.key, precisions.c.attempt_id == trials.c.attempt_id)

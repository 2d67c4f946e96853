"""What finished trials gave, read back."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Text, and_, cast, select

from ablate.store.keys import of_keys
from ablate.store.plans import read_hits
from ablate.store.ranks import unpack
from ablate.store.schema import attempts, results, trainings, trials


@dataclass(frozen=True)
class Reading:
    """A trial as it stands: its training's state and, if it has a result on the split, what that is.

    `data` and `code` are the hashes that its training was identified by; `training` is its key.
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

    @property
    def done(self) -> bool:
        return self.queries is not None


def read_trials(connection: Connection, keys: set[str], split: str = "test") -> dict[str, Reading]:
    """{trial key: reading} on one split."""
    counted = read_hits(connection, keys, split)
    joined = (
        trials.join(trainings, trainings.c.key == trials.c.training_key)
        .outerjoin(results, and_(_that_counts, results.c.split == split))
        .outerjoin(attempts, attempts.c.id == trials.c.attempt_id)
    )
    of_training = (trainings.c.state, trainings.c.data, cast(trainings.c.code, Text).label("code"))
    columns = (trials.c.key, trials.c.training_key, *of_training, results.c.queries, results.c.gallery, *_OF_ATTEMPT)
    found: dict[str, Reading] = {}
    for row in of_keys(connection, select(*columns).select_from(joined), trials.c.key, keys):
        environment = row.environment or {}
        hits = counted.get(row.key, {})
        given = (row.queries, row.gallery, hits, environment, row.seconds, row.data, row.code, row.training_key)
        found[row.key] = Reading(row.state, *given)
    return found


def read_ranks(connection: Connection, key: str, split: str = "test") -> NDArray[np.uint32] | None:
    """A trial's per-query ranks, shape (queries,), 0 for a query without a correct item; None where unknown."""
    query = select(results.c.ranks).join(trials, _that_counts).where(trials.c.key == key, results.c.split == split)
    blob: Any = connection.execute(query).scalar()
    return None if blob is None else unpack(blob)


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

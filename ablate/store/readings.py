"""What finished trials gave, read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, select

from ablate.store.keys import of_keys
from ablate.store.plans import read_hits
from ablate.store.ranks import unpack
from ablate.store.schema import attempts, results, trainings, trials


@dataclass(frozen=True)
class Reading:
    """A trial as it stands: its training's state and, if it has a result on the split, what that is."""

    state: str
    queries: int | None
    gallery: int | None
    hits: Mapping[int, int]
    environment: Mapping[str, str]
    seconds: float | None

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
    columns = (trials.c.key, trainings.c.state, results.c.queries, results.c.gallery, *_OF_ATTEMPT)
    found: dict[str, Reading] = {}
    for row in of_keys(connection, select(*columns).select_from(joined), trials.c.key, keys):
        environment = row.environment or {}
        hits = counted.get(row.key, {})
        found[row.key] = Reading(row.state, row.queries, row.gallery, hits, environment, row.seconds)
    return found


def read_ranks(connection: Connection, key: str, split: str = "test") -> NDArray[np.uint32] | None:
    """A trial's per-query ranks, shape (queries,), 0 for a query without a correct item; None where unknown."""
    query = select(results.c.ranks).join(trials, _that_counts).where(trials.c.key == key, results.c.split == split)
    blob: Any = connection.execute(query).scalar()
    return None if blob is None else unpack(blob)


_OF_ATTEMPT = (attempts.c.environment, attempts.c.seconds)
_that_counts = and_(results.c.trial_key == trials.c.key, results.c.attempt_id == trials.c.attempt_id)

"""Read the values of single examples, their names and clusters, and artifacts. Reading results needs no numpy."""

from collections.abc import Collection, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, select

from ablate.measurement import TEST
from ablate.packed_arrays import inflate, unpack_examples, unpack_words
from ablate.store.results import that_are_measured
from ablate.store.schema import artifacts, example_sets, measurements, trials
from ablate.store.sql import of_keys

Examples = NDArray[np.float32]
"""The value of each example, shape (n,)."""


def read_examples(
    connection: Connection, keys: Collection[str], metric: str, split: str = TEST
) -> Iterator[tuple[str, Examples]]:
    """Yield (trial key, value of each example on the metric), for trials whose examples are known."""
    query = select(measurements.c.trial_key, measurements.c.examples).join(trials, that_are_measured)
    of_metric = (measurements.c.split == split, measurements.c.metric == metric)
    query = query.where(*of_metric, measurements.c.examples.is_not(None))
    for key, blob in of_keys(connection, query, measurements.c.trial_key, keys):
        yield key, unpack_examples(blob)


def read_contents(connection: Connection, keys: Collection[str]) -> dict[str, bytes]:
    """Return {trial key: digest of all examples and artifacts of its result}.

    Trials are left out if none of their metrics has different values of examples: such results may agree by chance.
    """
    of_examples = select(measurements.c.trial_key, measurements.c.examples).join(trials, that_are_measured)
    known = of_examples.where(measurements.c.examples.is_not(None))
    query = known.order_by(measurements.c.trial_key, measurements.c.split, measurements.c.metric)
    digests: dict[str, Any] = {}
    for key, blob in of_keys(connection, query, measurements.c.trial_key, keys):
        examples = unpack_examples(blob)
        if len(examples) and np.any(examples != examples[0]):
            digests.setdefault(key, blake2b()).update(examples.tobytes())
    of_artifacts = select(artifacts.c.trial_key, artifacts.c.content).join(trials, _that_are_kept)
    query = of_artifacts.order_by(artifacts.c.trial_key, artifacts.c.name)
    for key, content in of_keys(connection, query, artifacts.c.trial_key, set(digests)):
        digests[key].update(content)
    return {key: digest.digest() for key, digest in digests.items()}


def read_example_set(connection: Connection, key: str) -> tuple[list[str] | None, NDArray[np.int64] | None]:
    """Return the names of the examples of a set and the cluster of each, shape (n,); None if not recorded."""
    query = select(example_sets.c.ids, example_sets.c.clusters).where(example_sets.c.key == key)
    ids, clusters = connection.execute(query).one()
    return (
        None if ids is None else unpack_words(ids),
        None if clusters is None else inflate(clusters, "<i8").astype(np.int64),
    )


def read_artifact(connection: Connection, key: str, name: str) -> bytes | None:
    """Return an artifact of a trial's result; None if it has none of that name."""
    query = (
        select(artifacts.c.content).join(trials, _that_are_kept).where(trials.c.key == key, artifacts.c.name == name)
    )
    content: Any = connection.execute(query).scalar()
    return None if content is None else bytes(content)


_that_are_kept = and_(artifacts.c.trial_key == trials.c.key, artifacts.c.attempt_id == trials.c.attempt_id)

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
from ablate.study.wiring.outcomes import Contents

Examples = NDArray[np.float32]
"""The value of each example, shape (n,)."""
MANY_VALUES, MANY_EXAMPLES = 10, 200
"""The numbers of different values, and of examples with another than the most common value, that are never equal by
chance. Two networks that miss 200 examples each miss dozens of others, and a factor that disturbs a training ten times
less than another seed does still changes several."""


def read_examples(
    connection: Connection, keys: Collection[str], metric: str, split: str = TEST
) -> Iterator[tuple[str, Examples]]:
    """Yield (trial key, value of each example on the metric), for trials whose examples are known."""
    query = select(measurements.c.trial_key, measurements.c.examples).join(trials, that_are_measured)
    of_metric = (measurements.c.split == split, measurements.c.metric == metric)
    query = query.where(*of_metric, measurements.c.examples.is_not(None))
    for key, blob in of_keys(connection, query, measurements.c.trial_key, keys):
        yield key, unpack_examples(blob)


def read_contents(connection: Connection, keys: Collection[str]) -> dict[str, Contents]:
    """Return {trial key: all examples and artifacts of its result, as a digest}.

    Trials are left out if none of their metrics has different values of examples: such results may agree by chance.
    """
    of_examples = select(measurements.c.trial_key, measurements.c.examples).join(trials, that_are_measured)
    known = of_examples.where(measurements.c.examples.is_not(None))
    query = known.order_by(measurements.c.trial_key, measurements.c.split, measurements.c.metric)
    digests: dict[str, Any] = {}
    rich = set()
    for key, blob in of_keys(connection, query, measurements.c.trial_key, keys):
        examples = unpack_examples(blob)
        if len(examples) and np.any(examples != examples[0]):
            digests.setdefault(key, blake2b()).update(examples.tobytes())
            rich |= {key} if are_rich(examples) else set()
    of_artifacts = select(artifacts.c.trial_key, artifacts.c.content).join(trials, _that_are_kept)
    query = of_artifacts.order_by(artifacts.c.trial_key, artifacts.c.name)
    for key, content in of_keys(connection, query, artifacts.c.trial_key, set(digests)):
        digests[key].update(content)
        rich.add(key)
    return {key: Contents(digest.digest(), key in rich) for key, digest in digests.items()}


def are_rich(examples: Examples) -> bool:
    """Return True if two trainings practically never have the same values of all examples, by chance or nearly so.

    Two trainings of 20 examples often miss the same one. So there must be many different values, or many examples that
    do not have the most common one.
    """
    counts = np.unique(examples, return_counts=True)[1]
    return len(counts) >= MANY_VALUES or len(examples) - int(counts.max()) >= MANY_EXAMPLES


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

"""Reading the results of trials."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Text, and_, cast, select

from ablate.measurement import TEST
from ablate.packed_arrays import inflate, unpack_examples, unpack_words
from ablate.store.schema import artifacts, attempts, example_sets, measurements, results, trainings, trials
from ablate.store.sql import of_keys

Examples = NDArray[np.float32]
"""The value of each example, shape (n,)."""


@dataclass(frozen=True, slots=True)
class StoredValue:
    """The value of a metric on one split."""

    value: float
    """In the metric's unit; nan if it is not a number."""
    n: int | None
    """The number of examples that it is the mean over; None if it is not known."""
    example_set: str | None = None
    """The key of the names and clusters of its examples; None if they are known by position only."""


@dataclass(frozen=True)
class TrialResult:
    """The state of a trial and, if it has one, its result on one split."""

    state: str
    """The state of its training."""
    values: Mapping[str, StoredValue] | None
    """{metric: value}; None if the trial has no result."""
    environment: Mapping[str, str]
    """Versions of libraries, the device, and more that was recorded of the run."""
    seconds: float | None
    """The trainer's own time."""
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    """{word: number} of what the split has, in the trainer's words; None if it is not known."""
    data: str | None = None
    """The hash of the data that identifies the training."""
    code: str = ""
    """The hashes of code files that identify the training, as JSON."""
    training: str = ""
    """The key of the training."""

    @property
    def done(self) -> bool:
        return self.values is not None

    @property
    def n(self) -> int | None:
        """The largest number of examples of any of its metrics; None if none is known."""
        return max((one.n for one in (self.values or {}).values() if one.n is not None), default=None)


def read_trials(connection: Connection, keys: Collection[str], split: str = TEST) -> dict[str, TrialResult]:
    """Return {trial key: result on one split}."""
    values = read_values(connection, keys, split)
    joined = (
        trials.join(trainings, trainings.c.key == trials.c.training_key)
        .outerjoin(results, and_(_that_counts, results.c.split == split))
        .outerjoin(attempts, attempts.c.id == trials.c.attempt_id)
    )
    of_training = (trainings.c.state, trainings.c.data, cast(trainings.c.code, Text).label("code"))
    of_split = (results.c.attempt_id, results.c.sizes)
    columns = (trials.c.key, trials.c.training_key, *of_training, *of_split, *_OF_ATTEMPT)
    by_key: dict[str, TrialResult] = {}
    for row in of_keys(connection, select(*columns).select_from(joined), trials.c.key, keys):
        by_key[row.key] = TrialResult(
            row.state,
            None if row.attempt_id is None else values.get(row.key, {}),
            row.environment or {},
            row.seconds,
            row.sizes or {},
            row.data,
            row.code,
            row.training_key,
        )
    return by_key


def read_values(connection: Connection, keys: Collection[str], split: str = TEST) -> dict[str, dict[str, StoredValue]]:
    """Return {trial key: {metric: value}}, for trials that have a value on the split."""
    of_value = (measurements.c.metric, measurements.c.value, measurements.c.n, measurements.c.example_set)
    query = select(measurements.c.trial_key, *of_value).join(trials, _that_are_measured)
    query = query.where(measurements.c.split == split)
    values: dict[str, dict[str, StoredValue]] = {}
    for key, metric, value, n, example_set in of_keys(connection, query, measurements.c.trial_key, keys):
        values.setdefault(key, {})[metric] = StoredValue(nan if value is None else value, n, example_set)
    return values


def read_examples(
    connection: Connection, keys: Collection[str], metric: str, split: str = TEST
) -> Iterator[tuple[str, Examples]]:
    """Yield (trial key, value of each example on the metric), for trials whose examples are known."""
    query = select(measurements.c.trial_key, measurements.c.examples).join(trials, _that_are_measured)
    of_metric = (measurements.c.split == split, measurements.c.metric == metric)
    query = query.where(*of_metric, measurements.c.examples.is_not(None))
    for key, blob in of_keys(connection, query, measurements.c.trial_key, keys):
        yield key, unpack_examples(blob)


def read_contents(connection: Connection, keys: Collection[str]) -> dict[str, bytes]:
    """Return {trial key: digest of all examples and artifacts of its result}.

    Trials are left out if none of their metrics has different values of examples: such results may agree by chance.
    """
    of_examples = select(measurements.c.trial_key, measurements.c.examples).join(trials, _that_are_measured)
    known = of_examples.where(measurements.c.examples.is_not(None))
    query = known.order_by(measurements.c.trial_key, measurements.c.split, measurements.c.metric)
    digests: dict[str, Any] = {}
    for key, blob in of_keys(connection, query, measurements.c.trial_key, keys):
        examples = unpack_examples(blob)
        if len(examples) and np.any(examples != examples[0]):
            digests.setdefault(key, blake2b()).update(examples.tobytes())
    counts = and_(artifacts.c.trial_key == trials.c.key, artifacts.c.attempt_id == trials.c.attempt_id)
    of_artifacts = select(artifacts.c.trial_key, artifacts.c.content).join(trials, counts)
    query = of_artifacts.order_by(artifacts.c.trial_key, artifacts.c.name)
    for key, content in of_keys(connection, query, artifacts.c.trial_key, set(digests)):
        digests[key].update(content)
    return {key: digest.digest() for key, digest in digests.items()}


def read_example_set(connection: Connection, key: str) -> tuple[list[str] | None, NDArray[np.int64] | None]:
    """Return the names of the examples of a set and the cluster of each, shape (n,); None for what was not recorded."""
    query = select(example_sets.c.ids, example_sets.c.clusters).where(example_sets.c.key == key)
    ids, clusters = connection.execute(query).one()
    return (
        None if ids is None else unpack_words(ids),
        None if clusters is None else inflate(clusters, "<i8").astype(np.int64),
    )


def read_artifact(connection: Connection, key: str, name: str) -> bytes | None:
    """Return an artifact of a trial's result; None if it has none of that name."""
    counts = and_(artifacts.c.trial_key == trials.c.key, artifacts.c.attempt_id == trials.c.attempt_id)
    query = select(artifacts.c.content).join(trials, counts).where(trials.c.key == key, artifacts.c.name == name)
    content: Any = connection.execute(query).scalar()
    return None if content is None else bytes(content)


_OF_ATTEMPT = (attempts.c.environment, attempts.c.seconds)
_that_counts = and_(results.c.trial_key == trials.c.key, results.c.attempt_id == trials.c.attempt_id)
_that_are_measured = and_(measurements.c.trial_key == trials.c.key, measurements.c.attempt_id == trials.c.attempt_id)

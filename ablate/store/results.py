"""Reading the results of trials."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from math import nan

from sqlalchemy import Connection, Text, and_, cast, func, or_, select

from ablate.measurement import TEST
from ablate.store.schema import DIVERGED, FAILED, attempts, measurements, results, trainings, trials
from ablate.store.sql import of_keys
from ablate.study.wiring.repeats import Repeat, changed_names, differing_values


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
    reason: str = ""
    """The reason why it has no result, if its training failed or diverged and the reason was requested."""

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


def with_reasons(connection: Connection, read: Mapping[str, TrialResult]) -> dict[str, TrialResult]:
    """Return {trial key: result} with the reasons of trials that have none as their trainings failed or diverged."""
    ended = {one.training for one in read.values() if not one.done and one.state in (FAILED, DIVERGED)}
    query = select(trainings.c.key, attempts.c.reason).join(attempts, _that_is_latest)
    reasons = dict(of_keys(connection, query, trainings.c.key, ended)) if ended else {}
    return {
        key: replace(one, reason=reasons.get(one.training) or "") if not one.done and one.training in ended else one
        for key, one in read.items()
    }


def read_values(connection: Connection, keys: Collection[str], split: str = TEST) -> dict[str, dict[str, StoredValue]]:
    """Return {trial key: {metric: value}}, for trials that have a value on the split."""
    of_value = (measurements.c.metric, measurements.c.value, measurements.c.n, measurements.c.example_set)
    query = select(measurements.c.trial_key, *of_value).join(trials, that_are_measured)
    query = query.where(measurements.c.split == split)
    values: dict[str, dict[str, StoredValue]] = {}
    for key, metric, value, n, example_set in of_keys(connection, query, measurements.c.trial_key, keys):
        values.setdefault(key, {})[metric] = StoredValue(nan if value is None else value, n, example_set)
    return values


def read_attempt_times(connection: Connection, keys: Collection[str]) -> dict[str, tuple[float, float | None]]:
    """Return {trial key: (start, end)} of the attempt with the result, or else of the latest one.

    Both are seconds since the epoch; the end is None while it runs. Trials without an attempt are left out.
    """
    latest = and_(trials.c.attempt_id.is_(None), attempts.c.number == trainings.c.attempts)
    query = (
        select(trials.c.key, attempts.c.started, attempts.c.ended)
        .join(trainings, trainings.c.key == trials.c.training_key)
        .join(attempts, attempts.c.training_key == trainings.c.key)
        .where(or_(attempts.c.id == trials.c.attempt_id, latest))
    )
    return {key: (started, ended) for key, started, ended in of_keys(connection, query, trials.c.key, keys)}


def read_repeats(connection: Connection, keys: Collection[str], names: Collection[str]) -> dict[str, Repeat]:
    """Return {trial key: difference} of the trials whose valid result differs from an earlier one.

    `names`: the metrics that are compared, on the test split. The latest earlier result that differs counts.
    """
    again = {key for (key,) in of_keys(connection, _SEVERAL, results.c.trial_key, keys)}
    if not again:
        return {}
    valid = dict(of_keys(connection, select(trials.c.key, trials.c.attempt_id), trials.c.key, again))
    by_trial: dict[str, dict[int, dict[str, float]]] = {}
    for key, attempt, metric, value in of_keys(connection, _VALUES, measurements.c.trial_key, again):
        by_trial.setdefault(key, {}).setdefault(attempt, {})[metric] = nan if value is None else value
    found = {}
    for key, by_attempt in sorted(by_trial.items()):
        now = by_attempt.pop(valid[key], {}) if valid[key] is not None else {}
        for attempt in sorted(by_attempt, reverse=True):
            if values := differing_values(by_attempt[attempt], now, names):
                found[key] = Repeat(values, _changed(connection, attempt, valid[key]))
                break
    return found


def _changed(connection: Connection, then: int, now: int) -> tuple[str, ...]:
    """Return the recorded circumstances in which two attempts differ."""
    query = select(attempts.c.id, attempts.c.environment).where(attempts.c.id.in_((then, now)))
    environments = {row.id: row.environment or {} for row in connection.execute(query)}
    return changed_names(environments.get(then, {}), environments.get(now, {}))


_that_is_latest = and_(attempts.c.training_key == trainings.c.key, attempts.c.number == trainings.c.attempts)
_OF_ATTEMPT = (attempts.c.environment, attempts.c.seconds)
_that_counts = and_(results.c.trial_key == trials.c.key, results.c.attempt_id == trials.c.attempt_id)
that_are_measured = and_(measurements.c.trial_key == trials.c.key, measurements.c.attempt_id == trials.c.attempt_id)
"""The measurements of the result that counts, joined with the trials."""
_SEVERAL = (
    select(results.c.trial_key).group_by(results.c.trial_key).having(func.count(results.c.attempt_id.distinct()) > 1)
)
_VALUES = select(
    measurements.c.trial_key, measurements.c.attempt_id, measurements.c.metric, measurements.c.value
).where(measurements.c.split == TEST)

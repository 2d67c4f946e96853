"""Reading the results of trials that were trained more than once. A reset keeps the earlier ones."""

from collections.abc import Collection, Mapping
from math import nan

from sqlalchemy import Connection, func, select

from ablate.measurement import TEST
from ablate.store.schema import attempts, measurements, results, trials
from ablate.store.sql import of_keys
from ablate.study.wiring.repeats import Repeat, changed_names, differing_values


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
    environments: Mapping[int, Mapping[str, str] | None] = dict(connection.execute(query).tuples().all())
    return changed_names(environments.get(then) or {}, environments.get(now) or {})


_SEVERAL = (
    select(results.c.trial_key).group_by(results.c.trial_key).having(func.count(results.c.attempt_id.distinct()) > 1)
)
_VALUES = select(
    measurements.c.trial_key, measurements.c.attempt_id, measurements.c.metric, measurements.c.value
).where(measurements.c.split == TEST)

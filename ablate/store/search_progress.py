"""The progress of trainings in a search: interim results on the validation split, and the step that each reached."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import isnan, nan

from sqlalchemy import Connection, delete, insert, select

from ablate.measurement import Interim
from ablate.store.schema import PRUNED, attempts, interims, trials
from ablate.store.sql import of_keys


@dataclass(frozen=True)
class TrainingProgress:
    """The progress of one training."""

    fraction: float = 0.0
    """The part of its steps after which its last interim result was taken; 0 if there is none."""
    values: Mapping[str, float] = field(default_factory=dict)
    """{metric: value of that interim result}."""
    steps: int | None = None
    """Number of all its steps; None if it was not recorded."""
    pruned_at: int | None = None
    """The step at which a search stopped it; None if it was not stopped, or if the step was not recorded."""

    @property
    def taken(self) -> float | None:
        """The share of its steps up to the last interim result or the stop, in [0, 1]; None if unknown."""
        if self.fraction:
            return self.fraction
        return self.pruned_at / self.steps if self.pruned_at is not None and self.steps else None


def save_interim(connection: Connection, training_key: str, interim: Interim) -> None:
    """Save an interim result, in place of that of an earlier attempt after the same part."""
    same = (interims.c.training_key == training_key) & (interims.c.fraction == interim.fraction)
    connection.execute(delete(interims).where(same))
    of_part = {"training_key": training_key, "fraction": interim.fraction}
    values = [
        of_part | {"metric": one.metric, "value": None if isnan(one.value) else one.value, "n": one.n}
        for one in interim.measurements
    ]
    if values:
        connection.execute(insert(interims), values)


def read_interims(connection: Connection, training_keys: Collection[str]) -> dict[str, dict[float, dict[str, float]]]:
    """Return {training key: {fraction of its steps: {metric: value}}}, the fractions in ascending order."""
    columns = (interims.c.training_key, interims.c.fraction, interims.c.metric, interims.c.value)
    query = select(*columns).order_by(interims.c.training_key, interims.c.fraction, interims.c.metric)
    values: dict[str, dict[float, dict[str, float]]] = {}
    for key, fraction, metric, value in of_keys(connection, query, interims.c.training_key, training_keys):
        values.setdefault(key, {}).setdefault(fraction, {})[metric] = nan if value is None else value
    return values


def read_progress(connection: Connection, keys: Collection[str]) -> dict[str, TrainingProgress]:
    """Return {trial key: progress of its training}, for trials with an attempt or an interim result."""
    latest: dict[str, tuple[float, dict[str, float]]] = {}
    for key, fraction, metric, value in of_keys(connection, _INTERIMS, trials.c.key, keys):
        if fraction > latest.get(key, (0.0, {}))[0]:
            latest[key] = fraction, {}
        if fraction == latest[key][0] and value is not None:
            latest[key][1][metric] = value
    progress = {key: TrainingProgress(fraction, values) for key, (fraction, values) in latest.items()}
    for key, state, step, steps in of_keys(connection, _ATTEMPTS, trials.c.key, keys):
        before = progress.get(key, TrainingProgress())
        pruned_at = step if state == PRUNED and step is not None else before.pruned_at
        progress[key] = TrainingProgress(before.fraction, before.values, steps or before.steps, pruned_at)
    return progress


_INTERIMS = select(trials.c.key, interims.c.fraction, interims.c.metric, interims.c.value).join(
    interims, interims.c.training_key == trials.c.training_key
)
_ATTEMPTS = (
    select(trials.c.key, attempts.c.state, attempts.c.step, attempts.c.steps)
    .join(attempts, attempts.c.training_key == trials.c.training_key)
    .order_by(attempts.c.number)
)

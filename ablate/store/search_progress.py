"""The progress of trainings in a search: interim results on the validation split, and the step that each reached."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection, delete, insert, select

from ablate.store.schema import PRUNED, attempts, interims, trials
from ablate.store.sql import of_keys

TENTHS = 10
"""Interim results are recorded after tenths of a training's steps."""


class StoredInterim(Protocol):
    """A training's result on the validation split after a part of its steps."""

    @property
    def part(self) -> int:
        """The part of its steps, in tenths."""
        ...

    @property
    def hits(self) -> Mapping[int, int]:
        """{k: number of queries with a correct item among their k best}."""
        ...

    @property
    def queries(self) -> int:
        """Number of queries."""
        ...


@dataclass(frozen=True)
class TrainingProgress:
    """The progress of one training."""

    part: int = 0
    """The part of its steps after which its last interim result was taken, in tenths; 0 if there is none."""
    rates: Mapping[int, float] = field(default_factory=dict)
    """{k: hit rate of that interim result, in [0, 1]}."""
    steps: int | None = None
    """Number of all its steps; None if it was not recorded."""
    pruned_at: int | None = None
    """The step at which a search stopped it; None if it was not stopped, or if the step was not recorded."""

    @property
    def taken(self) -> float | None:
        """The share of its steps up to the last interim result or the stop, in [0, 1]; None if unknown."""
        if self.part:
            return self.part / TENTHS
        return self.pruned_at / self.steps if self.pruned_at is not None and self.steps else None


def save_interim(connection: Connection, training_key: str, interim: StoredInterim) -> None:
    """Save an interim result, in place of that of an earlier attempt after the same part."""
    same = (interims.c.training_key == training_key) & (interims.c.part == interim.part)
    of_part = {"training_key": training_key, "part": interim.part, "queries": interim.queries}
    connection.execute(delete(interims).where(same))
    connection.execute(insert(interims), [of_part | {"k": k, "hits": count} for k, count in interim.hits.items()])


def read_interims(connection: Connection, training_keys: Collection[str]) -> dict[str, dict[int, dict[int, float]]]:
    """Return {training key: {part: {k: hit rate, in [0, 1]}}}, the parts in ascending order."""
    columns = (interims.c.training_key, interims.c.part, interims.c.k, interims.c.hits, interims.c.queries)
    query = select(*columns).order_by(interims.c.training_key, interims.c.part, interims.c.k)
    rates: dict[str, dict[int, dict[int, float]]] = {}
    for key, part, k, count, queries in of_keys(connection, query, interims.c.training_key, training_keys):
        rates.setdefault(key, {}).setdefault(part, {})[k] = count / queries
    return rates


def read_progress(connection: Connection, keys: Collection[str]) -> dict[str, TrainingProgress]:
    """Return {trial key: progress of its training}, for trials with an attempt or an interim result."""
    parts: dict[str, tuple[int, dict[int, float]]] = {}
    for key, part, k, hits, queries in of_keys(connection, _INTERIMS, trials.c.key, keys):
        if part > parts.get(key, (0, {}))[0]:
            parts[key] = part, {}
        if part == parts[key][0] and queries:
            parts[key][1][k] = hits / queries
    progress = {key: TrainingProgress(part, rates) for key, (part, rates) in parts.items()}
    for key, state, step, steps in of_keys(connection, _ATTEMPTS, trials.c.key, keys):
        before = progress.get(key, TrainingProgress())
        pruned_at = step if state == PRUNED and step is not None else before.pruned_at
        progress[key] = TrainingProgress(before.part, before.rates, steps or before.steps, pruned_at)
    return progress


_INTERIMS = select(trials.c.key, interims.c.part, interims.c.k, interims.c.hits, interims.c.queries).join(
    interims, interims.c.training_key == trials.c.training_key
)
_ATTEMPTS = (
    select(trials.c.key, attempts.c.state, attempts.c.step, attempts.c.steps)
    .join(attempts, attempts.c.training_key == trials.c.training_key)
    .order_by(attempts.c.number)
)

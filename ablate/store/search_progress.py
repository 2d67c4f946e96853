"""What a report tells of a search beside its candidates: how far their trainings came."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from ablate.store.schema import PRUNED, attempts, interims, trials
from ablate.store.sql import of_keys

TENTHS = 10
"""Interim results are told after tenths of a training's steps."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training came: {k: rate on validation} when it was last looked at, after `part` tenths of its steps.

    `steps`: how many it has in all; `pruned_at`: at which it was stopped; None where nobody noted it.
    """

    part: int = 0
    rates: Mapping[int, float] = field(default_factory=dict)
    steps: int | None = None
    pruned_at: int | None = None

    @property
    def taken(self) -> float | None:
        """The share of its steps up to where it was stopped; None where that is not known."""
        if self.part:
            return self.part / TENTHS
        return self.pruned_at / self.steps if self.pruned_at is not None and self.steps else None


def read_ways(connection: Connection, keys: Collection[str]) -> dict[str, TrainingProgress]:
    """{trial key: how far its training came}, of those that the store knows something of."""
    parts: dict[str, tuple[int, dict[int, float]]] = {}
    for key, part, k, hits, queries in of_keys(connection, _INTERIMS, trials.c.key, keys):
        if part > parts.get(key, (0, {}))[0]:
            parts[key] = part, {}
        if part == parts[key][0] and queries:
            parts[key][1][k] = hits / queries
    ways = {key: TrainingProgress(part, rates) for key, (part, rates) in parts.items()}
    for key, state, step, steps in of_keys(connection, _ATTEMPTS, trials.c.key, keys):
        before = ways.get(key, TrainingProgress())
        pruned_at = step if state == PRUNED and step is not None else before.pruned_at
        ways[key] = TrainingProgress(before.part, before.rates, steps or before.steps, pruned_at)
    return ways


_INTERIMS = select(trials.c.key, interims.c.part, interims.c.k, interims.c.hits, interims.c.queries).join(
    interims, interims.c.training_key == trials.c.training_key
)
_ATTEMPTS = (
    select(trials.c.key, attempts.c.state, attempts.c.step, attempts.c.steps)
    .join(attempts, attempts.c.training_key == trials.c.training_key)
    .order_by(attempts.c.number)
)

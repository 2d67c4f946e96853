"""The looks that were taken at a study, as values: the results at each look, and their form in a store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Protocol

from ablate.analysis.stats.group_sequential import boundaries
from ablate.measurement import Metric

Name = tuple[str, str]
"""The labels of a contrast's rows, before and after; or an effect's factor and `off -> on`."""
Ends = tuple[float, float]


class StoredLook(Protocol):
    """A look as the store keeps it."""

    @property
    def number(self) -> int: ...
    @property
    def seeds(self) -> int: ...
    @property
    def rules(self) -> Mapping[str, Any]: ...
    @property
    def seen(self) -> Sequence[Mapping[str, Any]]:
        """The fields of each LookResult."""
        ...

    @property
    def asked(self) -> Mapping[str, int]:
        """{label of a row: number of seeds that it should have after the look}."""
        ...


@dataclass(frozen=True)
class LookResult:
    """One contrast or effect at one look."""

    name: Name
    seeds: int
    """The number of seeds that both of its rows have."""
    effect: float | None
    """In the metric's unit."""
    p: float | None
    """The repeated p of no effect, of this look alone; None if there is nothing new to test."""
    p_equivalence: float | None
    """The repeated p of an effect of delta or more, of this look alone; None if there is nothing new to test."""
    verdict: str
    """The verdict after this look, by the smallest p's so far."""
    interval: Ends | None = None
    """The repeated confidence interval, for this contrast by itself."""
    simultaneous: Ends | None = None
    """The repeated confidence interval, for the whole family."""


@dataclass(frozen=True)
class Look:
    """A look, taken when rows should have `seeds` seeds."""

    number: int
    seeds: int
    bound: float
    """The |z| beyond which a single contrast crosses, if it was looked at as declared."""
    spent: float
    """The part of alpha that such a contrast has spent so far."""
    results: tuple[LookResult, ...]
    continuing: tuple[str, ...] = ()
    """The labels of the rows that get more seeds."""
    trials: int = 0
    """The number of trials that the study has requested so far."""
    requested: Mapping[str, int] = field(default_factory=dict, compare=False)
    """{label of a row: number of seeds that it should have after the look}, for looks that a store has."""

    @cached_property
    def by_name(self) -> Mapping[Name, LookResult]:
        """{name: result}."""
        return {result.name: result for result in self.results}


def bound_and_spent(schedule: Sequence[int], seeds: int, alpha: float) -> Ends:
    """Return the bound of a contrast that was looked at as declared, up to this look, and the error spent by then.

    `schedule`: the numbers of seeds of all looks. `seeds`: those of this look.
    """
    path = [*(look for look in schedule if look < seeds), min(seeds, schedule[-1])]
    bounds = boundaries([*path, schedule[-1]] if path[-1] < schedule[-1] else path, alpha)
    return float(bounds[len(path) - 1]), alpha * (path[-1] / schedule[-1]) ** 2


def as_json(look: Look, metric: Metric) -> dict[str, Any]:
    """Return the look as plain values, under the names of the store's columns. Effects are as reports print them."""
    seen = [{key: _converted(key, value, metric.shown) for key, value in asdict(one).items()} for one in look.results]
    return {"number": look.number, "seeds": look.seeds, "seen": seen}


def from_json(stored: StoredLook, metric: Metric) -> Look:
    """Return the look that a row of the store keeps, in a study about this metric."""
    bound, spent = bound_and_spent(stored.rules["looks"], stored.seeds, float(stored.rules["alpha"]))
    results = tuple(
        LookResult(**{key: _value(_converted(key, value, metric.difference)) for key, value in one.items()})
        for one in stored.seen
    )
    continuing = tuple(label for label, seeds in stored.asked.items() if seeds > stored.seeds)
    trials = sum(min(seeds, stored.seeds) for seeds in stored.asked.values())
    return Look(stored.number, stored.seeds, bound, spent, results, continuing, trials, dict(stored.asked))


def _converted(key: str, value: Any, convert: Callable[[float], float]) -> Any:
    """Return a field of a look's result with its effect, or the ends of its interval, converted."""
    if key not in ("effect", "interval", "simultaneous") or value is None:
        return value
    return convert(value) if key == "effect" else [convert(end) for end in value]


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value

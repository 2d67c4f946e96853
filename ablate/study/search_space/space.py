"""The search of a study as values: its space, its sampler, its budget."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from ablate.measurement import Direction, Metric
from ablate.study.factors import Level, level_text

GRID, RANDOM, TPE, GP, CMAES = "grid", "random", "tpe", "gp", "cmaes"
SAMPLERS = (TPE, GP, RANDOM, GRID, CMAES)
MEDIAN, HYPERBAND = "median", "hyperband"
PRUNERS = (MEDIAN, HYPERBAND)
DEFAULT_TRIALS = 40

ROUNDING = 1e-8
"""How far from a whole number of steps a value may lie, in steps. Optuna uses the same tolerance."""


@dataclass(frozen=True)
class RangeDimension:
    """A dimension that is a range of numbers: a factor that sets one config key, or a key that no factor sets."""

    name: str
    """The factor's name, or the config key."""
    key: str
    """The config key that it sets."""
    low: float | int
    high: float | int
    """The greatest value. If there is a step, it is a whole number of steps above `low`."""
    step: float | int | None = None
    """The distance between two values; None if any value of the range is accepted."""
    log: bool = False
    """True if the range is searched on a log scale."""
    is_whole: bool = False
    """True if only whole numbers are accepted."""
    is_whole_by_levels: bool = False
    """True if that is so because the range and the declared values of a free-form key are whole numbers."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The config keys that it sets."""
        return (self.key,)

    @property
    def count(self) -> int | None:
        """The number of its values; None if any value of the range is one."""
        return None if self.step is None else steps_in(self.low, self.high, self.step) + 1

    @property
    def values(self) -> list[Any]:
        """Its values in order, if it has a `count`; otherwise empty."""
        return [stepped(self.low, self.step, number) for number in range(self.count or 0)]

    def exact(self, value: Any) -> Any:
        """Return a sampler's value as a study file writes it: without the rounding errors of steps, 5 for 5.0."""
        if self.step is not None:
            return stepped(self.low, self.step, round((value - self.low) / self.step))
        return round(value) if self.is_whole else float(value)

    def exact_or_none(self, value: Any) -> Any:
        """Return the value as `exact` does, or None if it lies outside the dimension."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        steps = (value - self.low) / (self.step or 1)
        is_on_step = math.isclose(steps, round(steps), rel_tol=0, abs_tol=ROUNDING)
        if (self.step is not None or self.is_whole) and not is_on_step:
            return None
        exact = self.exact(value)
        return exact if self.low <= exact <= self.high else None

    def declared(self) -> dict[str, Any]:
        """Return the dimension as JSON that changes if, and only if, another space is searched."""
        written = {"low": self.low, "high": self.high, "step": self.step, "log": self.log or None}
        written["whole"] = self.is_whole_by_levels or None
        return _sets(self) | {name: value for name, value in written.items() if value is not None}


@dataclass(frozen=True)
class ChoiceDimension:
    """A dimension that is a choice among some levels of a factor, or among some values of a key that no factor sets."""

    name: str
    """The factor's name, or the config key."""
    keys: tuple[str, ...]
    """The config keys that it sets."""
    choices: tuple[Level, ...]
    """The choices. A sampler sees their names."""

    @property
    def count(self) -> int:
        """The number of its choices."""
        return len(self.choices)

    @property
    def values(self) -> list[Any]:
        """The names of its choices, in order."""
        return [choice.name for choice in self.choices]

    def exact(self, value: Any) -> Any:
        """Return a sampler's value as a study file writes it."""
        return self.choice(value).name

    def exact_or_none(self, value: Any) -> Any:
        """Return the value as `exact` does, or None if it is no choice."""
        return self.choice(value).name if level_text(value) in self._by_text else None

    def choice(self, name: Any) -> Level:
        """Return the choice of that name; a boolean never equals a number."""
        return self._by_text[level_text(name)]

    @cached_property
    def _by_text(self) -> dict[str, Level]:
        return {level_text(choice.name): choice for choice in self.choices}

    def declared(self) -> dict[str, Any]:
        """Return the dimension as JSON that changes if, and only if, another space is searched."""
        return {**_sets(self), "choices": [_declared(choice) for choice in self.choices]}


Dimension = RangeDimension | ChoiceDimension
"""One dimension of a search space."""


@dataclass(frozen=True)
class SearchSpec:
    """The `search` of a study."""

    dimensions: tuple[Dimension, ...]
    start: Mapping[str, Level]
    """The level of every factor; candidates have these levels of the factors that are not searched."""
    sampler: str
    """The method that proposes the next trial, one of SAMPLERS."""
    pruner: str | None
    """The method that stops trials early, one of PRUNERS; None for no pruning."""
    metrics: tuple[Metric, ...]
    """Metrics on the validation split, or of the training itself. The first one is the main one."""
    trials: int | None
    """The number of trials that the sampler proposes; None if only `hours` limit the search."""
    hours: float | None
    """The number of hours in which new trials are started; None for no limit."""
    top: int
    """The number of the best trials, the finalists, that are trained again at the end."""
    finalist_seeds: int
    """The number of seeds of each finalist."""

    @property
    def names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    @property
    def declared(self) -> dict[str, Any]:
        """The parts that may not change while a search goes on, as JSON. The budget and the finalists may."""
        searched = {dimension.name for dimension in self.dimensions}
        lower = {metric.name: "lower" for metric in self.metrics if metric.direction is Direction.MINIMIZE}
        return {
            "space": {dimension.name: dimension.declared() for dimension in self.dimensions},
            "from": {name: level.word for name, level in self.start.items() if name not in searched},
            "sampler": self.sampler,
            "pruner": self.pruner,
            "metric": self.names,
            **({"better": lower} if lower else {}),
        }


def stepped(low: Any, step: Any, number: int) -> float | int:
    """Return `low` plus `number` steps as a person writes it: 0.7, not the 0.7000000000000001 of sums of floats."""
    value = Decimal(str(low)) + number * Decimal(str(step))
    return int(value) if isinstance(low, int) and isinstance(step, int) else float(value)


def steps_in(low: Any, high: Any, step: Any) -> int:
    """Return the number of whole steps in a range."""
    return int((high - low) / step + ROUNDING)


def _sets(dimension: Dimension) -> dict[str, Any]:
    """Return the keys that a dimension sets, unless it is named by its only key."""
    return {} if dimension.keys == (dimension.name,) else {"sets": list(dimension.keys)}


def _declared(choice: Level) -> Any:
    """Return a choice's name, with the values that it sets if they are not the name."""
    value = choice.values[0] if len(choice.values) == 1 else None
    is_named = type(value) is type(choice.name) and value == choice.name
    return choice.word if is_named else {str(choice.word): list(choice.values)}

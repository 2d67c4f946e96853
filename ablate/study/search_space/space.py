"""What a study searches: the space, and how it is walked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from ablate.study.factors import Level, level_text

GRID, RANDOM, TPE, GP, CMAES = "grid", "random", "tpe", "gp", "cmaes"
SAMPLERS = (TPE, GP, RANDOM, GRID, CMAES)
MEDIAN, HYPERBAND = "median", "hyperband"
PRUNERS = (MEDIAN, HYPERBAND)
METRICS = ("top1", "top5", "top10")
DEFAULT_TRIALS = 40

ROUNDING = 1e-8
"""How far from a whole number of steps a value may lie, in steps; Optuna has the same."""


@dataclass(frozen=True)
class Dimension:
    """One dimension of the space: a factor, or a config key that no factor sets. `keys`: the config keys that it sets.

    A range has `low`, `high`, and perhaps a `step`, or is searched on a `log` scale; whole numbers only, where
    `is_whole`. With a step, `high` is a whole number of them above `low`. Otherwise it has `choices`, whose names are
    what the sampler sees.
    """

    name: str
    keys: tuple[str, ...]
    low: float | int | None = None
    high: float | int | None = None
    step: float | int | None = None
    log: bool = False
    is_whole: bool = False
    choices: tuple[Level, ...] = ()

    @property
    def count(self) -> int | None:
        """How many values it has; None where any value of a range is one."""
        if self.choices:
            return len(self.choices)
        if self.step is None:
            return None
        return steps_in(self.low, self.high, self.step) + 1

    @property
    def values(self) -> list[Any]:
        """The values of one that has a `count`, in order."""
        if self.choices:
            return [choice.name for choice in self.choices]
        return [stepped(self.low, self.step, number) for number in range(self.count or 0)]

    def exact(self, value: Any) -> Any:
        """A sampler's value as a study file would have it: without the rounding errors of steps, 5 for 5.0."""
        if self.choices:
            return self.choice(value).name
        if self.step is not None:
            return stepped(self.low, self.step, round((value - self.low) / self.step))
        return round(value) if self.is_whole else float(value)

    def held(self, value: Any) -> Any:
        """The value as `exact` has it; None where it lies outside."""
        if self.choices:
            return self.choice(value).name if level_text(value) in self._by_text else None
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        assert self.low is not None
        assert self.high is not None
        steps = (value - self.low) / (self.step or 1)
        is_on = math.isclose(steps, round(steps), rel_tol=0, abs_tol=ROUNDING)
        if (self.step is not None or self.is_whole) and not is_on:
            return None
        exact = self.exact(value)
        return exact if self.low <= exact <= self.high else None

    def choice(self, name: Any) -> Level:
        """The choice of that name; a boolean is never a number."""
        return self._by_text[level_text(name)]

    @cached_property
    def _by_text(self) -> dict[str, Level]:
        return {level_text(choice.name): choice for choice in self.choices}


@dataclass(frozen=True)
class SearchSpec:
    """`start`: the level of every factor, where candidates stand in what is not searched. `metrics`: rates on the
    validation split, all to be as large as possible. The budget is `trials` that it proposes, or `hours`, or both.

    `top` of the best are trained anew with `finalist_seeds` seeds each.
    """

    dimensions: tuple[Dimension, ...]
    start: Mapping[str, Level]
    sampler: str
    pruner: str | None
    metrics: tuple[str, ...]
    trials: int | None
    hours: float | None
    top: int
    finalist_seeds: int

    @property
    def declared(self) -> dict[str, Any]:
        """What may not change while a search goes on, as JSON; its budget and its finalists may."""
        searched = {dimension.name for dimension in self.dimensions}
        return {
            "space": {dimension.name: _declared(dimension) for dimension in self.dimensions},
            "from": {name: level.word for name, level in self.start.items() if name not in searched},
            "sampler": self.sampler,
            "pruner": self.pruner,
            "metric": list(self.metrics),
        }


def stepped(low: Any, step: Any, number: int) -> float | int:
    """`low` and so many steps as a person writes it: 0.7, where sums of floats give 0.7000000000000001."""
    value = Decimal(str(low)) + number * Decimal(str(step))
    return int(value) if isinstance(low, int) and isinstance(step, int) else float(value)


def steps_in(low: Any, high: Any, step: Any) -> int:
    """How many whole steps a range has."""
    return int((high - low) / step + ROUNDING)


def _declared(dimension: Dimension) -> dict[str, Any]:
    sets = {} if dimension.keys == (dimension.name,) else {"sets": list(dimension.keys)}
    if dimension.choices:
        return {**sets, "choices": [_said(choice) for choice in dimension.choices]}
    said = {"low": dimension.low, "high": dimension.high, "step": dimension.step, "log": dimension.log or None}
    return sets | {name: value for name, value in said.items() if value is not None}


def _said(choice: Level) -> Any:
    """A choice by its name, and what it sets where that is something else."""
    value = choice.values[0] if len(choice.values) == 1 else None
    is_named = type(value) is type(choice.name) and value == choice.name
    return choice.word if is_named else {str(choice.word): list(choice.values)}

"""What a study searches: the space, and how it is walked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.study.factors import Level

GRID, RANDOM, TPE, GP, CMAES = "grid", "random", "tpe", "gp", "cmaes"
SAMPLERS = (TPE, GP, RANDOM, GRID, CMAES)
MEDIAN, HYPERBAND = "median", "hyperband"
PRUNERS = (MEDIAN, HYPERBAND)


@dataclass(frozen=True)
class Dimension:
    """One dimension of the space: a factor, or a config key that no factor sets. `keys`: the config keys that it sets.

    A range has `low`, `high`, and perhaps a `step`, or is searched on a `log` scale; whole numbers only, where
    `is_whole`. Otherwise it has `choices`, whose names are what the sampler sees.
    """

    name: str
    keys: tuple[str, ...]
    low: float | int | None = None
    high: float | int | None = None
    step: float | int | None = None
    log: bool = False
    is_whole: bool = False
    choices: tuple[Level, ...] = ()


@dataclass(frozen=True)
class Search:
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
        return {
            "space": {dimension.name: _declared(dimension) for dimension in self.dimensions},
            "from": {name: level.word for name, level in self.start.items()},
            "sampler": self.sampler,
            "pruner": self.pruner,
            "metric": list(self.metrics),
        }


def _declared(dimension: Dimension) -> dict[str, Any]:
    if dimension.choices:
        return {"choices": [choice.word for choice in dimension.choices]}
    said = {"low": dimension.low, "high": dimension.high, "step": dimension.step, "log": dimension.log or None}
    return {name: value for name, value in said.items() if value is not None}

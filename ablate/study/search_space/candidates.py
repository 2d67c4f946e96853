"""Points of a study's search space as trials, which are those that rows of the same config would have."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ablate.study.config_keys import Config, value_at
from ablate.study.design.explicit import Row
from ablate.study.factors import Factor, Level, label_word
from ablate.study.model import Study
from ablate.study.search_space.space import Dimension
from ablate.study.trials.config_resolver import ConfigResolver
from ablate.study.trials.identity import ROW, Trial, TrialHasher, digest
from ablate.study.trials.row_faults import RowProblems

Point = Mapping[str, Any]
"""{dimension: value}; of choices, the name."""

SHOWN = 4
"""Significant digits of a value in words."""


class Candidates:
    """Points of a study's search space as trials.

    A config key that is searched is taken as a factor that sets it, so that it is in the identity whatever it is.
    """

    def __init__(self, study: Study) -> None:
        """`study.search` is not None."""
        assert study.search is not None
        self.study, self.search = study, study.search
        self.factors = {factor.name: factor for factor in study.factors}
        self.keys = [dimension for dimension in self.search.dimensions if dimension.name not in self.factors]
        self.own = {each.name: self._own(each) for each in self.search.dimensions if not each.choices}
        added = [Factor(key.name, key.keys, key.choices, Level(key.name, (None,))) for key in self.keys]
        self.resolver = ConfigResolver(replace(study, factors=(*study.factors, *added)), self.own.keys())
        self.maker = TrialHasher(study)
        self.fixed: Mapping[str, Any] | None = None

    def trial(self, point: Point, seed: int, label: str) -> Trial:
        """A point with one seed; StudyError if its config is not valid as a whole."""
        return self.trials(point, (seed,), label)[0]

    def trials(self, point: Point, seeds: Sequence[int], label: str) -> list[Trial]:
        """A point with several seeds."""
        searched = {each.name: self._level(each, point[each.name]) for each in self.search.dimensions}
        return _made(self.resolver, self.maker, {**self.search.start, **searched}, seeds, label)

    def baseline(self, seeds: Sequence[int], label: str = "baseline") -> list[Trial]:
        """All factors at baseline, and config keys as the file has them."""
        return self._unsearched({factor.name: factor.baseline for factor in self.study.factors}, seeds, label)

    def point_of(self, row: Row) -> dict[str, Any] | None:
        """The point that a row of the design is; None if it lies outside the space."""
        searched = {dimension.name for dimension in self.search.dimensions}
        if any(row.levels[name] is not level for name, level in self.search.start.items() if name not in searched):
            return None
        found = {}
        for dimension in self.search.dimensions:
            held = dimension.held(self._value(dimension, row))
            if held is None:
                return None
            found[dimension.name] = held
        return found

    def words(self, point: Point) -> str:
        """`margin=0.213, omega=0.712`."""
        return ", ".join(
            label_word(dimension.name, _short(dimension.exact(point[dimension.name])))
            for dimension in self.search.dimensions
        )

    def context(self) -> str:
        """The digest of all but the searched values that decides a candidate's result."""
        return digest(self.context_parts())

    def context_parts(self) -> dict[str, Any]:
        """That as JSON: the trainer, its code, the data, and the config that every candidate shares."""
        start = self._unsearched(self.search.start, (0,), "from")[0]
        config: Config = {**start.training.config, "evaluate": start.evaluate}
        for key in (key for dimension in self.search.dimensions for key in dimension.keys):
            config = _without(config, key.split("."))
        identity = start.training
        return {"trainer": identity.trainer, "code": dict(identity.code), "data": identity.data, "config": config}

    def _unsearched(self, levels: Mapping[str, Level], seeds: Sequence[int], label: str) -> list[Trial]:
        """The trials of a row: config keys are as the file has them."""
        return _made(ConfigResolver(self.study), TrialHasher(self.study), levels, seeds, label)

    def _own(self, dimension: Dimension) -> dict[float, Level]:
        """The numbers under a range's key that the file itself has: 5 and 5.0 are two trials in a free-form key."""
        (key,) = dimension.keys
        levels = list(self.factors[dimension.name].levels) if dimension.name in self.factors else []
        if not levels:
            written = value_at(self.study.config, key)
            levels = [Level(written, (written,))]
        return {level.values[0]: level for level in reversed(levels) if _is_number(level.values[0])}

    def _level(self, dimension: Dimension, value: Any) -> Level:
        if dimension.choices:
            return dimension.choice(value)
        exact = dimension.exact(value)
        return self.own[dimension.name].get(exact) or Level(exact, (exact,))

    def _value(self, dimension: Dimension, row: Row) -> Any:
        """Of a row, what a dimension would call its value."""
        if dimension.name in self.factors:
            level = row.levels[dimension.name]
            return level.name if dimension.choices else level.values[0]
        if self.fixed is None:  # no factor sets these keys, so that they are the same in every row
            config = self._unsearched(row.levels, (0,), row.label)[0].config
            self.fixed = {key.name: value_at(config, key.name) for key in self.keys}
        return self.fixed[dimension.name]


def _made(
    resolver: ConfigResolver, maker: TrialHasher, levels: Mapping[str, Level], seeds: Sequence[int], label: str
) -> list[Trial]:
    try:
        config, parts = resolver.row(levels)
    except ValidationError as error:
        faults = RowProblems(resolver.model)
        faults.add(label, error)
        faults.check()
        raise
    return list(maker.trials(label, ROW, config, parts, seeds))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> Any:
    return float(f"{value:.{SHOWN}g}") if isinstance(value, float) else value


def _without(config: Mapping[str, Any], names: Sequence[str]) -> Config:
    """A copy without what stands under a key."""
    first, *inner = names
    rest = {name: value for name, value in config.items() if name != first}
    if inner and isinstance(config.get(first), dict):
        rest[first] = _without(config[first], inner)
    elif inner and first in config:
        rest[first] = config[first]
    return rest

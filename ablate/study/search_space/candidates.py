"""Points of a study's search space as trials. They are the trials that rows of the same config would have."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from ablate.study.config_keys import Config, value_at
from ablate.study.factors import Factor, Level, label_word
from ablate.study.model import Row, Study
from ablate.study.search_space.space import ChoiceDimension, Dimension, RangeDimension
from ablate.study.trials.config_resolver import ConfigResolver, is_outside_identity
from ablate.study.trials.identity import ROW, Trial, TrialHasher, digest
from ablate.study.trials.row_faults import RowProblems

Point = Mapping[str, Any]
"""{dimension: value}; the value of a choice is its name."""

DIGITS_SHOWN = 4
"""The number of significant digits of a value in a label."""


class Candidates:
    """Points of a study's search space as trials.

    A config key that is searched is treated as a factor that sets it, so that it is part of the identity, even if the
    trainer marks it as outside.
    """

    def __init__(self, study: Study, allow_unprepared: bool = False) -> None:
        """`study` must have a `search`; ValueError otherwise. `allow_unprepared`: as in `trials`."""
        if study.search is None:
            raise ValueError(f"study {study.name!r} has no search")
        self.study, self.search = study, study.search
        self.factors = {factor.name: factor for factor in study.factors}
        self.keys = [dimension for dimension in self.search.dimensions if dimension.name not in self.factors]
        self.written = {
            each.name: self._written_levels(each) for each in self.search.dimensions if isinstance(each, RangeDimension)
        }
        self.resolver = ConfigResolver(
            replace(study, factors=(*study.factors, *map(_as_factor, self.keys))), self.written.keys()
        )
        self.hasher = TrialHasher(study, allow_unprepared)
        self.fixed: Mapping[str, Any] | None = None

    def trial(self, point: Point, seed: int, label: str) -> Trial:
        """Return the trial of a point with one seed; StudyError if its config is not valid as a whole."""
        return self.trials(point, (seed,), label)[0]

    def trials(self, point: Point, seeds: Sequence[int], label: str) -> list[Trial]:
        """Return the trials of a point with several seeds; StudyError if its config is not valid as a whole."""
        return _trials(self.resolver, self.hasher, self._levels(point), seeds, label)

    def config(self, point: Point) -> Config:
        """Return the plain config of a point; ValidationError if it is not valid as a whole."""
        _, parts = self.resolver.row(self._levels(point))
        return {name: part.dumped for name, part in parts.items()}

    def baseline(self, seeds: Sequence[int], label: str = "baseline") -> list[Trial]:
        """Return the trials with all factors at their baseline, and config keys as the file writes them.

        A searched key is part of their identity too, so that a candidate with the values of the baseline is the same
        trial.
        """
        model = self.study.entry.config
        outside = [dimension for dimension in self.keys if is_outside_identity(model, dimension.name)]
        if not outside:
            return self._unsearched({factor.name: factor.baseline for factor in self.study.factors}, seeds, label)
        config = model.model_validate(self.study.config).model_dump()
        factors = (*self.study.factors, *(_as_written(dimension, config) for dimension in outside))
        levels = {factor.name: factor.baseline for factor in factors}
        resolver = ConfigResolver(replace(self.study, factors=factors))
        return _trials(resolver, TrialHasher(self.study), levels, seeds, label)

    def point_of(self, row: Row) -> dict[str, Any] | None:
        """Return the point that a row of the design stands for; None if it lies outside the space."""
        searched = {dimension.name for dimension in self.search.dimensions}
        if any(row.levels[name] is not level for name, level in self.search.start.items() if name not in searched):
            return None
        point = {}
        for dimension in self.search.dimensions:
            value = dimension.exact_or_none(self._value(dimension, row))
            if value is None:
                return None
            point[dimension.name] = value
        return point

    def words(self, point: Point) -> str:
        """Return a point as labels print it: `margin=0.213, omega=0.712`."""
        return ", ".join(
            label_word(dimension.name, _short(dimension.exact(point[dimension.name])))
            for dimension in self.search.dimensions
        )

    def context(self) -> str:
        """Return the digest of everything except the searched values that decides a candidate's result."""
        return digest(self.context_parts())

    def context_parts(self) -> dict[str, Any]:
        """Return the digest's content as JSON: trainer, code, data, and the config that every candidate shares."""
        start = self._unsearched(self.search.start, (0,), "from")[0]
        # All values, since a candidate may read what the start does not.
        _, parts = ConfigResolver(self.study).row(self.search.start)
        config: Config = {"evaluate": {}}
        config |= {name: part.identifying for name, part in parts.items() if part.text is not None}
        for key in (key for dimension in self.search.dimensions for key in dimension.keys):
            config = _without(config, key.split("."))
        identity = start.training
        return {"trainer": identity.trainer, "code": dict(identity.code), "data": identity.data, "config": config}

    def _unsearched(self, levels: Mapping[str, Level], seeds: Sequence[int], label: str) -> list[Trial]:
        """Return the trials of a row, with config keys as the file writes them."""
        return _trials(ConfigResolver(self.study), TrialHasher(self.study), levels, seeds, label)

    def _written_levels(self, dimension: RangeDimension) -> dict[float, Level]:
        """Return the numbers under a range's key that the file itself writes.

        They are used as written: in a free-form key, 5 and 5.0 are two trials.
        """
        levels = list(self.factors[dimension.name].levels) if dimension.name in self.factors else []
        if not levels:
            written = value_at(self.study.config, dimension.key)
            levels = [Level(written, (written,))]
        return {level.values[0]: level for level in reversed(levels) if _is_number(level.values[0])}

    def _levels(self, point: Point) -> Mapping[str, Level]:
        searched = {each.name: self._level(each, point[each.name]) for each in self.search.dimensions}
        return {**self.search.start, **searched}

    def _level(self, dimension: Dimension, value: Any) -> Level:
        if isinstance(dimension, ChoiceDimension):
            return dimension.choice(value)
        exact = dimension.exact(value)
        return self.written[dimension.name].get(exact) or Level(exact, (exact,))

    def _value(self, dimension: Dimension, row: Row) -> Any:
        """Return a row's value of a dimension: a choice's name, or the number that the row sets."""
        if dimension.name in self.factors:
            level = row.levels[dimension.name]
            return level.name if isinstance(dimension, ChoiceDimension) else level.values[0]
        if self.fixed is None:  # no factor sets these keys, so they are the same in every row
            config = self._unsearched(row.levels, (0,), row.label)[0].config
            self.fixed = {key.name: value_at(config, key.name) for key in self.keys}
        return self.fixed[dimension.name]


def _as_factor(dimension: Dimension) -> Factor:
    """Return a searched config key as a factor that sets it."""
    levels = dimension.choices if isinstance(dimension, ChoiceDimension) else ()
    return Factor(dimension.name, dimension.keys, levels, Level(dimension.name, (None,)))


def _as_written(dimension: Dimension, config: Config) -> Factor:
    """Return a searched config key as a factor that sets it to the value of a config."""
    value = value_at(config, dimension.name)
    level = Level(value, (value,))
    return Factor(dimension.name, dimension.keys, (level,), level)


def _trials(
    resolver: ConfigResolver, hasher: TrialHasher, levels: Mapping[str, Level], seeds: Sequence[int], label: str
) -> list[Trial]:
    try:
        config, parts = resolver.row(levels)
    except ValidationError as error:
        problems = RowProblems(resolver.model)
        problems.add(label, error)
        problems.check()
        raise
    return list(hasher.trials(label, ROW, config, parts, seeds))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> Any:
    return float(f"{value:.{DIGITS_SHOWN}g}") if isinstance(value, float) else value


def _without(config: Mapping[str, Any], names: Sequence[str]) -> Config:
    """Return a copy without the value under a key, which is given as the list of its names."""
    first, *inner = names
    rest = {name: value for name, value in config.items() if name != first}
    if inner and isinstance(config.get(first), dict):
        rest[first] = _without(config[first], inner)
    elif inner and first in config:
        rest[first] = config[first]
    return rest

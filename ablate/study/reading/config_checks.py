"""A study's `config`, levels and references held against the trainer's typed config."""

import copy
from collections.abc import Mapping, Sequence, Set
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ablate.study.config_keys import Config, assigned, flattened, overlaps
from ablate.study.reading.factors import ReadFactor
from ablate.study.reading.problems import Path, Problems, models_in


class ConfigReader:
    """Checks the shared config once, and then what each level and reference puts into it."""

    def __init__(self, model: type[BaseModel], config: Config, varied: Set[str], faults: Problems) -> None:
        """`varied`: the keys that factors and references set."""
        self.model, self.config, self.varied, self.faults = model, config, varied, faults
        self.known, self.free = _keys(model)
        self.wrong = self._check(config, {})

    def check_levels(self, factors: Sequence[ReadFactor]) -> None:
        """Records what is wrong with the keys and values of each factor."""
        for read in factors:
            unknown = [key for key in read.factor.sets if not self.has(key)]
            for key in unknown:
                self.faults.unknown((*read.path, "sets"), "config key", key, self.known)
            if unknown:
                continue
            for level, path in zip(read.factor.levels, read.level_paths, strict=True):
                several = len(read.factor.sets) > 1
                sources = {key: (*path, i) if several else path for i, key in enumerate(read.factor.sets)}
                pairs = zip(read.factor.sets, level.values, strict=True)
                self._check(assigned(self.config, pairs), sources)

    def check_settings(self, settings: Mapping[str, Any], path: Path) -> None:
        """Records what is wrong with config keys set at one place of the file."""
        unknown = [key for key in settings if not self.has(key)]
        for key in unknown:
            self.faults.unknown((*path, key), "config key", key, self.known)
        if not unknown:
            self._check(assigned(self.config, settings.items()), dict.fromkeys(settings, path))

    def accepts(self, key: str, value: Any) -> bool:
        """Whether a key takes a value; records nothing."""
        try:
            self.model.model_validate(assigned(self.config, [(key, value)]))
        except ValidationError as error:
            return {tuple(detail["loc"]) for detail in error.errors() if not self._is_for_rows(detail)} <= self.wrong
        return True

    def beside(self, varied: Set[str]) -> "ConfigReader":
        """The same, where these keys vary as well."""
        other = copy.copy(self)
        other.varied = self.varied | varied
        return other

    def has(self, key: str) -> bool:
        """Whether the config has such a key, or a free-form mapping that may hold it."""
        inside = any(known.startswith(f"{key}.") for known in self.known)
        return key in self.known or inside or any(key.startswith(f"{free}.") for free in self.free)

    def _check(self, config: Config, sources: Mapping[str, Path]) -> set[Path]:
        """`sources`: which keys were set, and from where; the rest is the file's `config`, checked before."""
        try:
            self.model.model_validate(config)
        except ValidationError as error:
            found = {tuple(detail["loc"]) for detail in error.errors() if not self._is_for_rows(detail)}
            fresh = found - self.wrong if sources else found
            for loc in fresh:
                prefix, cut = _origin(loc, sources)
                self.faults.invalid(error, self.model, prefix, only=loc, cut=cut)
            rest = _without(config, found)
            if not sources and rest != config:  # what goes wrong between two keys shows once every key is right
                self._check(rest, sources)
            return found
        return set()

    def _is_for_rows(self, detail: ErrorDetails) -> bool:
        """Whether it takes a row to say if values go together, because something varies one of their keys."""
        if detail["type"] != "clash":
            return False
        keys = {key for clash in detail["ctx"]["clashes"] for key in clash.keys}
        return any(overlaps(key, other) for key in keys for other in self.varied)


def _origin(loc: Path, sources: Mapping[str, Path]) -> tuple[Path, int]:
    """Where the value at a config location was written, and how much of the location that place replaces."""
    for key, path in sources.items():
        parts = tuple(key.split("."))
        if loc[: len(parts)] == parts:
            return path, len(parts)
    if sources:  # a fault of the whole section, brought about by the first of the keys
        return next(iter(sources.values())), len(loc)
    return (() if loc[:1] == ("runtime",) else ("config",)), 0


def _without(config: Config, locations: Set[Path]) -> Config:
    """A copy without the values at these locations; of a location inside a list, without the list."""
    rest = copy.deepcopy(config)
    for location in locations:
        section: Any = rest
        for key in location:
            if not isinstance(section.get(key), dict) or key == location[-1]:
                section.pop(key, None)
                break
            section = section[key]
    return rest


def _keys(model: type[BaseModel]) -> tuple[list[str], list[str]]:
    """A config's dotted keys, and those of them that hold a free-form mapping."""
    flat = flattened(model().model_dump())
    optional = {key: inner for key, inner in _optional_sections(model).items() if key in flat}
    known = [*flat, *(f"{key}.{name}" for key, inner in optional.items() for name in inner.model_fields)]
    return sorted(known), [key for key, value in flat.items() if value == {}]


def _optional_sections(model: type[BaseModel], prefix: str = "") -> dict[str, type[BaseModel]]:
    """Sections that may be null, by dotted key: {augment.random_erasing: RandomErasing}."""
    found: dict[str, type[BaseModel]] = {}
    for name, field in model.model_fields.items():
        members = models_in(field.annotation)
        if not members:
            continue
        if field.default is None:
            found[prefix + name] = members[0]
        elif isinstance(field.default, BaseModel):
            found |= _optional_sections(members[0], f"{prefix}{name}.")
    return found

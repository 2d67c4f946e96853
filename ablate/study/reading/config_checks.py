"""Checks a study's `config`, levels and references against the trainer's typed config."""

import copy
from collections.abc import Collection, Mapping, Sequence, Set
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ablate.errors import nearest
from ablate.study.config_keys import Config, assigned, flattened, overlaps
from ablate.study.reading.factors import ReadFactor
from ablate.study.reading.problems import Path, Problems, models_in
from ablate.trainers.registry import TRAINERS


class ConfigReader:
    """Checks the shared config once, and then the values that each level and reference puts into it."""

    def __init__(self, model: type[BaseModel], config: Config, varied: Set[str], problems: Problems) -> None:
        """`varied`: the dotted keys that factors and references set."""
        self.model, self.config, self.varied, self.problems = model, config, varied, problems
        self.known, self.free = _keys(model)
        self.wrong = self._check(config, {})

    def check_levels(self, factors: Sequence[ReadFactor]) -> set[str]:
        """Record the faults of the keys and values of each factor. Return the factors with a wrong value."""
        wrong: set[str] = set()
        for read in factors:
            before = len(self.problems)
            unknown = [key for key in read.factor.sets if not self.has(key)]
            for key in unknown:
                self._add_unknown((*read.path, "sets"), key)
            if unknown:
                continue
            for level, path in zip(read.factor.levels, read.level_paths, strict=True):
                several = len(read.factor.sets) > 1
                sources = {key: (*path, i) if several else path for i, key in enumerate(read.factor.sets)}
                pairs = zip(read.factor.sets, level.values, strict=True)
                self._check(assigned(self.config, pairs), sources)
            wrong |= {read.factor.name} if len(self.problems) > before else set()
        return wrong

    def check_settings(self, settings: Mapping[str, Any], path: Path) -> None:
        """Record the faults of config keys that are set at one place of the file."""
        unknown = [key for key in settings if not self.has(key)]
        for key in unknown:
            self._add_unknown((*path, key), key)
        if not unknown:
            self._check(assigned(self.config, settings.items()), dict.fromkeys(settings, path))

    def accepts(self, key: str, value: Any) -> bool:
        """Return True if a key takes a value; record nothing."""
        try:
            self.model.model_validate(assigned(self.config, [(key, value)]))
        except ValidationError as error:
            return {tuple(detail["loc"]) for detail in error.errors() if not self._is_for_rows(detail)} <= self.wrong
        return True

    def plain(self, settings: Mapping[str, Any] = {}) -> Config | None:
        """Return the shared config with some keys set and all defaults, as plain values; None if it has faults."""
        try:
            return self.model.model_validate(assigned(self.config, settings.items())).model_dump(mode="json")
        except ValidationError:
            return None

    def with_varied(self, varied: Set[str]) -> "ConfigReader":
        """Return a reader of the same config in which these keys vary as well."""
        other = copy.copy(self)
        other.varied = self.varied | varied
        return other

    def has(self, key: str) -> bool:
        """Return True if the config has such a key, or a free-form mapping that may hold it."""
        return _has(key, self.known, self.free)

    def _add_unknown(self, path: Path, key: str) -> None:
        """Record a key that the config does not have. In `sets`, keys stand without `config.` before them."""
        inside = key.removeprefix("config.")
        head, _, rest = inside.partition(".")
        section = nearest(head, self.free) if rest else None  # any key may stand in a free-form mapping
        meant = inside if self.has(inside) else f"{section}.{rest}" if section else None
        self.problems.unknown(path, "config key", key, self.known, meant=meant)

    def _check(self, config: Config, sources: Mapping[str, Path]) -> set[Path]:
        """Record the faults of a config and return their locations.

        `sources`: the keys that were set on top of the file's `config`, with their places; the rest was checked before.
        """
        try:
            self.model.model_validate(config)
        except ValidationError as error:
            wrong = {tuple(detail["loc"]) for detail in error.errors() if not self._is_for_rows(detail)}
            for loc in wrong - self.wrong if sources else wrong:
                prefix, cut = _origin(loc, sources)
                self.problems.invalid(error, self.model, prefix, only=loc, cut=cut, elsewhere=self.known)
            rest = _without(config, wrong)
            if not sources and rest != config:  # a fault between two keys shows only if every key is right
                self._check(rest, sources)
            return wrong
        return set()

    def _is_for_rows(self, detail: ErrorDetails) -> bool:
        """Return True if only a row can show whether values go together, because one of their keys varies."""
        if detail["type"] != "clash":
            return False
        keys = {key for clash in detail["ctx"]["clashes"] for key in clash.keys}
        return any(overlaps(key, other) for key in keys for other in self.varied)


def trainer_meant(name: str, keys: Collection[str]) -> str | None:
    """Return the installed trainer whose config has all these dotted keys, if the trainer `name` has none of them."""
    if not keys or any(_has(key, *_keys(TRAINERS[name].config)) for key in keys):
        return None
    others = (other for other in TRAINERS if other != name)
    return next((other for other in others if all(_has(key, *_keys(TRAINERS[other].config)) for key in keys)), None)


def keys_elsewhere(trainer: Any) -> list[str]:
    """Return the keys below the top level of a study file, and their sections: `config.loss`, `config.loss.margin`."""
    if not isinstance(trainer, str) or trainer not in TRAINERS:
        return []
    known, _ = _keys(TRAINERS[trainer].config)
    sections = dict.fromkeys(key[:at] for key in known for at, letter in enumerate(key) if letter == ".")
    return [key if key.startswith("runtime.") else f"config.{key}" for key in [*sections, *known] if key != "runtime"]


def _origin(loc: Path, sources: Mapping[str, Path]) -> tuple[Path, int]:
    """Return the place where the value at a config location is written, and how many keys of it the place replaces."""
    for key, path in sources.items():
        parts = tuple(key.split("."))
        if loc[: len(parts)] == parts:
            return path, len(parts)
    if sources:  # a fault of the whole section; it is shown at the first of the keys
        return next(iter(sources.values())), len(loc)
    return (() if loc[:1] == ("runtime",) else ("config",)), 0


def _without(config: Config, locations: Set[Path]) -> Config:
    """Return a copy without the values at these locations. For a location inside a list, the list is left out."""
    rest = copy.deepcopy(config)
    for location in locations:
        section: Any = rest
        for key in location:
            if not isinstance(section.get(key), dict) or key == location[-1]:
                section.pop(key, None)
                break
            section = section[key]
    return rest


def _has(key: str, known: Sequence[str], free: Sequence[str]) -> bool:
    """Return True if a dotted key is one of the `known`, a section of them, or inside a `free`-form mapping."""
    inside = any(other.startswith(f"{key}.") for other in known)
    return key in known or inside or any(key.startswith(f"{mapping}.") for mapping in free)


def _keys(model: type[BaseModel]) -> tuple[list[str], list[str]]:
    """Return a config's dotted keys, and those among them that hold a free-form mapping."""
    flat = flattened(model().model_dump())
    optional = {key: inner for key, inner in _optional_sections(model).items() if key in flat}
    known = [*flat, *(f"{key}.{name}" for key, inner in optional.items() for name in inner.model_fields)]
    return sorted(known), [key for key, value in flat.items() if value == {}]


def _optional_sections(model: type[BaseModel], prefix: str = "") -> dict[str, type[BaseModel]]:
    """Return the sections that may be null, by dotted key: {augment.random_erasing: RandomErasing}."""
    sections: dict[str, type[BaseModel]] = {}
    for name, field in model.model_fields.items():
        members = models_in(field.annotation)
        if not members:
            continue
        if field.default is None:
            sections[prefix + name] = members[0]
        elif isinstance(field.default, BaseModel):
            sections |= _optional_sections(members[0], f"{prefix}{name}.")
    return sections

"""The factors of an imported study with config keys and values as a study file takes them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.store.plan_document import PlanDocument, StoredFactor
from ablate.study.config_keys import overlaps
from ablate.study.design.factor_names import ROW_KEYS
from ablate.study.factors import LevelName, level_text
from ablate.study.starting.draft import yaml_value
from ablate.trainers.command import arguments
from ablate.trainers.declared import config_model

NOT_SET = "not set"
"""The level of runs that did not have a setting."""
RESERVED = {*arguments.RESERVED, *config_model.RESERVED, "runtime"}
"""Names that no config key may have."""
NOT_IN_KEYS = re.compile(r"[^\w/.-]+")


@dataclass(frozen=True)
class KeyedFactor:
    """A factor with the config keys that it sets."""

    stored: StoredFactor
    keys: tuple[str, ...]
    """The config keys, parallel to its settings."""
    values: Mapping[LevelName, tuple[Any, ...]]
    """{level: the value of each key}, the baseline first."""

    @property
    def name(self) -> str:
        """Its name in the file."""
        return f"{self.stored.name} (factor)" if self.stored.name in ROW_KEYS else self.stored.name

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of its settings in the import."""
        return settings_of(self.stored)

    @property
    def has_names(self) -> bool:
        """True if its levels need names, because their values are several or none."""
        return len(self.keys) > 1 or any(value is None for of_level in self.values.values() for value in of_level)

    def level(self, name: LevelName) -> str:
        """Return a level as a row of the file names it."""
        return yaml_value(level_text(name)) if self.has_names else yaml_value(config_value(name))


def settings_of(factor: StoredFactor) -> tuple[str, ...]:
    """Return the names of the settings that a factor stands for; of a log, the factor's own name."""
    return factor.bundle or factor.sets or (factor.name,)


def keyed_factors(document: PlanDocument) -> list[KeyedFactor]:
    """Return the factors with config keys that a study file accepts, each once."""
    keyed: list[KeyedFactor] = []
    taken: list[str] = []
    for factor in document.factors:
        keys = tuple(_key(name, taken) for name in settings_of(factor))
        levels = [factor.baseline, *(level for level in factor.levels if level != factor.baseline)]
        of_level = dict(zip(factor.levels, factor.values, strict=True)) if factor.values else {}
        values = {level: of_level.get(level) or (config_value(level),) * len(keys) for level in levels}
        keyed.append(KeyedFactor(factor, keys, values))
    return keyed


def _key(name: str, taken: list[str]) -> str:
    """Return a setting's name as a config key that overlaps with no other one, and note that it is taken."""
    parts = (part.lstrip("_") for part in NOT_IN_KEYS.sub("_", name).split("."))
    key = ".".join(f"{part}_" if part in RESERVED else part for part in parts if part) or "setting"
    key = f"{key}_" if key in RESERVED else key
    key = key.replace(".", "_") if any(overlaps(key, other) for other in taken) else key
    while any(overlaps(key, other) for other in taken):
        key += "_"
    taken.append(key)
    return key


def config_value(level: LevelName) -> Any:
    """Return the config value of a level: reports print booleans as on and off."""
    return {"on": True, "off": False, NOT_SET: None}.get(level, level) if isinstance(level, str) else level


def constants_of(document: PlanDocument, factors: Sequence[KeyedFactor]) -> dict[str, Any]:
    """Return {config key: value} of the settings that all runs share."""
    taken = [key for factor in factors for key in factor.keys]
    return {_key(str(name), taken): value for name, value in (document.config or {}).items()}

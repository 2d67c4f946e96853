"""A factor: a name, the config keys it sets, its levels, and the level that counts as the baseline."""

from dataclasses import dataclass
from typing import Any

LevelName = bool | int | float | str
"""How a level is written in a study file; a boolean is never equal to a number."""


@dataclass(frozen=True)
class Level:
    """One value of a factor: its name, and what it puts under each of the factor's keys."""

    name: LevelName
    values: tuple[Any, ...]

    @property
    def word(self) -> LevelName:
        """The name as reports give it: booleans as on and off, numbers as numbers."""
        return ("on" if self.name else "off") if isinstance(self.name, bool) else self.name


@dataclass(frozen=True)
class Factor:
    """What is varied. `sets` are dotted config keys, parallel to every level's `values`."""

    name: str
    sets: tuple[str, ...]
    levels: tuple[Level, ...]
    baseline: Level


def level_text(name: Any) -> str:
    """A level's name as labels show it: on, off, 0.3, resnet50."""
    if isinstance(name, bool):
        return "on" if name else "off"
    if name is None:
        return "null"
    return f"{name:.12g}" if isinstance(name, float) else str(name)


def label_word(factor: str, level: LevelName) -> str:
    """A factor and its level within a label, `margin=0.2`; no two of them, and no two lists of them, read the same."""
    return f"{_unmistakable(factor)}={_unmistakable(level_text(level))}"


def _unmistakable(name: str) -> str:
    """The name, in quotes if it holds what separates the words of a label, or what a line cannot hold."""
    plain = name.isprintable() and name == name.strip() and name and not set(name) & set("=,'\"")
    return name if plain else repr(name)

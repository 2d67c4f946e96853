"""Factors and their levels, and the words for them in labels."""

from dataclasses import dataclass
from typing import Any

from ablate.text import written

LevelName = bool | int | float | str
"""A level's name as a study file writes it; a boolean is never equal to a number."""


@dataclass(frozen=True)
class Level:
    """One value of a factor."""

    name: LevelName
    values: tuple[Any, ...]
    """The value that the level sets under each of the factor's keys, parallel to the factor's `sets`."""

    @property
    def word(self) -> LevelName:
        """The name as reports print it: booleans as on and off, numbers as numbers."""
        return ("on" if self.name else "off") if isinstance(self.name, bool) else self.name


@dataclass(frozen=True)
class Factor:
    """One thing that a study varies."""

    name: str
    sets: tuple[str, ...]
    """The dotted config keys that the factor sets, parallel to every level's `values`."""
    levels: tuple[Level, ...]
    baseline: Level
    """The level of the baseline, one of `levels`."""


def level_text(name: Any) -> str:
    """Return a level's name, or a config value, as a study file writes it: on, off, null, 0.3, resnet50, [12, 20]."""
    return written(name)


def label_word(factor: str, level: LevelName) -> str:
    """Return a factor and its level as a label prints them, `margin=0.2`.

    Different factors, levels, and lists of them always read differently.
    """
    text = level if isinstance(level, str) else level_text(level)
    return f"{_unmistakable(factor)}={_unmistakable(text)}"


def _unmistakable(name: str) -> str:
    """Return the name, in quotes if it has characters that separate the words of a label or that no line can hold."""
    plain = name.isprintable() and name == name.strip() and name and not set(name) & set("=,'\"")
    return name if plain else repr(name)

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

    @property
    def second(self) -> Level | None:
        """The level that a ladder's rung goes to: the first that is not the baseline."""
        return next((level for level in self.levels if level is not self.baseline), None)

    def level(self, name: Any) -> Level | None:
        """The level of that name, written in any way that names it; None if there is none."""
        return next((level for level in self.levels if level_text(level.name) == level_text(name)), None)


def level_text(name: Any) -> str:
    """A level's name as labels show it: on, off, 0.3, resnet50."""
    if isinstance(name, bool):
        return "on" if name else "off"
    if name is None:
        return "null"
    return f"{name:.12g}" if isinstance(name, float) else str(name)


def label_of(factors: tuple[Factor, ...], levels: dict[str, Level]) -> str:
    """What a generated row is called: only what differs from the baseline."""
    differing = [f for f in factors if levels[f.name] is not f.baseline]
    if not differing:
        return "baseline"
    return ", ".join(f"{f.name}={level_text(levels[f.name].name)}" for f in differing)

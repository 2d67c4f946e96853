"""Settings that vary as factors: their levels, bundles of settings that always vary together, and constants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablate.study.factors import LevelName, level_text

Ints = NDArray[np.int64]

NOT_SET = "not set"
"""The level of runs that do not have a setting."""
MOST_NAMED = 3
"""The settings of a bundle that its name has."""
OFF = frozenset({"off", "false", "none", "no", "0", "without", "w/o", NOT_SET})
"""Words of levels that are a baseline."""


@dataclass(frozen=True)
class ImportedFactor:
    """A factor of an imported study."""

    name: str
    keys: tuple[str, ...]
    """The settings that it stands for; several if they always vary together."""
    levels: tuple[LevelName, ...]
    """In the order in which they appear."""
    values: tuple[tuple[Any, ...], ...]
    """The value of each key in each level, parallel to `levels`."""
    baseline: LevelName
    codes: Ints
    """The position of the level of each run, shape (runs,)."""

    @property
    def is_bundle(self) -> bool:
        """True if its settings cannot be told apart."""
        return len(self.keys) > 1


@dataclass(frozen=True)
class _Setting:
    name: str
    values: tuple[Any, ...]
    """Its different values, in the order in which they appear."""
    codes: Ints


def factors_of(runs: pd.DataFrame, names: Sequence[str]) -> tuple[list[ImportedFactor], dict[str, Any]]:
    """Return the factors among settings, and {setting: value} of those that all runs share.

    Settings that split the runs into the same groups are one factor.
    """
    constants: dict[str, Any] = {}
    bundles: dict[bytes, list[_Setting]] = {}
    for name in names:
        setting = _setting(name, runs[name])
        if len(setting.values) == 1:
            constants[name] = setting.values[0]
        else:
            bundles.setdefault(setting.codes.tobytes(), []).append(setting)
    return [_factor(settings) for settings in bundles.values()], constants


def _setting(name: str, column: "pd.Series[Any]") -> _Setting:
    codes, values = pd.factorize(column, use_na_sentinel=False)
    plain = [_plain(value) for value in values]
    if all(isinstance(value, float) and value.is_integer() for value in plain if value is not None):
        plain = [None if value is None else int(value) for value in plain]  # a missing cell makes whole numbers floats
    return _Setting(name, tuple(plain), codes.astype(np.int64))


def _plain(value: Any) -> Any:
    """Return a cell as a plain value; None without one."""
    if isinstance(value, list | tuple | dict):
        return value
    if value is None or pd.isna(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, bool | int | float | str) else str(value)


def _factor(settings: Sequence[_Setting]) -> ImportedFactor:
    names = [setting.name for setting in settings]
    values = list(zip(*(setting.values for setting in settings), strict=True))
    levels = _different([_level(of_level) for of_level in values])
    return ImportedFactor(
        _bundle_name(names),
        tuple(names),
        levels,
        tuple(values),
        _baseline(levels, settings[0].codes),
        settings[0].codes,
    )


def _bundle_name(names: Sequence[str]) -> str:
    more = f" + {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return " + ".join(names[:MOST_NAMED]) + more


def _level(values: Sequence[Any]) -> LevelName:
    words = [_word(value) for value in values[:MOST_NAMED]]
    return words[0] if len(values) == 1 else " + ".join(map(level_text, words))


def _word(value: Any) -> LevelName:
    """Return a value as reports name a level."""
    if value is None:
        return NOT_SET
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, int | float | str) else level_text(value)


def _different(levels: Sequence[LevelName]) -> tuple[LevelName, ...]:
    """Return the levels with a number behind those that read like an earlier one."""
    texts: dict[str, int] = {}
    different: list[LevelName] = []
    for level in levels:
        text = str(level)
        texts[text] = texts.get(text, 0) + 1
        different.append(level if texts[text] == 1 else f"{text} ({texts[text]})")
    return tuple(different)


def _baseline(levels: Sequence[LevelName], codes: Ints) -> LevelName:
    """Return the level that is off; without one, the level of most runs, the first of several."""
    off = [level for level in levels if str(level).lower() in OFF]
    return off[0] if len(off) == 1 else levels[int(np.bincount(codes).argmax())]

"""An option of a script, as its parser declares it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ablate.study.starting.scanning.source import UNKNOWN


class OptionKind(StrEnum):
    """The form of an option on the command line."""

    VALUE = "value"
    """`--lr 0.1`."""
    LIST = "list"
    """`--layers 1 2 3`."""
    SWITCH = "switch"
    """`--augment`, or left out."""
    OFF_SWITCH = "off switch"
    """`--no-augment`, or left out; it turns something off."""
    PAIR = "pair"
    """`--augment` and `--no-augment`."""
    BOOLEAN = "boolean"
    """`--augment true`."""
    BROKEN_BOOLEAN = "broken boolean"
    """`type=bool` of argparse: every text but the empty one is true, `false` as well."""


@dataclass(frozen=True)
class ScriptOption:
    """One option, or one positional argument."""

    flag: str
    """As it is typed: `--weight-decay`, `-lr`; empty for a positional argument and for a key of Hydra."""
    name: str
    """The key in a study's config: the flag without its dashes, or the name of the argument."""
    kind: OptionKind = OptionKind.VALUE
    default: Any = None
    """The plain default; None if there is none, UNKNOWN if only running the script would show it."""
    choices: tuple[Any, ...] = ()
    is_required: bool = False
    help: str = ""
    line: int = 0
    """The line of the script."""
    commands: tuple[str, ...] = ()
    """The subcommands that have the option; empty if it belongs to the program itself."""
    attribute: str = ""
    """The name under which the script reads the value, such as `weight_decay`."""
    is_exclusive: bool = False
    """True if the parser accepts it only without some others."""

    @property
    def is_switch(self) -> bool:
        """True if its value is on or off."""
        return self.kind in (OptionKind.SWITCH, OptionKind.OFF_SWITCH, OptionKind.PAIR, OptionKind.BOOLEAN)

    @property
    def is_number(self) -> bool:
        """True if its default is a number."""
        return type(self.default) in (int, float)

    @property
    def is_usable(self) -> bool:
        """True if a study can set it to its default, and to other values."""
        return self.kind is not OptionKind.BROKEN_BOOLEAN and not self.is_exclusive and self.default is not UNKNOWN


@dataclass(frozen=True)
class ScriptOptions:
    """All options of a script."""

    parser: str
    """The library that reads them, such as argparse."""
    options: tuple[ScriptOption, ...] = ()


def words_of(name: str) -> list[str]:
    """Return the words of a name: `weight`, `decay` of `--weight_decay`, `weightDecay` and `opt.weight-decay`."""
    return [part.lower() for part in re.split(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])", name) if part]


def without_repeats(options: Iterable[ScriptOption]) -> tuple[ScriptOption, ...]:
    """Return the options without those whose name an earlier one of the same commands has."""
    first: dict[tuple[str, tuple[str, ...]], ScriptOption] = {}
    for option in options:
        first.setdefault((option.name, option.commands), option)
    return tuple(first.values())

"""The options of a script by their use in a study: those of its config, the seed, the output, and the others."""

from typing import NamedTuple

from pydantic import BaseModel

from ablate.study.starting.draft import TO_FILL_IN
from ablate.study.starting.roles import Role, is_path, role_of, seed_among
from ablate.study.starting.scanning.options import OptionKind, ScriptOption, ScriptOptions
from ablate.trainers.command.arguments import RESERVED

TRAIN_COMMANDS = ("train", "fit", "run")
"""Subcommands that train, the most usual first."""
IN_CONFIG = (Role.SETTING, Role.LENGTH, Role.OTHER_SEED, Role.INPUT)


class OptionUse(NamedTuple):
    """The options of a script by their use in a study."""

    parser: str
    """The library that reads them; empty if no option was recognised."""
    config: tuple[ScriptOption, ...] = ()
    seed: ScriptOption | None = None
    outputs: tuple[ScriptOption, ...] = ()
    """Those that give a folder or a file for results."""
    left: tuple[ScriptOption, ...] = ()
    """Those that stay at the script's defaults."""
    command: str = ""
    """The subcommand; empty if there is none."""

    @property
    def missing(self) -> list[ScriptOption]:
        """The options of the config whose value only the user knows."""
        return [option for option in self.config if config_value(option) == TO_FILL_IN]

    @property
    def broken(self) -> list[ScriptOption]:
        """The booleans that cannot be turned off."""
        return [option for option in self.left if option.kind is OptionKind.BROKEN_BOOLEAN]


def option_use(options: ScriptOptions) -> OptionUse:
    """Return the use of each option. With subcommands, it is about the one that trains."""
    names = list(dict.fromkeys(name for option in options.options for name in option.commands))
    command = next((name for name in TRAIN_COMMANDS if name in names), names[0] if names else "")
    own = [option for option in options.options if not command or command in option.commands]
    of_program = [option for option in options.options if command and not option.commands]
    seed = seed_among([*own, *of_program])
    outputs = [each for each in (*own, *of_program) if role_of(each) is Role.FOLDER and not each.is_exclusive]
    rest = [option for option in own if option is not seed and option not in outputs]
    config = [option for option in _without_mixed_switches(rest) if _is_for_config(option)]
    left = [option for option in (*own, *of_program) if option not in (seed, *outputs, *config)]
    return OptionUse(options.parser, tuple(config), seed, tuple(outputs), tuple(left), command)


def config_value(option: ScriptOption) -> object:
    """Return the value of an option in the config of a study: its default, its first choice, or TO_FILL_IN."""
    if option.default is not None:
        return option.default
    return option.choices[0] if option.choices else TO_FILL_IN


def _without_mixed_switches(options: list[ScriptOption]) -> list[ScriptOption]:
    """Return the options without pairs that are on, if there are plain switches: one style cannot write both."""
    if not any(option.kind in (OptionKind.SWITCH, OptionKind.OFF_SWITCH) for option in options):
        return options
    return [option for option in options if option.kind is not OptionKind.PAIR or option.default is False]


def _is_for_config(option: ScriptOption) -> bool:
    if option.is_exclusive or _is_reserved(option.name) or not option.is_usable:
        return False
    if option.is_required:
        return True
    is_short_switch = option.is_switch and option.flag.startswith("-") and not option.flag.startswith("--")
    if option.default is None or is_short_switch:
        return False
    return role_of(option) in IN_CONFIG and not is_path(option)


def _is_reserved(name: str) -> bool:
    """Return True for a name that no config key may have."""
    parts = name.split(".")
    return parts[0] in (*RESERVED, "runtime") or any(hasattr(BaseModel, part) or part[:1] == "_" for part in parts)

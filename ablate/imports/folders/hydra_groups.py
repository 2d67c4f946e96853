"""The options of Hydra's groups as settings, in place of the keys that an option sets.

A group's option stands for the keys below it that name it, such as `_target_`, and for those that other options lack.
A number that all options have and that differs, such as `optim.lr`, stays: it changes together with the option, which
makes a contrast between the options confounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ablate.imports.folders.sections import RunParts
from ablate.imports.source import Cell
from ablate.text import listed_in_part


def with_choices(parts: Sequence[RunParts], choices: Sequence[Mapping[str, Cell]]) -> tuple[list[RunParts], list[str]]:
    """Return the runs with a setting for each group whose options vary, and a sentence for the keys that it replaces.

    `choices`: {group: option} of each run.
    """
    groups = [group for group in _groups(choices) if len({_option(each, group) for each in choices}) > 1]
    runs, sentences = list(parts), []
    for group in groups:
        options = [_option(each, group) for each in choices]
        replaced = [key for key in _keys_below(group, parts) if _is_of_option(key, parts, options)]
        runs = [
            replace(run, settings={_name(group, parts): option, **_without(run.settings, replaced)})
            for run, option in zip(runs, options, strict=True)
        ]
        if replaced:
            keys = listed_in_part(replaced, 5)
            sentences.append(f"{keys}: set by the option of the group {group}, which stands for them")
    return runs, sentences


def _groups(choices: Sequence[Mapping[str, Cell]]) -> list[str]:
    groups: dict[str, None] = {}
    for each in choices:
        groups |= dict.fromkeys(each)
    return list(groups)


def _option(choices: Mapping[str, Cell], group: str) -> str:
    option = choices.get(group)
    return "none" if option is None else str(option)


def _name(group: str, parts: Sequence[RunParts]) -> str:
    """Return the name of a group's column: its path, if no key of the configuration has it."""
    name = group.partition("@")[0]
    return f"{name} (group)" if any(name in run.settings for run in parts) else name


def _keys_below(group: str, parts: Sequence[RunParts]) -> list[str]:
    """Return the keys that a group's options set: those below its path, or below the package after its `@`."""
    path, _, package = group.partition("@")
    prefix = f"{package or path.replace('/', '.')}."
    keys: dict[str, None] = {}
    for run in parts:
        keys |= dict.fromkeys(key for key in run.settings if key.startswith(prefix))
    return list(keys)


def _is_of_option(key: str, parts: Sequence[RunParts], options: Sequence[str]) -> bool:
    """Return True if a key follows from the option, and is no number that every option has."""
    by_option: dict[str, set[tuple[bool, str]]] = {}
    for run, option in zip(parts, options, strict=True):
        by_option.setdefault(option, set()).add((key in run.settings, str(run.settings.get(key))))
    if any(len(values) > 1 for values in by_option.values()):
        return False
    is_everywhere = all(key in run.settings for run in parts)
    varies = len(set.union(*by_option.values())) > 1
    are_texts = all(isinstance(run.settings.get(key), str | None) for run in parts)
    return varies and (are_texts or not is_everywhere)


def _without(settings: Mapping[str, Cell], keys: Sequence[str]) -> dict[str, Cell]:
    return {key: value for key, value in settings.items() if key not in keys}

"""Settings in run names without a form: `lr=0.1`, `lr0.1`, `seed42`, and parts that have no key."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ablate.errors import SourceError
from ablate.imports.folders.names.forms import typed
from ablate.imports.folders.names.tokens import SEED, taken_apart
from ablate.imports.folders.words import IDS
from ablate.imports.source import Cell


@dataclass(frozen=True)
class NameSettings:
    """The settings in the names of runs, parallel to the names."""

    settings: list[dict[str, Cell]]
    ids: list[dict[str, Cell]]
    """Parts that number the runs."""
    keyless: list[list[str]]
    """The parts without a key."""


def keyed_settings(names: Sequence[str]) -> NameSettings:
    """Return the settings of names that have keys in them, and the parts without keys."""
    split = taken_apart(names)
    pairs = [{key: typed(value) for key, value in name.pairs.items()} for name in split]
    return NameSettings(
        [{key: value for key, value in each.items() if key.lower() not in IDS} for each in pairs],
        [{key: value for key, value in each.items() if key.lower() in IDS} for each in pairs],
        [name.parts for name in split],
    )


def all_settings(names: Sequence[str]) -> NameSettings:
    """Return the settings of names, the parts without keys as `name 1`, `name 2`, ….

    SourceError with a form to type if names have different numbers of such parts.
    """
    found = keyed_settings(names)
    counts = Counter(map(len, found.keyless))
    if len(counts) > 1:
        raise SourceError(_counts_fault(names, found))
    named = [{f"name {at}": typed(part) for at, part in enumerate(parts, 1)} for parts in found.keyless]
    settings = [{**own, **others} for own, others in zip(named, found.settings, strict=True)]
    return NameSettings(_with_last_number_as_seed(settings, found), found.ids, found.keyless)


def _with_last_number_as_seed(settings: list[dict[str, Cell]], found: NameSettings) -> list[dict[str, Cell]]:
    """Return the settings with the last part without a key as the seed, if it is one: `vit/0`, `vit/1`."""
    last = f"name {len(found.keyless[0])}" if found.keyless and found.keyless[0] else ""
    if not last or any(SEED in each for each in settings):
        return settings
    values = [each[last] for each in settings]
    rest = [tuple(sorted((key, str(value)) for key, value in each.items() if key != last)) for each in settings]
    if not are_seeds(values, rest):
        return settings
    return [
        {**{key: value for key, value in each.items() if key != last}, SEED: value}
        for each, value in zip(settings, values, strict=True)
    ]


def are_seeds(values: Sequence[Cell], rows: Sequence[object]) -> bool:
    """Return True if whole numbers are seeds: no row has one twice, and the rows share some, or there is one row.

    Numbers that count all runs are none. `rows`: the other settings of each run.
    """
    if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values):
        return False
    is_once = max(Counter(zip(rows, values, strict=True)).values(), default=0) == 1
    shared = Counter(values).most_common(1)
    return is_once and len(set(values)) > 1 and (len(set(rows)) == 1 or shared[0][1] > 1)


def _counts_fault(names: Sequence[str], found: NameSettings) -> str:
    shortest = min(range(len(names)), key=lambda at: len(found.keyless[at]))
    longest = max(range(len(names)), key=lambda at: len(found.keyless[at]))
    few, many = len(found.keyless[shortest]), len(found.keyless[longest])
    return (
        f"the names of the runs have different numbers of parts: {names[shortest]!r} has {few}, {names[longest]!r} has "
        f"{many}, so it is not clear which setting each part is; give their form, as --names "
        f"'{proposed_form(names[longest], found, longest)}'"
    )


def proposed_form(name: str, found: NameSettings, at: int) -> str:
    """Return a form that fits a name: a field for each pair, and one for each run of parts without a key."""
    form = name.replace("{", "").replace("}", "")
    for key, value in {**found.settings[at], **found.ids[at]}.items():
        form = re.sub(rf"({re.escape(key)}[-_=]?){re.escape(str(value))}(?![0-9.])", rf"\1{{{key}}}", form, count=1)
    parts = found.keyless[at]
    if parts and (start := form.find(parts[0])) >= 0 and (end := form.find(parts[-1], start)) >= 0:
        form = f"{form[:start]}{{variant}}{form[end + len(parts[-1]) :]}"
    return form

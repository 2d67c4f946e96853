"""The runs in a JSON object whose keys are their names, at whatever level."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ablate.imports.folders.words import SETTING_SECTIONS, SPLITS

VALUE = "value"
"""The name of the metric if a run is one number without a name."""
DEEPEST = 6
"""The largest number of levels of names above the results."""


class MappingEntry(NamedTuple):
    """One run of the mapping."""

    keys: tuple[str, ...]
    """The keys that lead to it."""
    content: Mapping[str, Any]


def entries_of(content: Mapping[str, Any]) -> tuple[list[MappingEntry], list[str]]:
    """Return the runs of a mapping without the keys that wrap all of them, and a sentence for each other part."""
    entries = list(_runs_in(content, ()))
    depth, _ = Counter(len(entry.keys) for entry in entries).most_common(1)[0] if entries else (0, 0)
    kept = [entry for entry in entries if len(entry.keys) == depth]
    other = [entry for entry in entries if len(entry.keys) != depth]
    heads = {entry.keys[0] for entry in kept}
    unused = [f"{'/'.join(entry.keys)}: no run, for it lies on another level than the runs" for entry in other[:20]]
    unused += [f"{key}: no run, for it has no results" for key in content if _is_beside(key, content, heads, other)]
    while kept and len(kept[0].keys) > 1 and len({entry.keys[0] for entry in kept}) == 1:
        kept = [MappingEntry(entry.keys[1:], entry.content) for entry in kept]
    return kept, unused


def _is_beside(key: str, content: Mapping[str, Any], heads: set[str], other: Sequence[MappingEntry]) -> bool:
    return key not in heads and all(entry.keys[0] != key for entry in other) and len(content) <= 100


def _runs_in(content: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[MappingEntry]:
    if keys and not is_level(content, len(keys)):
        if _has_number(content):
            yield MappingEntry(keys, content)
        return
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _runs_in(value, (*keys, str(key)))
        elif _are_numbers(value) and is_level(content, len(keys)) and not _objects(content):
            yield from _single_values(value, (*keys, str(key)))


def _single_values(value: Any, keys: tuple[str, ...]) -> Iterator[MappingEntry]:
    """Yield a run for a number, and one for each number of a list: its values are those of several runs."""
    if not isinstance(value, list):
        yield MappingEntry(keys, {VALUE: value})
        return
    for each in value:
        yield MappingEntry(keys, {VALUE: each})


def is_level(content: Mapping[str, Any], depth: int = 0) -> bool:
    """Return True if the keys of an object are names of runs, or lead to such names."""
    if depth > DEEPEST:
        return False
    children = _objects(content)
    if len(children) >= 2 and _are_alike(list(children.values())):
        return True
    if not children and depth < 1 and len(content) >= 2:
        return all(map(_are_numbers, content.values())) and any(isinstance(each, list) for each in content.values())
    if not children and depth >= 1 and len(content) >= 2 and all(key.isdecimal() for key in content):
        return all(map(_are_numbers, content.values()))
    return any(is_level(child, depth + 1) for child in children.values())


def _objects(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    names = SPLITS | SETTING_SECTIONS
    return {
        key: value
        for key, value in content.items()
        if isinstance(value, Mapping) and value and key.lower() not in names
    }


def _are_alike(objects: Sequence[Mapping[str, Any]]) -> bool:
    """Return True if half of the objects or more have the keys that most of them have."""
    keys = Counter(key for each in objects for key in each)
    usual = {key for key, count in keys.items() if 2 * count >= len(objects) and count >= 2}
    return bool(usual) and 2 * sum(usual <= set(each) for each in objects) >= len(objects)


def _has_number(content: Any) -> bool:
    if isinstance(content, Mapping):
        return any(map(_has_number, content.values()))
    if isinstance(content, list):
        return any(map(_has_number, content[-3:]))
    return isinstance(content, int | float) and not isinstance(content, bool)


def _are_numbers(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(map(_is_number, value))
    return _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

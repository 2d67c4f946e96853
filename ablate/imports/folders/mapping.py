"""The reader of JSON files that map run names to results: `{"vit_on_seed3": {"acc": 0.91}, …}`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ablate.errors import SourceError
from ablate.imports.folders.frames import source_of, with_settings
from ablate.imports.folders.names.forms import form_settings
from ablate.imports.folders.names.parts import SEED, NameSettings, all_settings
from ablate.imports.folders.reading.documents import read_document
from ablate.imports.folders.sections import RunParts, sorted_parts
from ablate.imports.folders.words import SETTING_SECTIONS, SPLITS
from ablate.imports.source import Request, Source
from ablate.trainers.measuring.takes import NoValueError

VALUE = "value"
"""The name of the metric if a run is one number without a name."""
DEEPEST = 6
"""The largest number of levels of names above the results."""


class Entry(NamedTuple):
    """One run of the mapping."""

    keys: tuple[str, ...]
    """The keys that lead to it."""
    content: Mapping[str, Any]


class MappingReader:
    """Reads a JSON file whose keys are the names of runs."""

    kind = "mapping"

    def recognise(self, path: Path) -> str:
        """Return why a file is a mapping of runs: two names or more, whose values have keys in common."""
        if path.suffix.lower() != ".json" or not path.is_file():
            return ""
        try:
            content = read_document(path, path.name)
        except NoValueError:
            return ""
        entries, _ = _entries(content) if isinstance(content, Mapping) and _is_level(content, 0) else ([], [])
        if len(entries) < 2:
            return ""
        return f"it maps {len(entries):,} names, such as {'/'.join(entries[0].keys)}, to results with the same keys"

    def read(self, path: Path, request: Request) -> Source:
        """Return the runs; their settings are in their names, or next to the results."""
        try:
            content = read_document(path, str(path))
        except NoValueError as error:
            raise SourceError(f"{error}") from None
        if not isinstance(content, Mapping):
            raise SourceError(f"{path}: it holds a {type(content).__name__}, not names with results; see --from table")
        entries, unused = _entries(content)
        if not entries:
            raise SourceError(
                f'{path}: no name has a result; a mapping of runs is like {{"vit_seed0": {{"acc": 0.91}}}}'
            )
        try:
            parts = [_parts(entry) for entry in entries]
        except NoValueError as error:
            raise SourceError(f"{path}: {error}") from None
        named, seed = _with_names(parts, request)
        return source_of(self.kind, self.recognise(path) or "--from names this kind", named, unused, request, seed)


def _with_names(parts: Sequence[RunParts], request: Request) -> tuple[list[RunParts], str]:
    """Return the runs with the settings in their names, and the column of seeds if the names have one.

    Values next to the results may be settings too, unless they are numbers only and the names say the settings.
    """
    has_settings = any(run.settings or _has_texts(run) for run in parts)
    names = [run.name for run in parts]
    try:
        in_names = _settings_in(names, request)
    except SourceError:
        if request.names or not has_settings:
            raise
        return list(parts), ""
    if has_settings or not any(in_names.settings):
        kept = [with_settings(run, each) for run, each in zip(parts, in_names.settings, strict=True)]
    else:
        kept = [_with_metrics(run, each) for run, each in zip(parts, in_names.settings, strict=True)]
    runs = [replace(run, circumstances=ids) for run, ids in zip(kept, in_names.ids, strict=True)]
    return runs, SEED if any(SEED in each for each in in_names.settings) else ""


def _settings_in(names: Sequence[str], request: Request) -> NameSettings:
    if request.names:
        settings = form_settings(request.names, names)
        return NameSettings(settings, [{} for _ in names], [[] for _ in names])
    return all_settings(names)


def _has_texts(run: RunParts) -> bool:
    return any(isinstance(value, str | bool) for value in run.plain.values())


def _with_metrics(run: RunParts, settings: Mapping[str, Any]) -> RunParts:
    """Return a run whose settings are all in its name, so that its numbers are metrics."""
    numbers = {key: float(value) for key, value in run.plain.items() if isinstance(value, int | float)}
    rest = {key: value for key, value in run.plain.items() if key not in numbers}
    return replace(run, settings=settings, metrics={**run.metrics, **numbers}, plain=rest)


def _parts(entry: Entry) -> RunParts:
    name = "/".join(entry.keys)
    return replace(sorted_parts(entry.content, name, has_config=False), name=name)


def _entries(content: Mapping[str, Any]) -> tuple[list[Entry], list[str]]:
    """Return the runs of a mapping without the keys that wrap all of them, and a sentence for each other part."""
    entries = list(_runs_in(content, ()))
    depth, _ = Counter(len(entry.keys) for entry in entries).most_common(1)[0] if entries else (0, 0)
    kept = [entry for entry in entries if len(entry.keys) == depth]
    other = [entry for entry in entries if len(entry.keys) != depth]
    heads = {entry.keys[0] for entry in kept}
    unused = [f"{'/'.join(entry.keys)}: no run, for it lies on another level than the runs" for entry in other[:20]]
    unused += [f"{key}: no run, for it has no results" for key in content if _is_beside(key, content, heads, other)]
    while kept and len(kept[0].keys) > 1 and len({entry.keys[0] for entry in kept}) == 1:
        kept = [Entry(entry.keys[1:], entry.content) for entry in kept]
    return kept, unused


def _is_beside(key: str, content: Mapping[str, Any], heads: set[str], other: Sequence[Entry]) -> bool:
    return key not in heads and all(entry.keys[0] != key for entry in other) and len(content) <= 100


def _runs_in(content: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[Entry]:
    if keys and not _is_level(content, len(keys)):
        if _has_number(content):
            yield Entry(keys, content)
        return
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _runs_in(value, (*keys, str(key)))
        elif _are_numbers(value) and _is_level(content, len(keys)) and not _objects(content):
            yield from _single_values(value, (*keys, str(key)))


def _single_values(value: Any, keys: tuple[str, ...]) -> Iterator[Entry]:
    """Yield a run for a number, and one for each number of a list: its values are those of several runs."""
    if not isinstance(value, list):
        yield Entry(keys, {VALUE: value})
        return
    for each in value:
        yield Entry(keys, {VALUE: each})


def _is_level(content: Mapping[str, Any], depth: int) -> bool:
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
    return any(_is_level(child, depth + 1) for child in children.values())


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


reader = MappingReader()

"""The reader of JSON files that map run names to results: `{"vit_on_seed3": {"acc": 0.91}, …}`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ablate.errors import SourceError
from ablate.imports.folders.frames import source_of, with_settings
from ablate.imports.folders.mapping_entries import MappingEntry, entries_of, is_level
from ablate.imports.folders.names.forms import form_settings
from ablate.imports.folders.names.parts import NameSettings, all_settings
from ablate.imports.folders.names.tokens import SEED
from ablate.imports.folders.reading.documents import read_document
from ablate.imports.folders.sections import RunParts, sorted_parts
from ablate.imports.source import Request, Source
from ablate.trainers.measuring.takes import NoValueError


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
        entries, _ = entries_of(content) if isinstance(content, Mapping) and is_level(content) else ([], [])
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
        entries, unused = entries_of(content)
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


def _parts(entry: MappingEntry) -> RunParts:
    name = "/".join(entry.keys)
    return replace(sorted_parts(entry.content, name, has_config=False), name=name)


reader = MappingReader()

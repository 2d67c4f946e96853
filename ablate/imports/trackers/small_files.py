"""Small files of trackers, read within bounds: text, YAML and JSON as nested values, and names for nested values."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ablate.errors import SourceError
from ablate.imports.trackers.documents import check_depth
from ablate.imports.trackers.tracked_runs import Cell

LARGEST_FILE = 10_000_000
"""Bytes of a config or a summary above which it is refused."""
MOST_VALUES = 10_000
"""Values of one config or summary above which it is refused."""
DEEPEST = 20
"""Levels of nested values."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A loader of plain values, for which `1e-05` is a number, as other programs write it."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+\Z"), list("-+.0123456789")
)


def text_of(path: Path) -> str:
    """Return the text of a file. SourceError if it is no regular file, too large, or not UTF-8."""
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    if len(raw) > LARGEST_FILE:
        raise SourceError(f"{path}: larger than {LARGEST_FILE // 1_000_000} MB, which no file of its kind needs to be")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SourceError(
            f"{path}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None


def yaml_mapping(path: Path) -> dict[str, Any]:
    """Return the mapping of a YAML file. No object is built but plain values. SourceError if it holds none."""
    try:
        text = text_of(path)
        check_depth(text)
        content = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}" if mark else ""
        raise SourceError(f"{path}{place}: is no YAML of plain values: {getattr(error, 'problem', error)}") from None
    except (RecursionError, ValueError) as error:
        raise SourceError(f"{path}: is no YAML of plain values: {error}") from None
    return _mapping(content, path)


def json_mapping(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file. SourceError if it holds none."""
    try:
        content = json.loads(text_of(path))
    except json.JSONDecodeError as error:
        raise SourceError(f"{path}:{error.lineno}: column {error.colno} is no JSON: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise SourceError(f"{path}: is no JSON: {error}") from None
    return _mapping(content, path)


def _mapping(content: object, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise SourceError(f"{path}: must hold names with values, but holds {'nothing' if content is None else 'none'}")
    return {str(key): value for key, value in content.items()}


def dotted(content: Mapping[str, Any], place: Path | str) -> dict[str, Cell]:
    """Return nested values under dotted names; a list is the text of its JSON. SourceError if they are too many."""
    cells: dict[str, Cell] = {}
    for name, value in _leaves(content, (), place):
        cells[name] = value
        if len(cells) > MOST_VALUES:
            raise SourceError(f"{place}: holds more than {MOST_VALUES:,} values, which no config needs")
    return cells


def _leaves(content: Mapping[str, Any], above: tuple[str, ...], place: Path | str) -> Iterator[tuple[str, Cell]]:
    if len(above) > DEEPEST:
        raise SourceError(f"{place}: nested more than {DEEPEST} levels deep at {'.'.join(above[:3])}")
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*above, str(key)), place)
        elif value is None or isinstance(value, bool | int | float | str):
            yield ".".join((*above, str(key))), value
        else:
            yield ".".join((*above, str(key))), _as_text(value, place)


def _as_text(value: object, place: Path | str) -> str:
    try:
        return json.dumps(value, default=str)
    except (RecursionError, ValueError):
        raise SourceError(f"{place}: a list in it is nested too deep or holds itself") from None


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (name with slashes, path) of the regular files below a folder, sorted. No link to a folder is followed."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file():
                yield path.relative_to(folder).as_posix(), path

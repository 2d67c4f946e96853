"""Files of JSON, TOML and YAML as plain values, and the cells of a table that their nested keys become."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ablate.imports.folders.reading.yaml_documents import DEEPEST, LARGEST, yaml_values
from ablate.imports.source import Cell
from ablate.text import written
from ablate.trainers.measuring.json_values import leaves, raw_of, read_json
from ablate.trainers.measuring.takes import NoValueError, OtherValue, number

LARGEST_JSON = 64 * 2**20
"""Bytes of the largest JSON file that is read."""
MOST_KEYS = 10_000
"""The largest number of keys of one document."""
LONGEST_TEXT = 1_000
"""Letters of a setting; a longer one is shown by its beginning and its hash."""
DOCUMENTS = frozenset({".json", ".toml", ".yaml", ".yml"})
"""The endings of files that `read_document` reads."""


def read_document(path: Path, name: str) -> Any:
    """Return the content of a JSON, TOML or YAML file. NoValueError if it is too large, torn, or of another form."""
    ending = path.suffix.lower()
    largest = LARGEST_JSON if ending == ".json" else LARGEST
    try:
        if path.stat().st_size > largest:
            raise NoValueError(f"{name} has more than {largest // 2**20} MB, too much for one configuration or result")
        if ending == ".json":
            return _checked(read_json(path, name), name)
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise NoValueError(f"{name} cannot be read: {error.strerror}") from None
    return _checked(_toml(text, name), name) if ending == ".toml" else yaml_values(text, name)


def _checked(content: Any, name: str) -> Any:
    """Return a content; NoValueError if it has too many levels."""
    level = [content]
    for _ in range(DEEPEST + 1):
        inner = [each for each in level if isinstance(each, dict | list)]
        level = [value for each in inner for value in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return content
    raise NoValueError(f"{name} has more than {DEEPEST} levels, too many for a configuration or results")


def read_mapping(path: Path, name: str) -> Mapping[str, Any]:
    """Return the content of a file that holds names and values; NoValueError if it does not."""
    content = read_document(path, name)
    if content is None:
        raise NoValueError(f"{name} is empty")
    if not isinstance(content, Mapping):
        raise NoValueError(f"{name} holds a {type(content).__name__}, not names and values")
    return content


def _toml(text: str, name: str) -> Any:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoValueError(f"{name} is not TOML: {error}") from None


def cells(content: Mapping[Any, Any], name: str) -> dict[str, Cell]:
    """Return {dotted key: value} for the settings in a document; lists become texts."""
    settings: dict[str, Cell] = {}
    for key, value in _leaves(content, "", 0, name):
        settings[key] = cell(value)
        if len(settings) > MOST_KEYS:
            raise NoValueError(f"{name} has more than {MOST_KEYS:,} keys, too many to be a configuration")
    return settings


def _leaves(content: Mapping[Any, Any], prefix: str, depth: int, name: str) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST:
        raise NoValueError(f"{name} has more than {DEEPEST} levels, too many to be a configuration")
    for key, value in content.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{dotted}.", depth + 1, name)
        else:
            yield dotted, value


def cell(value: Any) -> Cell:
    """Return a plain value as a cell: numbers and texts as they are, all else as a text."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else f"{value:.12g}" if abs(value) < 10**300 else "a very large number"
    try:
        text = value if isinstance(value, str) else written(value)
    except RecursionError:
        return "a value of too many levels"
    if len(text) <= LONGEST_TEXT:
        return text
    digest = hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest()[:8]
    return f"{text[:80]}… ({len(text):,} letters, {digest})"


def numbers(content: Any, name: str, prefix: str = "") -> tuple[dict[str, float], dict[str, Cell]]:
    """Return {dotted key: number} and {dotted key: other value} of a result; of a series, the last value."""
    values: dict[str, float] = {}
    others: dict[str, Cell] = {}
    try:
        for key, value in leaves(content, prefix):
            raw = raw_of(value)
            if isinstance(raw, OtherValue):
                others[key] = cell(value)
            else:
                values[key] = number(raw)
            if len(values) + len(others) > MOST_KEYS:
                raise NoValueError(f"{name} has more than {MOST_KEYS:,} keys, too many to be a result")
    except RecursionError:
        raise NoValueError(f"{name} has too many levels to be a result") from None
    return values, others

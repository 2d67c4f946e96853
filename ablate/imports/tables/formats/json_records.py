"""JSON lines, and JSON files with a list of objects: an object is a run, nested objects have dotted names."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ablate.errors import SourceError
from ablate.imports.tables.formats.builder import LINES_AT_ONCE, ColumnBuilder
from ablate.imports.tables.formats.files import HEAD, head_bytes, head_text, lines, whole_text
from ablate.imports.tables.grid import MOST_CHARACTERS, MOST_COLUMNS, Grid

SUFFIXES = (".jsonl", ".ndjson")
MOST_DEPTH = 50
"""The largest depth of nested objects."""

Record = dict[str, Any]


def recognise(path: Path) -> str:
    """Return why a file is of this form, as the end of a sentence; empty if it is not."""
    text = head_text(path).lstrip()
    if path.suffix.lower() in SUFFIXES:
        return f"its name ends with {path.suffix}"
    if text.startswith("[") and text[1:].lstrip().startswith("{"):
        return "it is a JSON list of objects"
    first = [line for line in text.splitlines()[:10] if line.strip()][:2]
    return "each of its lines is a JSON object" if len(first) == 2 and all(map(_is_object, first)) else ""


def is_list(path: Path) -> bool:
    return head_bytes(path)[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def read(path: Path) -> list[Grid]:
    """Return the table of a file, as the only one. SourceError if a part of it is no object of JSON."""
    if is_list(path):
        return [_grid(path, _items(path), "item")]
    return [_grid(path, _objects(path), "line")]


def _items(path: Path) -> Iterator[tuple[int, Record]]:
    try:
        items = json.loads(whole_text(path), object_pairs_hook=_record)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: this is no JSON that can be read: {_fault(error)}") from None
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise SourceError(f'{path}: item {number} is {_short(item)}, no object such as {{"lr": 0.1, "acc": 0.9}}')
        yield number, item


def _objects(path: Path) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(lines(path), 1):
        if not line.strip("\ufeff \t\r\n"):
            continue
        try:
            item = json.loads(line.strip("\ufeff \t\r\n"), object_pairs_hook=_record)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{path}: line {number} is no JSON object: {_fault(error)}") from None
        if not isinstance(item, dict):
            raise SourceError(f'{path}: line {number} is {_short(item)}, no object such as {{"lr": 0.1, "acc": 0.9}}')
        yield number, item


def _grid(path: Path, items: Iterable[tuple[int, Record]], unit: str) -> Grid:
    numbers: list[int] = []
    builders: dict[str, ColumnBuilder] = {}
    chunk: list[Record] = []
    for number, item in items:
        numbers.append(number)
        try:
            chunk.append(dict(_flat(item)))
        except SourceError as error:
            raise SourceError(f"{path}: {unit} {number}: {error}") from None
        if len(chunk) == LINES_AT_ONCE:
            _add(path, builders, chunk, len(numbers) - len(chunk))
            chunk = []
    _add(path, builders, chunk, len(numbers) - len(chunk))
    columns = tuple(builder.finish() for builder in builders.values())
    return Grid(tuple(builders), columns, np.array(numbers, dtype=np.int64), unit)


def _add(path: Path, builders: dict[str, ColumnBuilder], chunk: list[Record], before: int) -> None:
    """Add records to the columns; a name that no earlier record has begins with missing cells."""
    for name in dict.fromkeys(name for record in chunk for name in record):
        if name not in builders:
            builders[name] = ColumnBuilder(before)
    if len(builders) > MOST_COLUMNS:
        raise SourceError(f"{path}: {len(builders):,} different names; a table may have at most {MOST_COLUMNS:,}")
    for name, builder in builders.items():
        builder.add_values([record.get(name) for record in chunk])


def _flat(record: Record, before: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > MOST_DEPTH:
        raise SourceError(f"objects are nested deeper than {MOST_DEPTH} levels")
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.", depth + 1)
        else:
            yield _encodable(f"{before}{name}"), _cell(value)


def _cell(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        value = float(value) if abs(value) < 10**300 else str(value)[:MOST_CHARACTERS]
    if isinstance(value, str) and len(value) > MOST_CHARACTERS:
        raise SourceError(f"a value has more than {MOST_CHARACTERS:,} characters")
    return _encodable(value) if isinstance(value, str) else value


def _encodable(text: str) -> str:
    """Return a text without halves of characters, which JSON can have and no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _record(pairs: list[tuple[str, Any]]) -> Record:
    """Return an object. ValueError if a name occurs twice."""
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} occurs twice")
    return record


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}…"


def _fault(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)

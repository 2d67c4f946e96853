"""The values of result files: JSON, TOML, YAML, CSV and JSON lines, of a series the last one."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.imports.folders.reading.documents import DOCUMENTS, MOST_KEYS, read_document
from ablate.imports.folders.words import NAME_COLUMNS, VALUE_COLUMNS
from ablate.trainers.measuring.csv_values import rows_of, step_column
from ablate.trainers.measuring.json_values import read_json_lines
from ablate.trainers.measuring.takes import NoValueError, number_of_text

TABLES = frozenset({".csv", ".tsv"})
LINES = frozenset({".jsonl", ".ndjson"})
"""The endings of files with a JSON object a line."""
RESULT_FILES = DOCUMENTS | TABLES | LINES
LARGEST_SERIES = 2**30
"""Bytes of the largest file of a series."""
MOST_LINES_BY_NAME = 1_000
"""The largest number of lines of a table whose lines have names."""


def result_document(path: Path, name: str) -> Mapping[str, Any]:
    """Return the results in a file as one object. NoValueError if it has none, or cannot be read."""
    try:
        if path.stat().st_size > LARGEST_SERIES:
            raise NoValueError(
                f"{name} has more than {LARGEST_SERIES // 2**30} GB, too much for the results of one run"
            )
        ending = path.suffix.lower()
        content: Any = _table(path, name) if ending in TABLES else None
        content = _last_values(path, name) if ending in LINES else content
        content = read_document(path, name) if ending in DOCUMENTS else content
    except (OSError, csv.Error) as error:
        raise NoValueError(f"{name} cannot be read: {error}") from None
    if isinstance(content, list):
        content = _joined(content)
    if not isinstance(content, Mapping) or not content:
        raise NoValueError(f"{name} is empty, or holds no names with values")
    return content


def _joined(entries: Sequence[Any]) -> dict[str, Any]:
    """Return the last value of each key in a list of objects."""
    joined: dict[str, Any] = {}
    for entry in entries:
        joined |= entry if isinstance(entry, Mapping) else {}
    return joined


def _last_values(path: Path, name: str) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for _, entry in read_json_lines(path, name):
        joined |= {key: value for key, value in entry.items() if value is not None}
        if len(joined) > MOST_KEYS:
            raise NoValueError(f"{name} has more than {MOST_KEYS:,} keys, too many to be a result")
    return joined


def _table(path: Path, name: str) -> dict[str, Any]:
    """Return the last value of each column of a table; of lines with names, the value of each name."""
    rows = rows_of(path, name)
    header = next(rows, (0, []))[1]
    if len(header) > MOST_KEYS:
        raise NoValueError(f"{name} has more than {MOST_KEYS:,} columns, too many to be a result")
    last: dict[str, Any] = {}
    by_name: list[list[str]] = []
    for _, row in rows:
        if row == header:
            continue
        last |= {key: _number(cell) for key, cell in zip(header, row, strict=False) if cell}
        if len(by_name) <= MOST_LINES_BY_NAME:
            by_name.append(row)
    texts = [at for at, key in enumerate(header) if isinstance(last.get(key), str)]
    if len(by_name) > 1 and len(by_name) <= MOST_LINES_BY_NAME and texts and step_column(header) is None:
        return _named_lines(header, by_name, texts)
    return {key: last[key] for key in header if key in last}


def _named_lines(header: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[int]) -> dict[str, Any]:
    """Return {`text.column`: value}, or {text: value} for the columns `metric` and `value`."""
    numbers = [at for at in range(len(header)) if at not in texts]
    is_pair = (
        len(numbers) == 1 and header[texts[0]].lower() in NAME_COLUMNS and header[numbers[0]].lower() in VALUE_COLUMNS
    )
    values: dict[str, Any] = {}
    for row in rows:
        words = ".".join(row[at] for at in texts if at < len(row) and row[at])
        for at in numbers:
            if at < len(row) and row[at]:
                values[words if is_pair else f"{words}.{header[at]}"] = _number(row[at])
    return values


def _number(cell: str) -> float | str:
    try:
        return number_of_text(cell)
    except NoValueError:
        return cell

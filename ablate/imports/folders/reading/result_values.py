"""The values of result files: JSON, TOML, YAML, CSV and JSON lines, of a series the last one."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.imports.folders.reading.documents import DOCUMENTS, MOST_KEYS, read_document
from ablate.imports.folders.reading.seed_groups import by_seed, is_whole
from ablate.imports.folders.words import NAME_COLUMNS, TIME_COLUMNS, VALUE_COLUMNS, is_seed
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


def result_documents(path: Path, name: str) -> list[Mapping[str, Any]]:
    """Return the results in a file as one object, or as one for each seed, with the key `seed`.

    NoValueError if the file has none, or cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST_SERIES:
            raise NoValueError(f"{name} has more than {LARGEST_SERIES // 2**30} GB, too much for one run")
        content = _content(path, name)
    except (OSError, csv.Error) as error:
        raise NoValueError(f"{name} cannot be read: {error}") from None
    if of_seeds := by_seed(content):
        return list(of_seeds)
    if isinstance(content, list):
        content = _joined(content)
    if not isinstance(content, Mapping) or not content:
        raise NoValueError(f"{name} is empty, or holds no names with values")
    return [content]


def _content(path: Path, name: str) -> Any:
    ending = path.suffix.lower()
    if ending in TABLES:
        return _table(path, name)
    return _last_lines(path, name) if ending in LINES else read_document(path, name)


def _joined(entries: Sequence[Any]) -> dict[str, Any]:
    """Return the last value of each key in a list of objects."""
    joined: dict[str, Any] = {}
    for entry in entries:
        joined |= entry if isinstance(entry, Mapping) else {}
    return joined


def _last_lines(path: Path, name: str) -> list[dict[str, Any]]:
    """Return the last value of each key in a file with an object a line, for each seed that lines have."""
    joined: dict[Any, dict[str, Any]] = {}
    for _, entry in read_json_lines(path, name):
        seed = next((value for key, value in entry.items() if is_seed(key) and is_whole(value)), None)
        last = joined.setdefault(seed, {})
        last |= {key: value for key, value in entry.items() if value is not None}
        if len(last) > MOST_KEYS or len(joined) > MOST_KEYS:
            raise NoValueError(f"{name} has more than {MOST_KEYS:,} keys, too many to be a result")
    return list(joined.values())


def _table(path: Path, name: str) -> list[dict[str, Any]]:
    """Return the last value of each column of a table, for each seed; of lines with names, the value of each name."""
    rows = rows_of(path, name)
    header = next(rows, (0, []))[1]
    if len(header) > MOST_KEYS:
        raise NoValueError(f"{name} has more than {MOST_KEYS:,} columns, too many to be a result")
    at = next((at for at, key in enumerate(header) if is_seed(key)), None)
    groups: dict[str, LastLines] = {}
    for _, row in rows:
        if row != header:
            seed = row[at] if at is not None and at < len(row) else ""
            groups.setdefault(seed, LastLines()).add(header, row)
            if len(groups) > MOST_KEYS:
                raise NoValueError(f"{name} has more than {MOST_KEYS:,} seeds, too many to be a result")
    return [group.values(header) for group in groups.values()]


@dataclass
class LastLines:
    """The lines of a table that belong to one run."""

    last: dict[str, Any] = field(default_factory=dict)
    """{column: its last value}."""
    rows: list[list[str]] = field(default_factory=list)
    """The first lines, which may have names."""

    def add(self, header: Sequence[str], row: list[str]) -> None:
        """Take in one line."""
        self.last |= {key: _number(cell) for key, cell in zip(header, row, strict=False) if cell}
        if len(self.rows) <= MOST_LINES_BY_NAME:
            self.rows.append(row)

    def values(self, header: Sequence[str]) -> dict[str, Any]:
        """Return the values of the run."""
        texts = [at for at, key in enumerate(header) if isinstance(self.last.get(key), str)]
        texts = [at for at in texts if not TIME_COLUMNS & set(re.split(r"[^a-z]+", header[at].lower()))]
        if 1 < len(self.rows) <= MOST_LINES_BY_NAME and texts and step_column(header) is None:
            return _named_lines(header, self.rows, texts)
        return {key: self.last[key] for key in header if key in self.last}


def _named_lines(header: Sequence[str], rows: Sequence[Sequence[str]], texts: Sequence[int]) -> dict[str, Any]:
    """Return {`text.column`: value}, or {text: value} for the columns `metric` and `value`."""
    numbers = [at for at in range(len(header)) if at not in texts]
    measured = [header[at].lower() for at in numbers if not is_seed(header[at])]
    measured = [header[at].lower() for at in numbers if not is_seed(header[at])]
    is_pair = header[texts[0]].lower() in NAME_COLUMNS and len(measured) == 1 and measured[0] in VALUE_COLUMNS
    values: dict[str, Any] = {header[at]: _number(rows[0][at]) for at in numbers if is_seed(header[at])}
    numbers = [at for at in numbers if not is_seed(header[at])]
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


def series_in(document: Mapping[str, Any]) -> list[str]:
    """Return the keys of a result that hold a series of numbers, of which the last one counts."""
    return [
        str(key)
        for key, value in document.items()
        if isinstance(value, list) and len(value) > 1 and all(isinstance(each, int | float) for each in value)
    ]

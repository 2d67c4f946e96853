"""CSV and TSV files of a training: the last value of each column."""

import csv
from collections.abc import Mapping
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.csv_cells import long_cells
from ablate.imports.trackers.cells import MOST_COLUMNS, number_in_text


def last_values(path: Path, delimiter: str = ",") -> dict[str, str]:
    """Return {column: its last value that is not empty}; an empty text for a column without one.

    A last line that a killed program left torn counts as far as it goes. SourceError for no text or too many columns.
    """
    try:
        with long_cells(), path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            header = next(rows, [])
            if len(header) > MOST_COLUMNS:
                raise SourceError(f"{path}: {len(header):,} columns, and a training has at most {MOST_COLUMNS:,}")
            last = dict.fromkeys(header, "")
            for row in rows:
                last.update((name, text) for name, text in zip(header, row, strict=False) if text.strip())
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except (csv.Error, OSError) as error:
        raise SourceError(f"{path}: cannot be read as a table: {error}") from None
    return last


def split_numbers(texts: Mapping[str, str]) -> tuple[dict[str, float], dict[str, str]]:
    """Return the columns whose last value is a number, and the others that have a text."""
    numbers = {name: value for name, text in texts.items() if (value := number_in_text(text)) is not None}
    return numbers, {name: text for name, text in texts.items() if text and name not in numbers}

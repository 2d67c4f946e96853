"""Values in the columns of CSV and TSV files, such as the metrics.csv of Lightning."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from ablate.trainers.measuring.json_values import STEP_KEYS
from ablate.trainers.measuring.takes import NoValueError, Point, number_of_text, unknown_in


def rows_of(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the line, cells without spaces around them) for each line that is not empty, the header first.

    Lines with # above the header are left out. NoValueError if the file is no table.
    """
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        try:
            yield from _without_comments((reader.line_num, [cell.strip() for cell in cells]) for cells in reader)
        except csv.Error as error:
            raise NoValueError(f"line {reader.line_num} of {name} cannot be read: {error}") from None


def _without_comments(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows without empty ones, and without those above the header that begin with #.

    If numbers follow such a row, it is the header: numpy.savetxt writes `# epoch,loss`.
    """
    comment: tuple[int, list[str]] | None = None
    is_above = True
    for line, cells in rows:
        if not any(cells):
            continue
        if is_above and cells[0].startswith("#"):
            comment = line, [cells[0].lstrip("# "), *cells[1:]]
            continue
        if is_above and comment and all(map(_is_number, cells)):
            yield comment
        is_above = False
        yield line, cells


def _is_number(text: str) -> bool:
    try:
        number_of_text(text)
    except NoValueError:
        return False
    return True


def csv_points(path: Path, column: str, name: str) -> Iterator[Point]:
    """Yield the values of a column; empty cells are left out. NoValueError if there is no such column."""
    rows = rows_of(path, name)
    header = next(rows, (0, []))[1]
    if not header:
        raise NoValueError(f"{name} is empty")
    if len(header) == 1 and ";" in header[0]:
        raise NoValueError(f"{name} is separated by semicolons; write it with commas, and numbers with a point")
    if column not in header:
        raise unknown_in(name, "column", column, header)
    at, step_at = header.index(column), step_column(header)
    is_empty = True
    for number, (line, cells) in enumerate(rows, 1):
        if at < len(cells) and cells[at] not in ("", column):  # a training that goes on writes its header again
            is_empty = False
            step = number if step_at is None else _step(cells, step_at, f"line {line} of {name}")
            yield Point(step, cells[at], step_at is None)
    if is_empty:
        raise NoValueError(f"the column {column} of {name} has no value")


def step_column(header: Sequence[str]) -> int | None:
    """Return the position of the column that holds the steps; None if there is none."""
    lower = [cell.lower() for cell in header]
    return next((lower.index(key) for key in STEP_KEYS if key in lower), None)


def _step(cells: Sequence[str], at: int, place: str) -> float:
    try:
        return number_of_text(cells[at])
    except (NoValueError, IndexError):
        raise NoValueError(f"{place} has no step next to its value") from None

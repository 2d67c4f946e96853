"""The dialect of a table with delimiters: which delimiter, and in which line its headings are."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from ablate.imports.tables.cells import are_numbers, is_number

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
"""{delimiter: its name}"""
SAMPLE = 200
"""The number of lines that decide about the dialect."""


@dataclass(frozen=True)
class Dialect:
    """How the lines of a table are read."""

    delimiter: str
    skip: int
    """The number of lines before the headings."""
    agreement: float
    """The share of lines with as many cells as there are headings, in [0, 1]."""
    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    """The cells of the first lines below the headings."""

    @property
    def looks_like_results(self) -> bool:
        """True if the headings are different names, and a column has only numbers."""
        names = [name.strip() for name in self.headings]
        if len(set(names)) < len(names) or len(names) < 2 or not self.lines or self.agreement < 0.9:
            return False
        if any(is_number(name) for name in names[:1]) or all(is_number(name) for name in names):
            return False
        columns = zip(*[line for line in self.lines if len(line) == len(names)], strict=False)
        return any(are_numbers(column) for column in columns)


def dialect(text: str, delimiter: str = "") -> Dialect | None:
    """Return the dialect of a text that begins a table; None if it has no line. `delimiter`: the only one to try."""
    lines = text.splitlines(keepends=True)[:SAMPLE]
    start = 0
    if lines and lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) == 5:
        delimiter, start = lines[0].strip()[4], 1
    found = [read for mark in ([delimiter] if delimiter else DELIMITERS) if (read := _read(lines, start, mark))]
    return max(found, key=_likeness, default=None)


def _likeness(read: Dialect) -> tuple[bool, bool, float, int, int]:
    """Return how well a dialect fits, as a value to compare: the best one has the largest."""
    width = len(read.headings)
    return width > 1, not any(map(is_number, read.headings)), round(read.agreement, 2), -read.skip, width


def _read(lines: Sequence[str], start: int, delimiter: str) -> Dialect | None:
    """Return the dialect with one delimiter."""
    rows = _rows(lines[start:], delimiter)
    skip = next((at for at, row in enumerate(rows) if _is_heading(rows, at)), None)
    if skip is None:
        return None
    below = [row for row in rows[skip + 1 :] if any(cell.strip() for cell in row) and not is_comment(row)]
    width = len(rows[skip])
    agreement = sum(len(row) == width for row in below) / len(below) if below else 1.0
    headings = list(rows[skip])
    headings[0] = headings[0].lstrip("# ") if headings[0].startswith("#") else headings[0]
    return Dialect(delimiter, start + skip, agreement, tuple(headings), tuple(map(tuple, below)))


def _is_heading(rows: Sequence[Sequence[str]], at: int) -> bool:
    """Return True if a line can hold the headings: no comment, not blank, no single cell above a wider table."""
    row = rows[at]
    following = [len(other) for other in rows[at + 1 : at + 4] if any(cell.strip() for cell in other)]
    if not any(cell.strip() for cell in row):
        return False
    if row[0].startswith("#"):
        return len(row) > 1 and bool(following) and following[0] == len(row) and not rows[at + 1][0].startswith("#")
    filled = sum(bool(cell.strip()) for cell in row)
    return filled > 1 or not following or max(following) == 1 or len(row) > 1


def is_comment(row: Sequence[str]) -> bool:
    """Return True if a line is a comment: it begins with `# `, or has one cell that begins with `#`."""
    return row[0].startswith("# ") or (len(row) == 1 and row[0].startswith("#"))


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            rows.append(row or [""])
    except csv.Error:
        pass
    return rows

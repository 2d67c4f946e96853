"""CSV and its relatives: tables in text with a delimiter."""

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablate.errors import SourceError
from ablate.imports.tables.formats import plain_csv
from ablate.imports.tables.formats.builder import LINES_AT_ONCE, ColumnBuilder
from ablate.imports.tables.formats.dialect import DELIMITERS, Dialect, dialect, is_comment
from ablate.imports.tables.formats.files import head_text, lines
from ablate.imports.tables.grid import MOST_CHARACTERS, MOST_COLUMNS, Cells, Grid, in_words

SUFFIXES = {".csv": "", ".tsv": "\t", ".tab": "\t", ".psv": "|"}
"""{suffix: its delimiter}, empty if it is found in the content."""
MOST_FAULTS = 5


def recognise(path: Path) -> str:
    """Return why a file is a table with a delimiter, as the end of a sentence; empty if it is none."""
    read = dialect(head_text(path), SUFFIXES.get(path.suffix.lower(), ""))
    if read is not None and read.looks_like_results:
        return f"it is {_form(read)}"
    return f"its name ends with {path.suffix}" if path.suffix.lower() in SUFFIXES else ""


def read(path: Path) -> list[Grid]:
    """Return the table of a file, as the only one. SourceError with every ragged line, or the first other fault."""
    found = dialect(head_text(path), SUFFIXES.get(path.suffix.lower(), ""))
    if found is None:
        if sum(bool(line.strip()) for line in lines(path)):
            raise SourceError(f"{path}: there is no line of headings; a table has one, and a line for each run")
        raise SourceError(f"{path}: the file is empty; a table has a line of headings, and a line for each run")
    columns = plain_csv.read(path, found)
    if columns is None:
        return [_Reading(path, found).grid()]
    headings = tuple(name.strip() for name in found.headings)
    return [_grid(found, headings, columns, np.arange(2, len(columns[0]) + 2))]


def _form(found: Dialect) -> str:
    return f"a table in text whose delimiter is {DELIMITERS.get(found.delimiter, repr(found.delimiter))}"


def _grid(
    found: Dialect,
    headings: tuple[str, ...],
    columns: Sequence[Cells],
    numbers: NDArray[np.int64],
    unused: Sequence[str] = (),
) -> Grid:
    return Grid(
        headings=headings,
        columns=tuple(columns),
        lines=numbers,
        decimal_comma=found.delimiter == ";",
        comma_delimits=found.delimiter == ",",
        unused=tuple(unused),
    )


class _Reading:
    """Reads the lines of one file into columns."""

    def __init__(self, path: Path, found: Dialect) -> None:
        self.path, self.dialect = path, found
        self.headings: list[str] = []
        self.faults: list[str] = []
        self.comments: list[int] = []
        self.blank: list[int] = []
        self.unused: list[str] = []
        self.lines: list[int] = []
        self.builders: list[ColumnBuilder] = []
        self.chunk: list[list[str]] = []

    def grid(self) -> Grid:
        """Return the table."""
        rows = self._rows()
        self._read_headings(rows)
        for line, row in rows:
            if len(row) != len(self.headings) or row[0][:1] == "#":
                self._add_unusual(line, row)
            else:
                self._add(line, row)
        self._flush()
        self._check()
        for lines_left_out, why in ((self.comments, "comments"), (self.blank, "blank")):
            if lines_left_out:
                self.unused.append(f"{in_words(lines_left_out)}: {why}")
        columns = [builder.finish() for builder in self.builders]
        return _grid(self.dialect, tuple(self.headings), columns, np.array(self.lines, dtype=np.int64), self.unused)

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each line's number and cells, without blank lines."""
        reader = csv.reader(lines(self.path), delimiter=self.dialect.delimiter, strict=True)
        start = 1
        try:
            for row in reader:
                if row and any(row):
                    yield start, row
                elif len(row) > 1:
                    self.blank.append(start)
                start = reader.line_num + 1
        except csv.Error as error:
            raise SourceError(f"{self.path}: line {start}: {_meaning(error)}") from None

    def _read_headings(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        """Take the headings, and note the lines above them."""
        above, row, line = [], list[str](), 0
        for line, row in rows:  # noqa: B007 (the headings are the line that ends this)
            if line > self.dialect.skip:
                break
            above.append(line)
        if above:
            self.unused.append(f"{in_words(above)}: above the headings")
        headings = [name.strip() for name in _named(row)]
        if len(headings) > MOST_COLUMNS:
            raise SourceError(
                f"{self.path}: line {line} has {len(headings):,} columns; a table may have at most {MOST_COLUMNS:,}"
            )
        self.headings = headings
        self.builders = [ColumnBuilder() for _ in headings]

    def _add(self, line: int, row: list[str]) -> None:
        self.lines.append(line)
        self.chunk.append(row)
        if len(self.chunk) >= LINES_AT_ONCE:
            self._flush()

    def _add_unusual(self, line: int, row: list[str]) -> None:
        """Add a line that is a comment, a footer, or that has too few or too many cells."""
        width = len(self.headings)
        if is_comment(row):
            self.comments.append(line)
        elif len(row) > width and not any(cell.strip() for cell in row[width:]):
            self._add(line, row[:width])
        elif len(row) == 1 and width > 2:
            self.unused.append(f"{in_words([line])}: {row[0].strip()[:60]!r}: one cell in place of {width}")
        elif len(row) == width:
            self._add(line, row)
        else:
            self.faults.append(f"{self.path}: line {line} has {len(row)} cells, but there are {width} headings")

    def _flush(self) -> None:
        for builder, cells in zip(self.builders, zip(*self.chunk, strict=True), strict=False):
            builder.add(cells)
        self.chunk = []

    def _check(self) -> None:
        if not self.faults:
            return
        more = len(self.faults) - MOST_FAULTS
        shown = self.faults[:MOST_FAULTS] + ([f"and {more:,} more such lines"] if more > 0 else [])
        raise SourceError("\n".join([*shown, "put a cell that holds the delimiter in double quotes"]))


def _named(row: Sequence[str]) -> list[str]:
    """Return a line of headings without the `#` that some programs put before it."""
    return list(chain([row[0].lstrip("# ") if row[0].startswith("#") else row[0]], row[1:])) if row else []


def _meaning(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a cell has more than {MOST_CHARACTERS:,} characters; look for a quote that is not closed"
    if "unexpected end" in str(error):
        return "a double quote is opened here and never closed; close it, or double it if it is part of the text"
    return f"text follows a closing double quote ({error}); double a quote that is part of the text"

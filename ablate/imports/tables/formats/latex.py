"""Tables in LaTeX: the environments tabular, tabularx, longtable and the like."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.tables.formats.files import head_text, whole_text
from ablate.imports.tables.formats.latex_text import plain
from ablate.imports.tables.formats.markdown import table
from ablate.imports.tables.grid import MOST_COLUMNS, Grid

_BEGIN = re.compile(r"\\begin\{(tabular[*xy]?|longtable|tabu|array|tblr)\}")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_RULE = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|specialrule(?:\{[^{}]*\}){0,3}|addlinespace|hdashline|endhead|endfirsthead"
    r"|endfoot|endlastfoot|noalign\{[^{}]*\}|c(?:mid)?rule(?:\([^()]*\))?\{[^{}]*\}|cline\{[^{}]*\})(?:\[[^\[\]]*\])?"
)
_MIDDLE = re.compile(r"\\(?:midrule|hline|endhead)(?![a-zA-Z])")
_ROW_END = re.compile(r"\\\\(?:\s*\[[^\[\]\n]*\])?|\\tabularnewline")
_CELL_END = re.compile(r"(?<!\\)&")
_SPAN = re.compile(r"\\multicolumn\s*\{\s*(\d{1,6})\s*\}\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*")
_OPTION = r"\s*(?:\[[^\[\]]*\])?"
_ROWS = re.compile(rf"\\multirow{_OPTION}\{{\s*(-?\d{{1,6}})\s*\}}{_OPTION}\{{[^{{}}]*\}}{_OPTION}\s*")


MOST_ROWS = 1_000
"""The largest number of rows of one cell."""


@dataclass(frozen=True)
class _Row:
    line: int
    cells: list[str]
    is_below_rule: bool
    """True if a rule across the table is directly above it."""


def recognise(path: Path) -> str:
    """Return why a file is of this form, as the end of a sentence; empty if it is not."""
    return "it has a LaTeX table" if _BEGIN.search(head_text(path)) else ""


def read(path: Path) -> list[Grid]:
    """Return the tables of a file, in their order. SourceError with every line that has too many cells."""
    text = _COMMENT.sub("", whole_text(path).replace("\r\n", "\n"))
    faults: list[str] = []
    grids = [_grid(path, list(_rows(body, line)), faults) for body, line in _bodies(text)]
    if faults:
        raise SourceError("\n".join(faults[:20]))
    return [grid for grid in grids if grid is not None]


def _bodies(text: str) -> Iterator[tuple[str, int]]:
    """Yield the text between the begin and the end of each table, and its first line."""
    at = 0
    while begin := _BEGIN.search(text, at):
        end = text.find(f"\\end{{{begin[1]}}}", begin.end())
        at = end if end >= 0 else len(text)
        body = text[begin.end() : at]
        start = _after_arguments(body)
        yield body[start:], text.count("\n", 0, begin.end() + start) + 1


def _after_arguments(text: str) -> int:
    """Return the end of the arguments in braces and brackets that begin a table."""
    at, depth = 0, 0
    while at < len(text):
        if text[at] in "{[":
            depth += 1
        elif text[at] in "}]":
            depth -= 1
        elif depth == 0 and (text[at] == "\n" or not text[at].isspace()):
            return at
        at += 1
    return 0


def _rows(body: str, line: int) -> Iterator[_Row]:
    at = 0
    for end in [*_ROW_END.finditer(body), None]:
        piece = body[at : len(body) if end is None else end.start()]
        shown = _RULE.sub(" ", piece)
        if shown.strip():
            above = next(number for number, part in enumerate(piece.split("\n")) if _RULE.sub(" ", part).strip())
            yield _Row(line + above, _cells(shown), _MIDDLE.search(piece) is not None)
        if end is not None:
            line += body.count("\n", at, end.end())
            at = end.end()


def _cells(piece: str) -> list[str]:
    """Return the cells of a row; a cell over several columns is there once for each."""
    cells: list[str] = []
    for cell in _CELL_END.split(piece):
        span = _SPAN.search(cell)
        count = min(int(span[1]), MOST_COLUMNS) if span and len(cells) <= MOST_COLUMNS else 1
        cells += [_SPAN.sub("", cell)] * count
    return cells


def _grid(path: Path, rows: list[_Row], faults: list[str]) -> Grid | None:
    """Return a table; None if it has no row below its headings."""
    heads = next((at for at, row in enumerate(rows) if at and row.is_below_rule), 1)
    if len(rows) <= heads:
        return None
    width = max(len(row.cells) for row in rows[:heads])
    if width > MOST_COLUMNS:
        raise SourceError(f"{path}: line {rows[0].line} has {width:,} columns; at most {MOST_COLUMNS:,} are read")
    below = rows[heads:]
    faults += [
        f"{path}: line {row.line} has {len(row.cells)} cells, but there are {width} headings"
        for row in below
        if len(row.cells) > width
    ]
    cells = _filled([(row.cells + [""] * width)[:width] for row in below])
    headings = _headings([row.cells for row in rows[:heads]], width)
    return table(headings, cells, [row.line for row in below])


def _headings(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return the headings of one or several lines: the heading of a group stands before those below it."""
    columns = []
    for at in range(width):
        parts = [plain(_ROWS.sub("", row[at])) for row in rows if at < len(row)]
        columns.append(" ".join(dict.fromkeys(part for part in parts if part)))
    return columns


def _filled(rows: list[list[str]]) -> list[list[str]]:
    """Return the cells as text, those of `\\multirow` in each of their rows."""
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if match := _ROWS.search(cell):
                row[column] = cell = _ROWS.sub("", cell)
                for below in rows[at + 1 : at + min(max(int(match[1]), 1), MOST_ROWS)]:
                    below[column] = below[column].strip() or cell
    return [[plain(cell) for cell in row] for row in rows]

"""Tables in Markdown."""

import html
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np

from ablate.errors import SourceError
from ablate.imports.tables.cells import are_numbers
from ablate.imports.tables.formats.files import head_text, whole_text
from ablate.imports.tables.formats.latex_text import plain as plain_latex
from ablate.imports.tables.grid import MOST_CHARACTERS, MOST_COLUMNS, MOST_LETTERS_OF_MARKUP, Grid

_SEPARATOR = frozenset("|:- \t")
"""The letters of the line below the headings."""
_ROW = re.compile(r"(?<!\\)\|")
_EMOJI = {":white_check_mark:": "✓", ":heavy_check_mark:": "✓", ":x:": "✗", ":heavy_multiplication_x:": "✗"}
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_FOOTNOTE = re.compile(r"\[\^[^\]]*\]")
_TAG = re.compile(r"<sup>.*?</sup>|<[^<>]{0,200}>", re.IGNORECASE)
_STAR = re.compile(r"\*([^*]+)\*")
_MATH = re.compile(r"\$([^$]+)\$")


def recognise(path: Path) -> str:
    """Return why a file is of this form, as the end of a sentence; empty if it is not."""
    lines = head_text(path).splitlines()
    return (
        "it has a Markdown table with numbers" if any(_has_numbers(lines[at:end]) for at, end in _blocks(lines)) else ""
    )


def read(path: Path) -> list[Grid]:
    """Return the tables of a file, in their order. SourceError with every line that has too many cells."""
    lines = whole_text(path).splitlines()
    faults: list[str] = []
    grids = [_grid(path, lines, start, end, faults) for start, end in _blocks(lines)]
    if faults:
        raise SourceError("\n".join(faults[:20]))
    return grids


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the first line of each table, its headings, and the line after its end."""
    at = 0
    while at + 1 < len(lines):
        if not _is_row(lines[at]) or not _is_separator(lines[at + 1]):
            at += 1
            continue
        end = at + 2
        while end < len(lines) and _is_row(lines[end]):
            end += 1
        if end > at + 2:
            yield at, end
        at = end


def _is_row(line: str) -> bool:
    return "|" in line and bool(line.strip(" |\t"))


def _is_separator(line: str) -> bool:
    return "|" in line and "-" in line and _SEPARATOR.issuperset(line)


def _has_numbers(lines: Sequence[str]) -> bool:
    rows = [[clean(cell) for cell in _split(line)] for line in lines[2:]]
    columns = zip_longest(*rows, fillvalue="")
    return any(map(are_numbers, columns)) or any(len(row) > 2 and are_numbers(row[1:]) for row in rows)


def _grid(path: Path, lines: Sequence[str], start: int, end: int, faults: list[str]) -> Grid:
    headings = [clean(cell) for cell in _split(lines[start])]
    if len(headings) > MOST_COLUMNS:
        raise SourceError(f"{path}: line {start + 1} has {len(headings):,} columns; at most {MOST_COLUMNS:,} are read")
    rows, numbers = [], []
    for at in range(start + 2, end):
        if _is_separator(lines[at]):
            continue
        row = [clean(cell) for cell in _split(lines[at])]
        if len(row) > len(headings) and any(row[len(headings) :]):
            faults.append(f"{path}: line {at + 1} has {len(row)} cells, but there are {len(headings)} headings")
        if any(len(cell) > MOST_CHARACTERS for cell in row):
            faults.append(f"{path}: line {at + 1} has a cell with more than {MOST_CHARACTERS:,} characters")
        rows.append((row + [""] * len(headings))[: len(headings)])
        numbers.append(at + 1)
    return table(headings, rows, numbers)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> Grid:
    """Return a table of markup from its cells, row by row."""
    columns = []
    for at in range(len(headings)):
        cells = np.empty(len(rows), dtype=object)
        cells[:] = [row[at] for row in rows]
        columns.append(cells)
    return Grid(tuple(headings), tuple(columns), np.array(numbers, dtype=np.int64), is_markup=True)


def _split(line: str) -> list[str]:
    """Return the cells of a row, without the bars at its ends."""
    text = line.strip()
    text = text.removeprefix("|")
    if text.endswith("|") and not text.endswith("\\|"):
        text = text[:-1]
    return [cell.replace("\\|", "|") for cell in _ROW.split(text)]


def clean(cell: str) -> str:
    """Return the text of a cell without bold, links, footnotes, tags and the like."""
    text = cell.strip()
    if len(text) > MOST_LETTERS_OF_MARKUP:
        return text
    for emoji, mark in _EMOJI.items():
        text = text.replace(emoji, mark)
    text = _MATH.sub(lambda match: plain_latex(match[1]), text)
    text = _LINK.sub(r"\1", _FOOTNOTE.sub("", text))
    text = html.unescape(_TAG.sub(" ", text)) if "<" in text or "&" in text else text
    text = text.replace("**", "").replace("~~", "").replace("`", "")
    text = _STAR.sub(r"\1", text)
    if text.startswith("__") and text.endswith("__"):
        text = text.strip("_")
    elif len(text) > 2 and text.startswith("_") and text.endswith("_"):
        text = text[1:-1]
    return " ".join(re.sub(r"\\([\\`*_{}\[\]()#+.!~%-])", r"\1", text).split())

"""Large and plain CSV files, read by pandas in a tenth of the time that the careful reader takes.

A file is plain if it has no quotes and no comments, and as many delimiters and ends of lines as its headings and lines
need. All others go to the careful reader, which reports the lines with faults.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablate.imports.tables.cells import MISSING
from ablate.imports.tables.formats.dialect import Dialect
from ablate.imports.tables.formats.files import encoding
from ablate.imports.tables.grid import MOST_CHARACTERS, MOST_COLUMNS, Cells

LEAST_BYTES = 2_000_000
"""The smallest size of a file that is worth it."""
_BLOCK = 8 * 1024 * 1024


def read(path: Path, dialect: Dialect, least_bytes: int = LEAST_BYTES) -> list[Cells] | None:
    """Return the cells of each column below the headings; None if the file is small or not plain."""
    if path.stat().st_size < least_bytes or dialect.skip or encoding(path) == "utf-16":
        return None
    width = len(dialect.headings)
    lines = _lines(path, dialect.delimiter, width)
    if lines is None or not 1 < width <= MOST_COLUMNS:
        return None
    frame = _frame(path, dialect.delimiter)
    if frame is None or len(frame) != lines - 1 or frame.shape[1] != width or frame.isna().all(axis=1).any():
        return None
    columns = [_cells(frame[name]) for name in frame]
    return None if any(map(_has_long_cells, columns)) else columns


def _has_long_cells(cells: Cells) -> bool:
    return cells.dtype == object and any(
        isinstance(cell, str) and len(cell) > MOST_CHARACTERS for cell in cells.tolist()
    )


def _lines(path: Path, delimiter: str, width: int) -> int | None:
    """Return the number of lines; None if the file is not plain."""
    delimiters, ends, last = 0, 0, b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if b'"' in block or b"\0" in block or b"#" in block or b"\r" in block.replace(b"\r\n", b""):
                return None
            delimiters += block.count(delimiter.encode())
            ends += block.count(b"\n")
            last = block[-1:]
    lines = ends + (last != b"\n")
    return lines if delimiters == lines * (width - 1) else None


def _frame(path: Path, delimiter: str) -> "pd.DataFrame | None":
    options: dict[str, Any] = {"na_values": [""], "keep_default_na": False, "skip_blank_lines": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of columns with numbers and text, and of the precision's name
            frame: pd.DataFrame = pd.read_csv(
                path,
                sep=delimiter,
                header=None,
                skiprows=1,
                index_col=False,
                encoding="utf-8-sig",
                float_precision="round_trip",
                quoting=3,
                **options,
            )
            return frame
    except (ValueError, OSError, OverflowError):
        return None


def _cells(column: "pd.Series[Any]") -> Cells:
    """Return numbers as they are, whole ones with gaps as objects, and the others as objects."""
    if column.dtype.kind == "i":
        return column.to_numpy(dtype=np.int64)
    if column.dtype.kind == "f":
        return _floats(column.to_numpy(dtype=np.float64))
    cells: Cells = column.to_numpy(dtype=object)
    if bool in set(map(type, cells.tolist())):
        return cells
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    is_none = np.isnan(numbers)
    others = set(cells[is_none].tolist())
    if is_none.all() or not all(isinstance(cell, float) or str(cell).strip().lower() in MISSING for cell in others):
        return cells
    return _floats(numbers)


def _floats(numbers: Cells) -> Cells:
    is_none = np.isnan(numbers)
    if not is_none.any() or not _is_whole(numbers[~is_none]):
        return numbers
    cells = np.empty(len(numbers), dtype=object)
    cells[~is_none] = [int(number) for number in numbers[~is_none].tolist()]
    return cells


def _is_whole(numbers: Cells) -> bool:
    return bool((np.abs(numbers) < 2**53).all() and (numbers == np.floor(numbers)).all())

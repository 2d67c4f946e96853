"""Parquet files, which need the package pyarrow."""

from pathlib import Path
from typing import Any

import numpy as np

from ablate.errors import SourceError
from ablate.extras import PARQUET
from ablate.imports.tables.formats.files import head_bytes
from ablate.imports.tables.grid import MOST_COLUMNS, Cells, Grid

MOST_LINES = 20_000_000
"""The largest number of lines: a small file can claim to have more than fit into memory."""
MOST_BYTES = 4 * 1024**3
"""The largest size of the unpacked columns."""


def recognise(path: Path) -> str:
    """Return why a file is of this form, as the end of a sentence; empty if it is not."""
    if head_bytes(path)[:4] == b"PAR1":
        return "it begins as a Parquet file"
    return f"its name ends with {path.suffix}" if path.suffix.lower() in (".parquet", ".pq") else ""


def read(path: Path) -> list[Grid]:
    """Return the table of a file, as the only one. SourceError if pyarrow is missing, or the file is damaged."""
    if head_bytes(path)[:4] != b"PAR1":
        raise SourceError(f"{path}: this is no Parquet file, which begins with PAR1; write the table as CSV")
    if fault := PARQUET.fault():
        raise SourceError(f"{path}: a Parquet file {fault}, or write the table as CSV")
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_size(path, file.metadata)
            table = file.read()
            while any(_is_nested(field.type) for field in table.schema):
                table = table.flatten()
                if table.num_columns > MOST_COLUMNS:
                    raise SourceError(f"{path}: more than {MOST_COLUMNS:,} columns")
    except (OSError, ValueError, MemoryError) as error:
        raise SourceError(f"{path}: cannot be read as Parquet: {error}") from None
    columns = tuple(_cells(column) for column in table.columns)
    lines = np.arange(1, table.num_rows + 1)
    return [Grid(tuple(table.column_names), columns, lines, "row")]


def _check_size(path: Path, metadata: Any) -> None:
    size = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    faults = [
        f"{count:,} {what}; at most {most:,} are read"
        for count, most, what in (
            (metadata.num_columns, MOST_COLUMNS, "columns"),
            (metadata.num_rows, MOST_LINES, "rows"),
            (size, MOST_BYTES, "bytes in memory"),
        )
        if count > most
    ]
    if faults:
        raise SourceError("\n".join(f"{path}: {fault}" for fault in faults))


def _is_nested(kind: Any) -> bool:
    import pyarrow.types

    return bool(pyarrow.types.is_struct(kind))


def _cells(column: Any) -> Cells:
    """Return a column as numbers, or as objects: bool, str, None, and lists and times as text."""
    import pyarrow.types

    if pyarrow.types.is_floating(column.type):
        return np.array(column.to_numpy(), dtype=np.float64)
    if pyarrow.types.is_integer(column.type) and not column.null_count:
        return np.array(column.to_numpy(), dtype=np.int64)
    cells = np.empty(len(column), dtype=object)
    cells[:] = [_cell(value) for value in column.to_pylist()]
    return cells


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)

"""A line for each trial as a Parquet file, for pandas, R, Spark or DuckDB."""

import io
from collections.abc import Sequence
from typing import Any

from ablate.errors import AblateError
from ablate.exports.columns import Cell, columns
from ablate.exports.trials import ExportedStudy
from ablate.extras import PARQUET

LARGEST = 2**63
"""Whole numbers of Parquet are below this."""


def parquet_bytes(study: ExportedStudy) -> bytes:
    """Return the trials as a Parquet file with the columns of the CSV; a cell without a value is null.

    A column of numbers has their type; one with texts among its values has all of them as text. AblateError if pyarrow
    is not installed.
    """
    if fault := PARQUET.fault():
        raise AblateError(f"--format parquet: {fault}")
    import pyarrow
    import pyarrow.parquet

    chosen = columns(study)
    cells = {column.name: [column.cell(trial) for trial in study.trials] for column in chosen}
    written = {name: _of_one_type(of_column) for name, of_column in cells.items()}
    table = pyarrow.table({name: pyarrow.array(of_column, from_pandas=False) for name, of_column in written.items()})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()


def _of_one_type(cells: Sequence[Cell]) -> list[Any]:
    """Return the cells of a column as one type: whole numbers, numbers, or else texts. None stays."""
    values = [cell for cell in cells if cell is not None]
    if all(isinstance(value, int) and -LARGEST <= value < LARGEST for value in values):
        return list(cells)
    if all(isinstance(value, int | float) for value in values):
        return [None if cell is None else float(cell) for cell in cells]
    return [None if cell is None else str(cell) for cell in cells]

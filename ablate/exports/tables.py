"""A line for each trial: as CSV, and as JSON lines. Numbers read back to the same bits, and texts are unchanged."""

import json
from math import isfinite

from ablate.exports.columns import Cell, columns
from ablate.exports.trials import ExportedStudy
from ablate.text import csv_line


def csv_text(study: ExportedStudy) -> str:
    """Return the trials as CSV with a header. A cell without a value is empty; `nan` and `inf` are values.

    A text that begins with `=`, `+`, `-` or `@` stays as it is, so that it reads back the same. A spreadsheet would
    take it for a formula.
    """
    chosen = columns(study)
    lines = [csv_line([column.name for column in chosen])]
    lines += [csv_line([_csv_cell(column.cell(trial)) for column in chosen]) for trial in study.trials]
    return "".join(lines)


def _csv_cell(value: Cell) -> str:
    return "" if value is None else str(value)  # of a float, the shortest text that reads back to the same bits


def jsonl_text(study: ExportedStudy) -> str:
    """Return the trials as JSON lines with the columns of the CSV. A key without a value is null.

    JSON has no number for nan and inf, so they are the texts "nan", "inf" and "-inf".
    """
    chosen = columns(study)
    return "".join(
        json.dumps({column.name: _json_value(column.cell(trial)) for column in chosen}, ensure_ascii=False) + "\n"
        for trial in study.trials
    )


def _json_value(value: Cell) -> Cell:
    return str(value) if isinstance(value, float) and not isfinite(value) else value

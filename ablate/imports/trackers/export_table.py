"""The columns of a file that `ablate export` wrote: CSV, JSON lines or Parquet."""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ablate.extras import PARQUET

FIRST, LAST = ("study", "profile"), "trial"
"""The names of the first columns and of the last one."""
LONGEST_HEADER = 1_000_000
"""Bytes of the first line that are looked at."""
WHOLE, NUMBER = re.compile(r"[+-]?\d{1,18}"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
TRUTHS = {"True": True, "False": False}
OF_PARQUET = b"PAR1"

Column = list[Any]
"""The cells of one column; None without a value."""


def is_export(names: Sequence[str]) -> bool:
    """Return True if columns are those of `ablate export`."""
    between = [name for name in names if name in ("row", "seed", "state")]
    return tuple(names[:2]) == FIRST and names[-1] == LAST and between == ["row", "seed", "state"]


def header(path: Path) -> list[str]:
    """Return the names of the columns of a file; empty if it cannot be an export."""
    with path.open("rb") as file:
        beginning = file.read(LONGEST_HEADER)
    if beginning.startswith(OF_PARQUET) and PARQUET.fault() is None:
        import pyarrow.parquet

        return list(pyarrow.parquet.read_schema(path).names)
    text = beginning.decode("utf-8-sig", "replace")
    if text.startswith('{"study": '):
        return list(json.loads(text.partition("\n")[0]))
    return next(csv.reader(io.StringIO(text, newline=""))) if text.startswith(",".join(FIRST)) else []


def columns(path: Path) -> dict[str, Column]:
    """Return {name: cells} of a file. Texts of CSV that are numbers, or true or false, in a whole column are such."""
    with path.open("rb") as file:
        beginning = file.read(len(OF_PARQUET))
    if beginning == OF_PARQUET:
        import pyarrow.parquet

        return dict(pyarrow.parquet.read_table(path).to_pydict())
    if beginning.startswith(b"{"):
        with path.open(encoding="utf-8") as file_of_text:
            lines = [json.loads(line) for line in file_of_text]
        if not all(isinstance(line, dict) and list(line) == list(lines[0]) for line in lines):
            raise ValueError("its lines have different keys")
        return {name: [line[name] for line in lines] for name in lines[0]}
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    return {str(name): _of_texts(frame[name].tolist()) for name in frame.columns}


def _of_texts(texts: Sequence[str]) -> Column:
    values = set(texts) - {""}
    if all(NUMBER.fullmatch(text) for text in values):
        return [None if not text else int(text) if WHOLE.fullmatch(text) else float(text) for text in texts]
    if values <= TRUTHS.keys():
        return [TRUTHS.get(text) for text in texts]
    return [text or None for text in texts]

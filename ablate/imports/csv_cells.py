"""The length of the cells that Python's reader of CSV files accepts."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_CELL = 1_000_000
"""Letters of the longest cell that is read."""


@contextmanager
def long_cells() -> Iterator[None]:
    """Accept cells of LONGEST_CELL letters. The limit is that of all modules, so the earlier one is given back."""
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)

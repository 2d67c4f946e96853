"""CSV files that W&B exports, read line by line within bounds."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.csv_cells import long_cells
from ablate.text import fault_lines

LONGEST_HEADER = 20_000_000
"""Bytes of the header above which a file is not looked at."""
WIDEST = 30_000
"""Cells of a line above which a file is refused."""
MOST_FAULTS = 100
"""Lines with faults after which a file is not read further."""


def header(path: Path) -> list[str]:
    """Return the cells of the first line; empty if the file is no CSV file in UTF-8."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        raw = file.readline(LONGEST_HEADER)
    try:
        return next(csv.reader([raw.decode("utf-8-sig")]), [])
    except (csv.Error, UnicodeDecodeError):
        return []


def lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, cells) of the lines after the header that are not blank.

    SourceError with every line that has another number of cells than the header, or at the first one that is no CSV.
    """
    faults: list[str] = []
    try:
        with long_cells(), path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            width = len(next(reader, []))
            if width > WIDEST:
                raise SourceError(f"{path}: has {width:,} columns, and at most {WIDEST:,} are read; export fewer")
            for cells in reader:
                if cells and len(cells) != width:
                    faults.append(f"{path}:{reader.line_num}: has {len(cells)} cells, but the header has {width}")
                elif any("\0" in cell for cell in cells):
                    faults.append(f"{path}:{reader.line_num}: has a NUL, which no text has")
                elif any(cells):
                    yield reader.line_num, cells
                if len(faults) > MOST_FAULTS:
                    break
    except UnicodeDecodeError:
        faults.append(f"{path}: is not UTF-8; W&B exports UTF-8, so save it so, or export it again")
    except csv.Error as error:
        faults.append(f"{path}:{reader.line_num}: is no line of CSV: {error}")
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
    if faults:
        raise SourceError(f"{path}: cannot be read as a table that W&B exported:\n{fault_lines(faults)}")

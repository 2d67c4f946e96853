"""The reader of tables in files."""

from pathlib import Path

import pandas as pd

from ablate.errors import SourceError
from ablate.imports.source import Request, Source


class TableReader:
    """Reads a CSV file with a line for each run."""

    kind = "table"

    def recognise(self, path: Path) -> str:
        return "its name ends with .csv" if path.suffix.lower() == ".csv" and path.is_file() else ""

    def read(self, path: Path, request: Request) -> Source:
        try:
            runs = pd.read_csv(path, encoding="utf-8-sig")
        except (ValueError, OSError) as error:
            raise SourceError(f"{path}: {error}") from None
        places = [f"line {at + 2}" for at in range(len(runs))]
        return Source(self.kind, self.recognise(path), runs, places)


reader = TableReader()

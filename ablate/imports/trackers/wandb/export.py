"""The reader of the CSV files that W&B exports: tables of runs, and charts."""

from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import Request, Source
from ablate.imports.trackers.wandb.chart import is_chart, read_chart
from ablate.imports.trackers.wandb.csv_lines import header
from ablate.imports.trackers.wandb.run_table import is_run_table, read_runs


class WandbExportReader:
    """Reads a table of runs or a chart."""

    kind = "wandb-csv"

    def recognise(self, path: Path) -> str:
        try:
            names = header(path)
        except OSError:
            return ""
        if is_chart(names):
            return "its columns are those of a chart that W&B exported: `run - metric`, with __MIN and __MAX"
        return "it has the columns of a table of runs that W&B exported" if is_run_table(names) else ""

    def read(self, path: Path, request: Request) -> Source:
        if not path.is_file():
            raise SourceError(f"{path}: is no file; give a CSV file that W&B exported")
        names = header(path)
        if is_chart(names):
            return read_chart(self.kind, path, self.recognise(path), request)
        if is_run_table(names):
            return read_runs(self.kind, path, self.recognise(path), request)
        raise SourceError(
            f"{path}: is no table that W&B exported: those of runs have the column Name and others such as State and "
            "Created, those of charts have columns `run - metric` with __MIN and __MAX; for other tables, leave --from "
            "out or give --from table"
        )


reader = WandbExportReader()

"""The reader of Lightning's CSV logs: `lightning_logs/version_N` with `metrics.csv` and `hparams.yaml`."""

from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import Cell, Request, Source
from ablate.imports.trackers.cells import flat
from ablate.imports.trackers.csv_series import last_values, split_numbers
from ablate.imports.trackers.documents import yaml_of
from ablate.imports.trackers.logged import LoggedRun, source_of, with_names
from ablate.imports.trackers.walk import files_below, glimpse, relative
from ablate.text import fault_lines

METRICS, HPARAMS = "metrics.csv", "hparams.yaml"
COUNTERS = frozenset({"epoch", "step", "global_step"})
"""Columns that count the training, and measure nothing."""


class LightningReader:
    """Reads the logs below a folder; each `version_N` is a run. Training and validation write lines of their own."""

    kind = "lightning"

    def recognise(self, path: Path) -> str:
        if path.is_file():
            path = path.parent if path.name == METRICS else path
        if not path.is_dir():
            return ""
        first = next((file for file in glimpse(path, _is_metrics) if _is_log(file)), None)
        return f"{relative(first, path)} and {HPARAMS} next to it are a log of Lightning" if first else ""

    def read(self, path: Path, request: Request) -> Source:
        files = [path] if path.is_file() else files_below(path, _is_metrics)
        root = path if path.is_dir() else path.parent
        runs, faults, unused = [], [], list[str]()
        for file in files:
            try:
                runs.append(_run(file, root, unused))
            except SourceError as error:
                faults.append(str(error))
        if faults:
            raise SourceError(f"{path}: cannot be read as logs of Lightning:\n{fault_lines(faults)}")
        unused += [f"{run.place}: its {METRICS} has no values" for run in runs if not run.metrics]
        used = with_names([run for run in runs if run.metrics], request)
        return source_of(self.kind, self.recognise(path), used, unused, primary=request.metrics)


def _is_metrics(name: str) -> bool:
    return name == METRICS


def _is_log(metrics: Path) -> bool:
    """Return True for a folder of the usual name, or with settings next to the metrics."""
    return metrics.parent.name.startswith("version_") or metrics.with_name(HPARAMS).is_file()


def _run(metrics: Path, root: Path, unused: list[str]) -> LoggedRun:
    name = relative(metrics.parent, root)
    numbers, texts = split_numbers(last_values(metrics))
    values = {column: value for column, value in numbers.items() if column not in COUNTERS}
    counters = {column: value for column, value in numbers.items() if column in COUNTERS}
    return LoggedRun(
        name, _settings(metrics.with_name(HPARAMS), name, unused), values, {"run": name, **counters, **texts}
    )


def _settings(file: Path, place: str, unused: list[str]) -> dict[str, Cell]:
    content = yaml_of(file) if file.is_file() else None
    return flat(content, f"{place}/{HPARAMS}", unused) if isinstance(content, dict) else {}


reader = LightningReader()

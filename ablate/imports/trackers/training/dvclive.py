"""The reader of DVCLive: folders `dvclive` with `metrics.json`, `params.yaml` and `plots/metrics/**.tsv`."""

from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import Cell, Request, Source
from ablate.imports.trackers.cells import flat, number
from ablate.imports.trackers.csv_series import last_values, split_numbers
from ablate.imports.trackers.documents import json_of, yaml_of
from ablate.imports.trackers.logged import LoggedRun, source_of, with_names
from ablate.imports.trackers.walk import files_below, glimpse, relative
from ablate.text import fault_lines

METRICS, PARAMS, PLOTS = "metrics.json", "params.yaml", "plots/metrics"
FOLDER = "dvclive"
"""The folder that DVCLive makes by default."""
COUNTER = "step"
"""The key of `metrics.json` that counts the training."""


class DvcLiveReader:
    """Reads the folders of DVCLive below a folder. DVC keeps one run a commit, so several runs are several copies."""

    kind = "dvclive"

    def recognise(self, path: Path) -> str:
        if not path.is_dir():
            return ""
        first = next((folder for file in glimpse(path, _is_file_of_run) if (folder := _run_folder(file))), None)
        return f"{relative(first, path)} is a folder of DVCLive, with {METRICS} or {PLOTS}" if first else ""

    def read(self, path: Path, request: Request) -> Source:
        folders = dict.fromkeys(folder for file in files_below(path, _is_file_of_run) if (folder := _run_folder(file)))
        runs, faults, unused = [], [], list[str]()
        for folder in folders:
            try:
                runs.append(_run(folder, path, unused))
            except SourceError as error:
                faults.append(str(error))
        if faults:
            raise SourceError(f"{path}: cannot be read as folders of DVCLive:\n{fault_lines(faults)}")
        if len(runs) == 1:
            unused.append("DVC keeps the other runs in other commits: copy the folder of each commit into one folder")
        unused += [f"{run.place}: it has no values" for run in runs if not run.metrics]
        used = with_names([run for run in runs if run.metrics], request)
        return source_of(self.kind, self.recognise(path), used, unused, primary=request.metrics)


def _is_file_of_run(name: str) -> bool:
    return name == METRICS or name.endswith(".tsv")


def _run_folder(file: Path) -> Path | None:
    """Return the folder of DVCLive that a file belongs to; None if it belongs to none."""
    if file.name == METRICS:
        folder = file.parent
        return folder if folder.name == FOLDER or (folder / PLOTS).is_dir() else None
    return next((above.parent.parent for above in file.parents if above.as_posix().endswith(f"/{PLOTS}")), None)


def _run(folder: Path, root: Path, unused: list[str]) -> LoggedRun:
    name = relative(folder.parent if folder.name == FOLDER and folder != root else folder, root)
    cells: dict[str, Cell] = {**_plots(folder / PLOTS), **_summary(folder / METRICS, name, unused)}
    numbers = {key: value for key, cell in cells.items() if (value := number(cell)) is not None}
    texts = {key: cell for key, cell in cells.items() if key not in numbers}
    counters = {COUNTER: numbers.pop(COUNTER)} if COUNTER in numbers else {}
    return LoggedRun(name, _params(folder, name, unused), numbers, {"run": name, **counters, **texts})


def _summary(file: Path, place: str, unused: list[str]) -> dict[str, Cell]:
    """Return the last values; metrics of folders such as `train/loss` are nested."""
    content = json_of(file) if file.is_file() else {}
    if not isinstance(content, dict):
        raise SourceError(f"{file}: must be an object with a value for each metric")
    return flat(content, f"{place}/{METRICS}", unused, "/")


def _plots(folder: Path) -> dict[str, Cell]:
    """Return the last values of the series, for runs that ended before DVCLive wrote `metrics.json`."""
    values: dict[str, Cell] = {}
    for file in files_below(folder, lambda name: name.endswith(".tsv")):
        numbers, texts = split_numbers(last_values(file, "\t"))
        values[relative(file.with_suffix(""), folder)] = numbers.get(file.stem, texts.get(file.stem))
    return {name: value for name, value in values.items() if value is not None}


def _params(folder: Path, place: str, unused: list[str]) -> dict[str, Cell]:
    """Return the settings, which DVCLive writes into its folder, and projects of DVC next to it."""
    file = next((each for each in (folder / PARAMS, folder.parent / PARAMS) if each.is_file()), None)
    content = yaml_of(file) if file else None
    return flat(content, f"{place}/{PARAMS}", unused) if isinstance(content, dict) else {}


reader = DvcLiveReader()

"""The reader of MLflow's folders of runs, `mlruns/`: a folder for each experiment, and in it one for each run."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from ablate.errors import SourceError
from ablate.imports.source import Request, Source
from ablate.imports.trackers.documents import mapping_in, text_of, yaml_of
from ablate.imports.trackers.mlflow.stored_runs import StoredRun, as_source
from ablate.imports.trackers.walk import files_below, relative
from ablate.text import fault_lines

NAME, META, TRASH = "mlruns", "meta.yaml", ".trash"
"""The folder that MLflow makes by default, the file that describes an experiment or a run, and the deleted runs."""
STATUSES = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
"""The number of a status in `meta.yaml`, by MLflow's `service.proto`."""
LONGEST_LINE = 10_000
"""Bytes of a line of a metric; MLflow writes a few dozen."""
LARGEST_PARAM = 100_000
"""Bytes of a parameter or a tag; MLflow writes at most 8,000."""
MOST_LISTED = 1_000
"""Entries of a folder that are looked at to recognise it."""

Content = TypeVar("Content")


class MlflowFolderReader:
    """Reads a folder `mlruns`, the folder that holds it, or the folder of one experiment in it."""

    kind = "mlflow"

    def recognise(self, path: Path) -> str:
        try:
            if not path.is_dir():
                return ""
            if _is_experiment(path):
                return f"its {META} describes an experiment of MLflow"
            for folder, words in ((path, "it holds"), (path / NAME, f"it holds {NAME}/ with")):
                if folder.is_dir() and any(_is_experiment(each) for each in islice(folder.iterdir(), MOST_LISTED)):
                    return f"{words} folders whose {META} describes an experiment of MLflow"
        except OSError:
            return ""
        return ""

    def read(self, path: Path, request: Request) -> Source:
        faults: list[str] = []
        runs: list[StoredRun] = []
        for folder in _experiments(path):
            runs += _unless_faulty(lambda each: list(_runs_of(each, faults)), folder, faults) or []
        if faults:
            raise SourceError(f"{path}: cannot be read as runs of MLflow:\n{fault_lines(faults)}")
        in_order = sorted(runs, key=lambda run: (str(run.start), run.key))
        return as_source(self.kind, path, self.recognise(path), in_order, request)


def _is_experiment(folder: Path) -> bool:
    """Return True for the folder of an experiment: its `meta.yaml` names the experiment, and no run."""
    meta = folder / META
    if not meta.is_file():
        return False
    with meta.open("rb") as file:
        text = file.read(LONGEST_LINE)
    return b"experiment_id:" in text and b"run_id:" not in text and b"run_uuid:" not in text


def _experiments(path: Path) -> list[Path]:
    """Return the folders of experiments, also those in the trash. SourceError if there is none."""
    try:
        if _is_experiment(path):
            return [path]
        for root in (path, path / NAME):
            roots = [folder for folder in (root, root / TRASH) if folder.is_dir()]
            folders = sorted(each for folder in roots for each in folder.iterdir() if _is_experiment(each))
            if folders:
                return folders
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    raise SourceError(
        f"{path}: holds no experiment of MLflow, that is, a folder with a {META} that has an experiment_id; give the "
        f"folder {NAME}, or one of its experiments"
    )


def _runs_of(experiment: Path, faults: list[str]) -> Iterator[StoredRun]:
    """Yield the runs of an experiment; what cannot be read becomes a line of `faults`."""
    about = _unless_faulty(_mapping, experiment / META, faults) or {}
    name = str(about.get("name") or experiment.name)
    deleted = about.get("lifecycle_stage") == "deleted" or experiment.parent.name == TRASH
    for folder in sorted(experiment.iterdir()):
        if (folder / META).is_file():
            yield _run(folder, name, deleted, faults)


def _unless_faulty(read: Callable[[Path], Content], file: Path, faults: list[str]) -> Content | None:
    try:
        return read(file)
    except SourceError as error:
        faults.append(str(error))
    except OSError as error:
        faults.append(f"{file}: cannot be read: {error.strerror}")
    return None


def _run(folder: Path, experiment: str, deleted: bool, faults: list[str]) -> StoredRun:
    about = _unless_faulty(_mapping, folder / META, faults) or {}
    status = str(about.get("status"))
    return StoredRun(
        folder.name,
        str(about.get("run_name") or about.get("name") or ""),
        experiment,
        STATUSES.get(status, status),
        deleted or about.get("lifecycle_stage") == "deleted",
        about.get("start_time"),
        _values(_param, folder / "params", faults),
        _values(_last, folder / "metrics", faults),
        _values(_param, folder / "tags", faults),
    )


def _values(read: Callable[[Path], Content], folder: Path, faults: list[str]) -> dict[str, Content]:
    """Return {name: value} for the files below a folder. A name may have slashes, which are folders on the disk."""
    files = files_below(folder, bool)
    values = {relative(file, folder): _unless_faulty(read, file, faults) for file in files}
    return {name: value for name, value in values.items() if value is not None}


def _mapping(file: Path) -> dict[str, Any]:
    return mapping_in(yaml_of(file), file)


def _param(file: Path) -> str:
    return text_of(file, LARGEST_PARAM)


def _last(file: Path) -> float:
    """Return the last value of a metric by step, time and value, as MLflow itself orders them.

    A line is `time value step`, in old files `time value`, and with a data set `time value 0 name digest`. A last line
    without an end that is torn is left out. SourceError with the first line that is none of these.
    """
    last: tuple[float, float, float] | None = None
    with file.open("rb") as opened:
        for number, line in enumerate(iter(lambda: opened.readline(LONGEST_LINE), b""), start=1):
            point = _point(line)
            if point is None and line.strip() and line.endswith(b"\n"):
                raise SourceError(f"{file}:{number}: {_shown(line)} is no line `time value step` of a metric")
            if point and (last is None or point >= last):
                last = point
    if last is None:
        raise SourceError(f"{file}: is empty, but a metric has at least one line `time value step`")
    return last[2]


def _point(line: bytes) -> tuple[float, float, float] | None:
    """Return (step, time, value) of a line of a metric; None if it is none."""
    parts = line.split()
    if len(parts) not in (2, 3, 5):
        return None
    try:
        return float(parts[2]) if len(parts) > 2 else 0.0, float(parts[0]), float(parts[1])
    except ValueError:
        return None


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "replace").strip())


reader = MlflowFolderReader()

"""The reader of folders of TensorBoard's event files: a folder is a run, its last scalars are its metrics."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.source import Cell, Request, Source
from ablate.imports.trackers.cells import MOST_COLUMNS, flat
from ablate.imports.trackers.documents import yaml_of
from ablate.imports.trackers.logged import LoggedRun, source_of, with_names
from ablate.imports.trackers.training.tensorboard_hparams import hparams_of
from ablate.imports.trackers.walk import files_below, glimpse, relative
from ablate.trainers.measuring.takes import NoValueError
from ablate.trainers.measuring.tensorboard_events import Scalar, scalars

HPARAMS = "hparams.yaml"
"""The file with the settings that Lightning writes next to event files."""
SPLITS = frozenset({"train", "training", "validation", "valid", "val", "dev", "eval", "evaluation", "test"})
"""Folders of one run's event files, as Keras names them."""
COUNTERS = frozenset({"epoch", "step", "global_step"})
"""Tags that count the training, and measure nothing."""
UNSET = "hp_metric"
"""The tag that Lightning writes with the value -1 if a program sets no such metric."""
_SESSION = re.compile(r"\d+(\.\d+)?")
"""The folder below a run into which PyTorch's `add_hparams` writes: the seconds since the epoch."""


@dataclass
class EventFolder:
    """The event files of one folder."""

    path: Path
    last: dict[str, Scalar] = field(default_factory=dict)
    """{tag: the scalar of the last step}; of several at a step the one that was written last."""
    settings: dict[str, Cell] = field(default_factory=dict)


class TensorBoardReader:
    """Reads the event files of a folder, and of all folders below it."""

    kind = "tensorboard"

    def recognise(self, path: Path) -> str:
        if path.is_file():
            return "its name is that of TensorBoard's event files" if is_event_file(path.name) else ""
        first = next(glimpse(path, is_event_file), None)
        return f"{relative(first, path)} is an event file of TensorBoard" if first else ""

    def read(self, path: Path, request: Request) -> Source:
        files = [path] if path.is_file() else files_below(path, is_event_file)
        if not files:
            raise SourceError(f"{path}: has no event files of TensorBoard, such as events.out.tfevents.1700000000.host")
        root = path if path.is_dir() else path.parent
        unused: list[str] = []
        runs = [_run(name, folders, root, unused) for name, folders in _by_run(_folders(files, unused)).items()]
        with_metrics = [run for run in runs if run.metrics]
        unused += [f"{run.place}: its event files have no scalars" for run in runs if not run.metrics]
        named = with_names(with_metrics, request)
        return source_of(self.kind, self.recognise(path), named, unused, primary=request.metrics)


def is_event_file(name: str) -> bool:
    return "tfevents" in name


def _folders(files: Iterable[Path], unused: list[str]) -> list[EventFolder]:
    """Return the contents of the event files, folder after folder."""
    folders: dict[Path, EventFolder] = {}
    for file in files:
        folder = folders.setdefault(file.parent, EventFolder(file.parent))
        try:
            for scalar in scalars(file):
                _add(folder, scalar)
            folder.settings |= hparams_of(file)
        except (NoValueError, OSError) as error:
            unused.append(f"{file}: {error}")
    return list(folders.values())


def _add(folder: EventFolder, scalar: Scalar) -> None:
    before = folder.last.get(scalar.tag)
    if before is None and len(folder.last) >= MOST_COLUMNS:
        raise SourceError(f"{folder.path}: more than {MOST_COLUMNS:,} tags; a run has fewer")
    if before is None or (before.step, before.wall_time) <= (scalar.step, scalar.wall_time):
        folder.last[scalar.tag] = scalar


def _by_run(folders: Sequence[EventFolder]) -> dict[Path, list[EventFolder]]:
    """Return {folder of a run: its own event files and those of its parts}.

    Parts are the splits that Keras writes, and the folders that PyTorch makes for `add_hparams` and `add_scalars`.
    """
    by_path = {folder.path: folder for folder in folders}
    sessions = Counter(path.parent for path in by_path if _SESSION.fullmatch(path.name))
    runs: dict[Path, list[EventFolder]] = {}
    for folder in folders:
        above = folder.path.parent
        is_part = folder.path.name.lower() in SPLITS or (above in by_path and _is_part(folder, sessions[above]))
        runs.setdefault(folder.path.parent if is_part else folder.path, []).append(folder)
    return runs


def _is_part(folder: EventFolder, sessions: int) -> bool:
    """Return True for a folder that PyTorch made below a run's: `1700000000.5`, or `loss_train` of the tag `loss`.

    Of several with seconds as their names each is a run: a program that called `add_hparams` for each of them.
    """
    if _SESSION.fullmatch(folder.path.name):
        return sessions == 1
    return bool(folder.last) and all(folder.path.name.startswith(tag.replace("/", "_") + "_") for tag in folder.last)


def _run(path: Path, folders: Sequence[EventFolder], root: Path, unused: list[str]) -> LoggedRun:
    name = relative(path, root)
    settings = _yaml_settings(path / HPARAMS, name, unused)
    values: dict[str, float] = {}
    for folder in folders:
        settings |= folder.settings
        values |= _values(folder, path)
    metrics = {tag: value for tag, value in values.items() if tag not in COUNTERS}
    counters = {tag: value for tag, value in values.items() if tag in COUNTERS}
    return LoggedRun(name, settings, metrics, {"run": name, **counters})


def _values(folder: EventFolder, run: Path) -> Mapping[str, float]:
    """Return {metric: last value}; metrics of a part are named with its folder, `validation/epoch_loss`."""
    is_own = folder.path == run or _SESSION.fullmatch(folder.path.name)
    return {
        tag if is_own else f"{folder.path.name}/{tag}": scalar.value if isfinite(scalar.value) else nan
        for tag, scalar in folder.last.items()
        if (tag, scalar.value) != (UNSET, -1)
    }


def _yaml_settings(file: Path, place: str, unused: list[str]) -> dict[str, Cell]:
    if not file.is_file():
        return {}
    content = yaml_of(file)
    return flat(content, f"{place}/{HPARAMS}", unused) if isinstance(content, dict) else {}


reader = TensorBoardReader()

"""The kinds of sources, in the order in which they are tried, and the recognition of a path's kind."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from ablate.errors import AblateError, SourceError
from ablate.imports.source import Reader

READERS = {
    "ablate": "ablate.imports.trackers.ablate_export",
    "mlflow-db": "ablate.imports.trackers.mlflow.database",
    "mlflow": "ablate.imports.trackers.mlflow.folder",
    "wandb-csv": "ablate.imports.trackers.wandb.export",
    "wandb": "ablate.imports.trackers.wandb.runs",
    "lm-eval": "ablate.imports.trackers.harness.reader",
    "hydra": "ablate.imports.folders.hydra",
    "lightning": "ablate.imports.trackers.training.lightning",
    "huggingface": "ablate.imports.trackers.training.huggingface",
    "dvclive": "ablate.imports.trackers.training.dvclive",
    "ray": "ablate.imports.trackers.training.ray",
    "trackio": "ablate.imports.trackers.training.trackio",
    "optuna": "ablate.imports.trackers.training.optuna",
    "tensorboard": "ablate.imports.trackers.training.tensorboard",
    "mapping": "ablate.imports.folders.mapping",
    "folders": "ablate.imports.folders.folder_runs",
    "logs": "ablate.imports.folders.logs",
    "table": "ablate.imports.tables.table",
}
"""{kind: the module of its reader, which has it as `reader`}, the most specific kinds first: of several that recognise
a path, the first one reads it."""


STUDY_FILES = (".yaml", ".yml")


class Recognised(NamedTuple):
    """The reader of a path."""

    reader: Reader
    why: str
    """Why the path is of this kind, as the end of a sentence."""


def recognise(path: Path, kind: str = "") -> Recognised:
    """Return the reader of a path: that of a named kind, or of the first kind that recognises it.

    SourceError if there is none.
    """
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder")
    if not path.is_dir() and not path.is_file():
        raise SourceError(f"{path}: cannot be read: it is a pipe or a device, not a file")
    if kind:
        if kind not in READERS:
            raise AblateError(f"--from: unknown kind {kind!r}; known: {', '.join((*READERS, 'log'))}")
        reader = _reader(kind)
        return Recognised(reader, reader.recognise(path) or "--from names this kind")
    for reader in _readers():
        if why := reader.recognise(path):
            return Recognised(reader, why)
    what = "folder" if path.is_dir() else "file"
    study = f" (a study file is run with `ablate run {quote(str(path))}`)" if path.suffix in STUDY_FILES else ""
    raise SourceError(
        f"{path}: this {what} is of no kind that is known{study}; name its kind with --from: {', '.join(READERS)}; "
        "or write its results as a CSV file, with a line for each run"
    )


def _readers() -> Iterator[Reader]:
    return (_reader(kind) for kind in READERS)


def _reader(kind: str) -> Reader:
    reader: Reader = import_module(READERS[kind]).reader
    return reader

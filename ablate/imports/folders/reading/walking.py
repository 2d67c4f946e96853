"""The files below a folder: a bounded number of them, in an order that people expect, without going in circles."""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG

from ablate.errors import SourceError
from ablate.filesystem import stat_or_none
from ablate.imports.natural_order import natural_key

MOST_FILES = 100_000
"""The largest number of files that are looked at below one folder."""
PICKLES = frozenset({".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".npy", ".npz", ".joblib", ".bin", ".dill", ".h5"})
"""Endings of files that may hold pickles or large arrays. They are never opened."""
_HIDDEN = frozenset({"__pycache__", "node_modules", "site-packages"})


def files_below(folder: Path, most: int = MOST_FILES) -> list[Path]:
    """Return the regular files below a folder in natural order: `run2` before `run10`.

    Hidden folders are left out, except `.hydra`. A folder that links lead to twice is visited once. SourceError if the
    folder has more files than `most`.
    """
    files: list[Path] = []
    for path in _walk(folder):
        if len(files) == most:
            raise SourceError(
                f"{folder}: the folder has more than {most:,} files; give a folder further down, or write the results "
                "as one CSV file, with a line for each run"
            )
        files.append(path)
    return sorted(files, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def _walk(folder: Path) -> Iterator[Path]:
    visited: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        status = stat_or_none(Path(place))
        if status is None or (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if _is_visited(name))
        yield from (path for name in files if _is_regular(path := Path(place, name)))


def _is_visited(name: str) -> bool:
    return name == ".hydra" or not (name.startswith(".") or name in _HIDDEN)


def _is_regular(path: Path) -> bool:
    status = stat_or_none(path)
    return status is not None and S_ISREG(status.st_mode) and not path.name.startswith(".")

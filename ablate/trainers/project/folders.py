"""Folders listed file by file, without the files that programs leave in them."""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from ablate.errors import nearest
from ablate.filesystem import exists

LEFT_OUT = {
    ".git",
    ".hg",
    ".svn",
    "__pycache__",
    "site-packages",
    "node_modules",
    ".ipynb_checkpoints",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
}
"""Names of files and folders that version control, Python, editors and file browsers leave in a folder."""
ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")
"""Names in the folder of a virtual environment."""
STORE, OUTPUTS = "ablate.db", {"runs", "checkpoints"}
"""The usual name of a store, and the folders next to it that trainings write to."""


class ListedFile(NamedTuple):
    """A file below a listed folder."""

    name: str
    """Its path below the folder."""
    path: str
    status: os.stat_result | None
    """None for a link to a file that is not there, or to a folder that holds the link."""


def listing(folder: str, name: str = "", above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[ListedFile]:
    """Yield the files below a folder, also through links; OSError if a folder cannot be listed.

    `name`: the path of the folder itself, with a slash. `above`: the devices and inodes of the folders that hold it.
    """
    status = Path(folder).stat()
    inside = above | {(status.st_dev, status.st_ino)}
    for entry in entries(folder):
        own = f"{name}{entry.name}"
        try:
            status = entry.stat()
        except OSError as error:
            if not entry.is_symlink():
                raise error
            yield ListedFile(own, entry.path, None)
            continue
        if S_ISREG(status.st_mode):
            yield ListedFile(own, entry.path, status)
        elif S_ISDIR(status.st_mode) and (status.st_dev, status.st_ino) in inside:
            yield ListedFile(own, entry.path, None)
        elif S_ISDIR(status.st_mode) and not is_left_out(Path(entry.path)):
            yield from listing(entry.path, f"{own}/", inside)


def entries(folder: str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder by name, without those that programs leave there. OSError if it is locked."""
    with os.scandir(folder) as scan:
        kept = [entry for entry in scan if entry.name not in LEFT_OUT]
    if any(entry.name == STORE for entry in kept):
        kept = [entry for entry in kept if not entry.name.startswith(STORE) and entry.name not in OUTPUTS]
    return sorted(kept, key=lambda entry: os.fsencode(entry.name))


def is_left_out(folder: Path) -> bool:
    """Return True for a folder without a file of the user's: a virtual environment, a store with its results."""
    return folder.name in LEFT_OUT or any(exists(folder / mark) for mark in (*ENVIRONMENT_MARKS, STORE))


def nearest_name(path: Path) -> str | None:
    """Return the name of the entry in the folder of a missing path that was probably meant; None if there is none."""
    try:
        names = [entry.name for entry in entries(str(path.parent)) if entry.name != path.name]
    except (OSError, ValueError):
        return None
    return nearest(path.name, names)

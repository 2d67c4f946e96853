"""The names of files in a folder, without the files that systems add next to those of a user."""

from collections.abc import Iterable
from pathlib import Path

STRAY_FOLDER = "__MACOSX"
"""The folder in which a Mac's archives keep further data of each file."""

STRAY_BEGINNING = "._"
"""The beginning of the names of such data, if they lie next to the files."""

STRAY_NAMES = (".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini")


def is_stray(path: str) -> bool:
    """Return True for a file that a system added: `._a.jpg`, `.DS_Store`, `Thumbs.db`, or a file below `__MACOSX`."""
    *folders, name = path.split("/")
    return name.startswith(STRAY_BEGINNING) or name.lower() in STRAY_NAMES or STRAY_FOLDER in folders


def names_in(folder: Path, endings: Iterable[str]) -> list[str]:
    """Return the sorted names of a folder's entries with one of the endings (`.jpg`, in any case), without stray files.

    OSError if the folder cannot be read.
    """
    wanted = {*endings}
    names = [path.name for path in folder.iterdir() if path.suffix.lower() in wanted]
    return sorted(name for name in names if not is_stray(name))

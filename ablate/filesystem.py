"""What lies at a path, as far as one may look: a locked folder and a name too long for the system are nothing."""

from os import stat_result
from pathlib import Path
from stat import S_ISDIR, S_ISREG


def is_there(path: Path) -> bool:
    """Whether anything is."""
    return looked_at(path) is not None


def is_file(path: Path) -> bool:
    """Whether a file is, or a link to one."""
    found = looked_at(path)
    return found is not None and S_ISREG(found.st_mode)


def is_folder(path: Path) -> bool:
    """Whether a folder is, or a link to one."""
    found = looked_at(path)
    return found is not None and S_ISDIR(found.st_mode)


def looked_at(path: Path) -> stat_result | None:
    """What the system says of it. Python 3.11's `Path.exists` and its like raise most errors."""
    try:
        return path.stat()
    except (OSError, ValueError):
        return None

"""What lies at a path, as far as one may look: a locked folder and a name too long for the system are nothing."""

from pathlib import Path
from stat import S_ISDIR, S_ISREG


def is_there(path: Path) -> bool:
    """Whether anything is."""
    return _mode(path) is not None


def is_file(path: Path) -> bool:
    """Whether a file is, or a link to one."""
    mode = _mode(path)
    return mode is not None and S_ISREG(mode)


def is_folder(path: Path) -> bool:
    """Whether a folder is, or a link to one."""
    mode = _mode(path)
    return mode is not None and S_ISDIR(mode)


def _mode(path: Path) -> int | None:
    """Python 3.11's `Path.exists` and its like raise most errors."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None

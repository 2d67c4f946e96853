"""The files in a script's working directory that a training changes."""

from collections.abc import Mapping
from pathlib import Path

from ablate.trainers.measuring.files import walk_files

Versions = Mapping[str, tuple[int, int]]
"""{path: time of the last change in nanoseconds, and size}."""


def versions(folder: Path, without: Path) -> Versions:
    """Return the versions of the files below a folder, hidden ones left out, and those below `without`."""
    found: dict[str, tuple[int, int]] = {}
    for path in walk_files(folder, without):
        try:
            status = path.stat()
        except OSError:  # it was removed meanwhile
            continue
        if not path.name.startswith("."):
            found[str(path.relative_to(folder))] = (status.st_mtime_ns, status.st_size)
    return found


def changed_files(before: Versions, after: Versions) -> frozenset[str]:
    """Return the files that are new or changed."""
    return frozenset(path for path, version in after.items() if before.get(path) != version)

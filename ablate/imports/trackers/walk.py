"""The files below a folder: nearest first, in the order of their numbers, never through links to folders."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.natural_order import natural_key

MOST_ENTRIES, MOST_AT_A_LOOK = 500_000, 3_000
"""Entries of folders that are read for an import, and for the recognition of its kind."""


def files_below(root: Path, is_wanted: Callable[[str], bool]) -> list[Path]:
    """Return the files with a wanted name, sorted by their paths, `version_2` before `version_10`.

    SourceError if the folder has too many entries.
    """
    wanted = []
    for count, path in enumerate(_entries(root)):
        if count >= MOST_ENTRIES:
            raise SourceError(f"{root}: more than {MOST_ENTRIES:,} files and folders; name a folder below it")
        if is_wanted(path.name):
            wanted.append(path)
    return sorted(wanted, key=by_numbers)


def glimpse(root: Path, is_wanted: Callable[[str], bool]) -> Iterator[Path]:
    """Yield the files with a wanted name among the first entries, nearest first: enough to recognise a kind."""
    for count, path in enumerate(_entries(root)):
        if count > MOST_AT_A_LOOK:
            return
        if is_wanted(path.name):
            yield path


def by_numbers(path: Path) -> tuple[object, ...]:
    """Return the key that sorts paths by the numbers in their names."""
    return tuple(map(natural_key, path.parts))


def relative(path: Path, root: Path) -> str:
    """Return the path below the root as messages name it; `.` for the root itself."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _entries(root: Path) -> Iterator[Path]:
    """Yield the files, folder after folder. A folder that cannot be opened has none."""
    waiting = deque([root])
    while waiting:
        folder = waiting.popleft()
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif _is_file(entry):
                yield Path(entry.path)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False

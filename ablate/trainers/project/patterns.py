"""The files that the patterns of `files:` name, such as `src/**/*.py`.

`*`, `?` and `[...]` match within one name, as a shell does; they match no name that begins with a dot. `**` stands for
any number of folders. A folder without a pattern stands for all files in it.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import translate
from functools import lru_cache
from pathlib import Path

from ablate.filesystem import expanded, is_file, is_folder, path_fault
from ablate.trainers.project.folders import entries, is_left_out, nearest_name

ANY_FOLDERS = "**"
MOST_FILES = 10_000
"""Files that patterns may name: of more, most are data."""
MAGIC = re.compile(r"[*?\\[]")


class TooManyFilesError(Exception):
    """More files than code has."""


def matching_files(folder: Path, patterns: Sequence[str]) -> tuple[dict[str, Path], list[str]]:
    """Return {name: file} for the files that patterns name, by name, and the faults of the patterns.

    `folder`: the folder that patterns are relative to. A name is the path from there. Files elsewhere that are given by
    an absolute path have the name below the folder that the pattern begins with.
    """
    files: dict[str, Path] = {}
    faults: list[str] = []
    for pattern in patterns:
        try:
            names = _names(folder, pattern, MOST_FILES)
        except TooManyFilesError:
            faults.append(f"{pattern!r} matches more than {MOST_FILES:,} files; list code here, and data in `data:`")
            continue
        files |= names
        if not names:
            faults.append(path_fault(pattern) or _no_match(folder, pattern))
    return dict(sorted(files.items())), faults


def is_pattern(text: str) -> bool:
    """Return True if a text has characters of patterns."""
    return MAGIC.search(text) is not None


def _names(folder: Path, pattern: str, most: int) -> dict[str, Path]:
    if path_fault(pattern):
        return {}
    written = os.path.normpath(expanded(pattern))
    parts = Path(written).parts
    fixed = next((at for at, part in enumerate(parts) if is_pattern(part)), len(parts) - 1)
    begin = Path(os.path.normpath(folder.joinpath(*parts[:fixed])))
    names: dict[str, Path] = {}
    for path in _matches(str(begin), parts[fixed:]):
        names[_name(folder, written, begin, path)] = Path(path)
        if len(names) > most:
            raise TooManyFilesError
    return names


def _name(folder: Path, written: str, begin: Path, path: str) -> str:
    """Return the name of a file without a part that differs between machines."""
    if not written.startswith("/") or Path(path).is_relative_to(folder):
        return os.path.relpath(path, folder)
    return os.path.relpath(path, begin.parent if is_pattern(written) else begin)


def _matches(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Yield the files below a folder whose path matches the parts of a pattern."""
    first, rest = parts[0], parts[1:]
    if first == ANY_FOLDERS:
        yield from _matches(folder, rest or ("*",))
        for inner in _entries(folder):
            if inner.is_dir(follow_symlinks=False) and not inner.name.startswith(".") and not is_left_out(Path(inner)):
                yield from _matches(inner.path, parts)
    elif is_pattern(first):
        for inner in _entries(folder):
            if _matcher(first)(inner.name) and (first.startswith(".") or not inner.name.startswith(".")):
                yield from _continued(inner.path, rest, is_named=False)
    else:
        yield from _continued(f"{folder}/{first}", rest, is_named=True)


def _continued(path: str, rest: Sequence[str], is_named: bool) -> Iterator[str]:
    """Yield the files of a path that matches the first part of a pattern. `is_named`: it has the name written there."""
    if rest:
        if is_folder(Path(path)) and (is_named or not is_left_out(Path(path))):
            yield from _matches(path, rest)
    elif is_file(Path(path)):
        yield path
    elif is_named and is_folder(Path(path)):
        yield from _matches(path, (ANY_FOLDERS,))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder; none if it is locked: a pattern may pass folders that are of no interest."""
    try:
        return entries(folder)
    except OSError:
        return []


@lru_cache
def _matcher(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(translate(pattern)).match


def _no_match(folder: Path, pattern: str) -> str:
    if is_pattern(pattern):
        return f"{pattern!r} matches no file in {folder}; `*` is any name in one folder, `**` any number of folders"
    path = folder / expanded(pattern)
    if is_folder(path):
        return f"{pattern!r} is a folder without files, in {folder}"
    near = nearest_name(path)
    return f"there is no {pattern!r} in {folder}" + (f"; did you mean {near!r}?" if near else "")

"""The files that a training left: those of this attempt, those of earlier ones, and those in the wrong folder."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ablate.text import duration
from ablate.trainers.measuring.example_files import Examples
from ablate.trainers.measuring.takes import NoValueError

CLOCK_SLACK = 2.0
"""Seconds by which a file may seem older than the attempt that wrote it: clocks and file systems round times."""
MOST_VISITED = 5_000
"""Files and folders that a search for a lost file looks at."""
OWN = "ablate-"
"""How the names of the files begin that ablate writes into the folder of a training; no script left values there."""
SKIPPED = {"__pycache__", "node_modules", "venv", "site-packages"}
"""Folders that such a search leaves out, next to hidden ones."""


@dataclass(frozen=True)
class Outputs:
    """The places in which a training left its results."""

    folder: Path
    """The folder of the training, `${dir}`."""
    log: Path
    """The output of the attempt."""
    result: Path
    """The file that ABLATE_RESULT names."""
    returned: Mapping[str, Any] | None
    """The values that a function returned; None if it returned none, or if the trainer is no function."""
    cwd: Path
    """The working directory of the script."""
    since: float
    """The time at which the attempt began, in seconds since the epoch."""
    examples: Mapping[str, Examples] = field(default_factory=dict)
    """{metric: the outcomes that a function gave}."""

    def is_fresh(self, path: Path) -> bool:
        """Return True if a file was written by this attempt."""
        return path.stat().st_mtime >= self.since - CLOCK_SLACK

    def is_own(self, path: Path) -> bool:
        """Return True if ablate wrote a file, and not the script."""
        return path.name.startswith(OWN) and path.parent == self.folder

    def name_of(self, path: Path) -> str:
        """Return the name of a file in messages: its path in the folder of the training."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else path.name


def matching_files(outputs: Outputs, pattern: str) -> list[Path]:
    """Return the files in the folder of the training whose path matches a pattern, the oldest first."""
    exact = outputs.folder / pattern
    if exact.is_file():
        return [exact]
    files = (path for path in outputs.folder.glob(pattern) if path.is_file())
    return sorted(
        (path for path in files if not outputs.is_own(path)), key=lambda path: (path.stat().st_mtime_ns, str(path))
    )


def fresh_files(outputs: Outputs, pattern: str, shown: str = "") -> list[Path]:
    """Return the matching files of this attempt, the oldest first; NoValueError with the reason if there is none.

    `shown`: the words for such a file in the reason, if they are not the pattern.
    """
    files = matching_files(outputs, pattern)
    fresh = [path for path in files if outputs.is_fresh(path)]
    if not fresh:
        raise NoValueError(_stale(outputs, files[-1]) if files else _absent(outputs, pattern, shown or pattern))
    return fresh


def newest_file(outputs: Outputs, pattern: str) -> Path:
    """Return the newest matching file of this attempt; NoValueError with the reason if there is none."""
    return fresh_files(outputs, pattern)[-1]


def _stale(outputs: Outputs, path: Path) -> str:
    age = duration(outputs.since - path.stat().st_mtime)
    name = outputs.name_of(path)
    return f"{name} is from an earlier attempt, written {age} before this one began; this attempt did not write it"


def _absent(outputs: Outputs, pattern: str, shown: str) -> str:
    """Return the reason of a file that is not there, with the place in which it may lie."""
    name = pattern.rpartition("/")[2]
    reason = f"there is no {shown} in ${{dir}}"
    for path in walk_files(outputs.folder, Path()):
        if fnmatch(path.name, name) and outputs.is_fresh(path):
            return f"{reason}; the script wrote {outputs.name_of(path)}, so name that in `from:`"
    if outputs.cwd != outputs.folder:
        for path in walk_files(outputs.cwd, _folder_of_trainings(outputs)):
            if fnmatch(path.name, name) and outputs.is_fresh(path):
                return f"{reason}; {_elsewhere(path.relative_to(outputs.cwd))}"
    return reason


def _elsewhere(path: Path) -> str:
    return (
        f"the script wrote {path} in the working directory, where trials that run at the same time overwrite each "
        "other's files; let the script write to ${dir}, or set `cwd: ${dir}` in the trainer"
    )


def _folder_of_trainings(outputs: Outputs) -> Path:
    """Return the folder that a search below the working directory leaves out: of all trainings, or of this one."""
    parent = outputs.folder.parent
    return outputs.folder if outputs.cwd.is_relative_to(parent) else parent


def walk_files(top: Path, without: Path) -> Iterator[Path]:
    """Yield the files below a folder, those near the top first; at most MOST_VISITED files and folders are visited."""
    folders, visited = [top], 0
    while folders and visited < MOST_VISITED:
        for entry in _entries(folders.pop(0)):
            visited += 1
            if visited > MOST_VISITED:
                return
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name not in SKIPPED and path != without:
                    folders.append(path)
            elif entry.is_file():
                yield path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:  # not ours to read
        return []


def files_below(outputs: Outputs) -> Iterator[Path]:
    """Yield the files of this attempt in the folder of the training and below it."""
    files = walk_files(outputs.folder, Path())
    return (path for path in files if outputs.is_fresh(path) and not outputs.is_own(path))


def name_with_count(outputs: Outputs, pattern: str, path: Path) -> str:
    """Return the name of a file that was read; if it is the newest of several, with their number."""
    count = len(matching_files(outputs, pattern))
    return outputs.name_of(path) + (f" (the newest of {count:,} files)" if count > 1 else "")

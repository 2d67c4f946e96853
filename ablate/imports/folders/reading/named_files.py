"""The meaning of the names of files: configurations, results, others."""

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ablate.imports.folders import words
from ablate.imports.folders.reading.documents import DOCUMENTS
from ablate.imports.folders.reading.result_values import RESULT_FILES

CONFIG, RESULT, OTHER = "config", "result", "other"
LOGS = frozenset({".log", ".txt", ".out", ".err"})


def _longest_first(names: frozenset[str]) -> str:
    return "|".join(sorted(names, key=lambda name: (-len(name), name)))


_WORD = re.compile(
    rf"(?P<before>.*?)(?:^|[-_. ])(?:(?P<config>{_longest_first(words.CONFIG_FILES)})"
    rf"|(?P<result>{_longest_first(words.RESULT_FILES)}))"
    r"(?:$|[-_. ](?P<after>.*))",
    re.IGNORECASE,
)


class NamedFile(NamedTuple):
    """One file, and the meaning of its name."""

    path: Path
    folder: PurePosixPath
    """The folder, relative to the root."""
    role: str
    """CONFIG, RESULT or OTHER."""
    rest: str
    """The name without its ending and without the word for the role: `seed3` of `seed3_results.json`."""


def named_file(path: Path, root: Path) -> NamedFile:
    """Return the meaning of a file's name."""
    folder = PurePosixPath(path.relative_to(root).as_posix()).parent
    if path.stem.lower() in words.NO_RUNS or path.suffix.lower() not in RESULT_FILES:
        return NamedFile(path, folder, "", path.stem)
    match = _WORD.fullmatch(path.stem)
    if not match:
        return NamedFile(path, folder, OTHER, path.stem)
    role = CONFIG if match["config"] else RESULT
    if role == CONFIG and path.suffix.lower() not in DOCUMENTS:
        return NamedFile(path, folder, "", path.stem)
    return NamedFile(path, folder, role, "_".join(part for part in (match["before"], match["after"]) if part))

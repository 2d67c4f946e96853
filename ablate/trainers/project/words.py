"""The files that a script in another language than Python names, such as `python train.py` in a shell script."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ablate.filesystem import is_file
from ablate.trainers.project.modules import is_module_name

CODE = {".py", ".pyw", ".sh", ".bash", ".zsh", ".R", ".r", ".jl", ".pl", ".rb", ".lua", ".m", ".js", ".ts", ".ipynb"}
"""Ends of the names of scripts."""
SETTINGS = {".yaml", ".yml", ".toml", ".ini", ".cfg"}
"""Ends of the names of files that scripts read. Other files, such as `metrics.json`, may be ones that they write."""
LONGEST = 1_000_000
"""Bytes of a script. A longer file is a compiled program."""
VARIABLE = re.compile(r"\$\{?\w+\}?|\$\(dirname [^)]*\)|\$\d")
WORD = re.compile(r"[^\s\"'`;|&()<>={}\[\],]+")
COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
MODULE = re.compile(r"\s-m\s+([\w.]+)")


class Mentions(NamedTuple):
    """The files and modules that a script names."""

    files: tuple[Path, ...]
    modules: tuple[str, ...]


def mentions(content: bytes, folders: Sequence[Path]) -> Mentions:
    """Return the scripts, settings and modules that a text names. `folders`: those that paths may be relative to."""
    if b"\0" in content or len(content) > LONGEST:
        return Mentions((), ())
    text = VARIABLE.sub("", COMMENT.sub("", content.decode(errors="replace")))
    files = dict.fromkeys(file for word in WORD.findall(text) for file in _files(word, folders))
    modules = dict.fromkeys(filter(is_module_name, MODULE.findall(text)))
    return Mentions(tuple(files), tuple(modules))


def _files(word: str, folders: Sequence[Path]) -> Iterator[Path]:
    """Yield the file that a word names, if it is a script or settings."""
    if Path(word).suffix not in CODE | SETTINGS:
        return
    for folder in folders:
        path = folder / word.lstrip("/")  # without the variable in front of the slash
        if is_file(path):
            yield Path(os.path.normpath(path))
            return

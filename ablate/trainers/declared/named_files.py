"""Files and folders that a command's arguments and a config's values name."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.filesystem import is_file, is_folder
from ablate.trainers.project.words import CODE, SETTINGS

PLACEHOLDER = "${"


def named_path(text: str, folders: Sequence[Path]) -> Path | None:
    """Return the file or folder that an argument names, as in `base.yaml` or `--config=base.yaml`; None if none.

    `folders`: those that a path may be relative to; the first one that has the path counts. A text without a slash and
    without an ending names no folder, as it is rather a word that a folder has by chance.
    """
    if PLACEHOLDER in text:
        return None
    for part in (text, text.partition("=")[2]):
        for folder in folders if part else ():
            path = Path(os.path.normpath(folder / part))
            if is_file(path) or (os.sep in part and is_folder(path) and not folder.is_relative_to(path)):
                return path
    return None


def is_code_or_settings(path: Path) -> bool:
    """Return True for a file that a script reads and does not write, by its ending."""
    return path.suffix in CODE | SETTINGS and is_file(path)


def texts_of(config: Mapping[str, Any], key: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted key, text) for each value of a config that is a text, also in lists."""
    for name, value in config.items():
        here = f"{key}{name}"
        if isinstance(value, Mapping):
            yield from texts_of(value, f"{here}.")
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, str):
                yield here, each


def is_covered(path: Path, files: Iterable[str], data: Iterable[str]) -> bool:
    """Return True if a path is one of the files that count, or lies in declared data. All paths are absolute."""
    own = os.path.realpath(path)
    return own in map(os.path.realpath, files) or any(Path(own).is_relative_to(os.path.realpath(each)) for each in data)

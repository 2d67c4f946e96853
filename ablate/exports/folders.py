"""Folders of exported files: made whole next to their place, then moved there."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import AblateError
from ablate.exports.writing import write_fault
from ablate.filesystem import exists


@dataclass(frozen=True)
class ExportFolder:
    """A folder that holds one study, below a folder that may hold others."""

    name: str
    files: Mapping[str, bytes]
    """{path below the folder: content}."""


def write_folder(root: Path, folder: ExportFolder, force: bool) -> Path:
    """Write a folder below `root` and return its path. With `force`, it takes the place of one that is there.

    Other files below `root` stay as they are. AblateError if the folder is there, or if it cannot be written.
    """
    path = root / folder.name
    if exists(path) and not force:
        raise AblateError(
            f"{path}: is there already, with an earlier export of this study; --force replaces it, and --output writes "
            "to another path"
        )
    part = root / f".{folder.name}.{os.getpid()}.part"
    try:
        _write(part, folder)
        if exists(path):
            shutil.rmtree(path)
        part.rename(path)
    except OSError as error:
        raise write_fault(root, error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return path


def _write(folder: Path, content: ExportFolder) -> None:
    folder.mkdir(parents=True)
    made = {folder}
    for name, data in content.files.items():
        file = folder / name
        if file.parent not in made:
            file.parent.mkdir(parents=True, exist_ok=True)
            made.add(file.parent)
        file.write_bytes(data)

"""Writing exported files: whole or not at all, and never over a file that is there unless that is requested."""

import os
from pathlib import Path

from ablate.errors import AblateError
from ablate.filesystem import exists, is_folder, path_fault


def check_free(path: Path, force: bool) -> None:
    """Raise AblateError if a file cannot be written to a path because something is there."""
    if is_folder(path):
        raise AblateError(f"--output {path}: is a folder; give the path of a file in it")
    if exists(path) and not force:
        raise AblateError(f"{path}: is there already; --force replaces it, and --output writes to another path")


def write_file(path: Path, content: bytes) -> None:
    """Write a file and the folders above it. A file that was there is replaced at once. AblateError if it fails."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise write_fault(path, error) from None


def write_fault(path: Path, error: OSError | ValueError) -> AblateError:
    """Return the error for a path that cannot be written."""
    reason = path_fault(str(path)) or getattr(error, "strerror", None) or error
    return AblateError(f"--output {path}: cannot be written: {reason}")

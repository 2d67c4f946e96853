"""The hashes of the files that a config names, such as initial weights and detections."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel

from ablate.errors import DataError
from ablate.filesystem import file_hash as hash_of
from ablate.trainers.entry import InputFile


def with_hashes(config: BaseModel, files: Sequence[InputFile]) -> BaseModel:
    """Return the config with the hashes of its files, by which the trainer notices if a file is replaced.

    Raise DataError if a file cannot be read, or if the config gives another hash than the file has.
    """
    for file in files:
        section = getattr(config, file.section)
        digest, declared = file_hash(file), getattr(section, f"{file.field}_sha256")
        if declared not in (None, digest):
            raise DataError(f"{file.key}: {file.path} has the SHA-256 {digest}, and {file.key}_sha256 is {declared}")
        if declared is None:
            section = section.model_copy(update={f"{file.field}_sha256": digest})
            config = config.model_copy(update={file.section: section})
    return config


def file_hash(file: InputFile) -> str:
    """Return the SHA-256 (hex) of the file's bytes. Raise DataError if it cannot be read."""
    try:
        status = Path(file.path).stat()
        return _hash_of_version(file.path, status.st_ino, status.st_size, status.st_mtime_ns)
    except (OSError, ValueError) as fault:  # ValueError: a path with a NUL
        reason = getattr(fault, "strerror", None) or fault
        raise DataError(f"{file.key}: {file.path} cannot be read ({reason}); {file.remedy}") from None


@lru_cache
def _hash_of_version(path: str, inode: int, size: int, modified: int) -> str:
    """Return the SHA-256 (hex) of a file, computed once for each version of it that this process sees."""
    return hash_of(Path(path))

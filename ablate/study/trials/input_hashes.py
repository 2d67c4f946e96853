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


@lru_cache
def file_hash(file: InputFile) -> str:
    """Return the SHA-256 (hex) of the file's bytes. Raise DataError if it cannot be read."""
    try:
        return hash_of(Path(file.path))
    except OSError as fault:
        raise DataError(f"{file.key}: {file.path} cannot be read ({fault.strerror}); {file.remedy}") from None

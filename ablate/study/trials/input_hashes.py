"""What a config names and does not hold: the content of a data set, of weights and of detections, by their hashes."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from ablate.errors import DataError
from ablate.retrieval import data
from ablate.trainers.registry import NO_FILE, RetrievalConfig


def fingerprint(config: BaseModel) -> str | None:
    """The hash of the data set's content, for trainers that have one."""
    return _data_fingerprint(config.data.name, config.data.root) if isinstance(config, RetrievalConfig) else None


@lru_cache
def _data_fingerprint(name: str, root: str | None) -> str:
    return data.fingerprint(name, root)


class InputFile(NamedTuple):
    """A file that a config names in one field; another, `field_sha256`, has its hash."""

    section: str
    field: str
    path: str

    @property
    def key(self) -> str:
        return f"{self.section}.{self.field}"


REMEDY = {
    "model.pretrained": "give the path of a state dict saved by torch.save, or imagenet, or none",
    "evaluate.detections": "give the path of a JSON file of detected boxes, or null",
}


def files(config: BaseModel) -> list[InputFile]:
    """The files that a config names: of initial weights, of detections."""
    if not isinstance(config, RetrievalConfig):
        return []
    weights, detections = config.model.pretrained, config.evaluate.detections
    return [
        *([InputFile("model", "pretrained", weights)] if weights not in NO_FILE else []),
        *([InputFile("evaluate", "detections", detections)] if detections is not None else []),
    ]


def with_hashes(config: BaseModel) -> BaseModel:
    """The config with the hashes of its files, by which the trainer knows that nobody replaced them meanwhile."""
    for file in files(config):
        section = getattr(config, file.section)
        found, asked = file_hash(file), getattr(section, f"{file.field}_sha256")
        if asked not in (None, found):
            raise DataError(f"{file.key}: {file.path} has the SHA-256 {found}, and {file.key}_sha256 is {asked}")
        if asked is None:
            section = section.model_copy(update={f"{file.field}_sha256": found})
            config = config.model_copy(update={file.section: section})
    return config


@lru_cache
def file_hash(file: InputFile) -> str:
    """SHA-256 (hex) of a file's bytes; DataError if it cannot be read."""
    try:
        with Path(file.path).open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as fault:
        remedy = REMEDY[file.key]
        raise DataError(f"{file.key}: {file.path} cannot be read ({fault.strerror}); {remedy}") from None

"""What a config names and does not hold: the content of a data set and of weights, by their hashes."""

import hashlib
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel

from ablate import data
from ablate.errors import DataError
from ablate.train.config import NO_FILE, RetrievalConfig


def fingerprint(config: BaseModel) -> str | None:
    """The hash of the data set's content, for trainers that have one."""
    return _data_fingerprint(config.data.name, config.data.root) if isinstance(config, RetrievalConfig) else None


@lru_cache
def _data_fingerprint(name: str, root: str | None) -> str:
    return data.fingerprint(name, root)


def with_weights_hash(config: BaseModel) -> BaseModel:
    """The config with the hash of its weights' file, by which the trainer knows that nobody replaced it meanwhile."""
    path = weights_file(config)
    if path is None or not isinstance(config, RetrievalConfig):
        return config
    found, asked = file_hash(path), config.model.pretrained_sha256
    if asked == found:
        return config
    if asked is not None:
        raise DataError(f"model.pretrained: {path} has the SHA-256 {found}, and model.pretrained_sha256 is {asked}")
    model = config.model.model_copy(update={"pretrained_sha256": found})
    return config.model_copy(update={"model": model})


def weights_file(config: BaseModel) -> str | None:
    """The file that initial weights are read from, if any."""
    pretrained = config.model.pretrained if isinstance(config, RetrievalConfig) else "none"
    return None if pretrained in NO_FILE else pretrained


@lru_cache
def file_hash(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        remedy = "give the path of a state dict saved by torch.save, or imagenet, or none"
        raise DataError(f"model.pretrained: {path} cannot be read ({fault.strerror}); {remedy}") from None

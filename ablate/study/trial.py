"""A trial: one row with one seed, and its identity.

The identity is a hash of the fully resolved config, defaults included: a hash of differences from the
defaults would let a changed default reuse stale results.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from ablate import data
from ablate.errors import DataError, StudyError
from ablate.study.code import code_hashes
from ablate.study.faults import Faults
from ablate.study.settings import Config
from ablate.study.source import Node, Place
from ablate.study.study import Study
from ablate.train.config import NO_FILE, TRAINERS, OutsideIdentity, RetrievalConfig

ROW, REFERENCE = "row", "reference"


@dataclass(frozen=True)
class Identity:
    """What decides a training's result; `config` leaves out `evaluate` and what cannot change a result."""

    trainer: str
    config: Config
    seed: int
    data: str | None
    code: Mapping[str, str]

    @property
    def key(self) -> str:
        return digest(vars(self))


@dataclass(frozen=True)
class Trial:
    """One row with one seed. Trials of one training key share one training."""

    label: str
    kind: str
    seed: int
    config: Config
    evaluate: Config
    training: Identity
    training_key: str
    key: str


def trials(study: Study) -> list[Trial]:
    """Every trial of a study, row by row, seed by seed; StudyError for rows whose config is not valid."""
    wanted = [(row.label, ROW, study.row_config(row)) for row in study.rows]
    wanted += [(ref.label, REFERENCE, study.reference_config(ref)) for ref in study.references]
    faults: list[str] = []
    found: list[Trial] = []
    for label, kind, raw in wanted:
        try:
            config = TRAINERS[study.trainer].config.model_validate(raw)
        except ValidationError as error:
            faults += _config_faults(label, error, TRAINERS[study.trainer].config)
            continue
        found += [_trial(study, label, kind, config, seed) for seed in study.seeds]
    if faults:
        raise StudyError(faults)
    return found


def digest(value: Any) -> str:
    """80 bits of the SHA-256 of a value's canonical JSON, in hex."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _trial(study: Study, label: str, kind: str, config: BaseModel, seed: int) -> Trial:
    config = _with_weights_hash(config)
    resolved = config.model_dump(mode="json")
    identifying = _identifying(config, {key for factor in study.factors for key in factor.sets})
    if _weights_file(config):
        identifying["model"]["pretrained"] = "file"  # which one, the hash says
    evaluate = identifying.pop("evaluate", {})
    training = Identity(study.trainer, identifying, seed, _fingerprint(config), code_hashes(study.trainer))
    key = training.key
    return Trial(label, kind, seed, resolved, evaluate, training, key, digest([key, evaluate]))


def _identifying(config: BaseModel, varied: set[str], prefix: str = "") -> Config:
    """The config without the fields that are marked as outside the identity, unless a factor varies them."""
    kept: Config = {}
    for name, field in type(config).model_fields.items():
        if OutsideIdentity in field.metadata and prefix + name not in varied:
            continue
        value = getattr(config, name)
        inner = isinstance(value, BaseModel)
        kept[name] = _identifying(value, varied, f"{prefix}{name}.") if inner else _dumped(config, name)
    return kept


def _dumped(config: BaseModel, name: str) -> Any:
    return config.model_dump(mode="json", include={name})[name]


def _fingerprint(config: BaseModel) -> str | None:
    """The hash of the data set's content, for trainers that have one."""
    return _data_fingerprint(config.data.name, config.data.root) if isinstance(config, RetrievalConfig) else None


@lru_cache
def _data_fingerprint(name: str, root: str | None) -> str:
    return data.fingerprint(name, root)


def _with_weights_hash(config: BaseModel) -> BaseModel:
    """The config with the hash of its weights' file, by which the trainer knows that nobody replaced it meanwhile."""
    path = _weights_file(config)
    if path is None or not isinstance(config, RetrievalConfig):
        return config
    found, asked = _file_hash(path), config.model.pretrained_sha256
    if asked not in (None, found):
        raise DataError(f"model.pretrained: {path} has the SHA-256 {found}, and model.pretrained_sha256 is {asked}")
    model = config.model.model_copy(update={"pretrained_sha256": found})
    return config.model_copy(update={"model": model})


def _weights_file(config: BaseModel) -> str | None:
    """The file that initial weights are read from, if any."""
    pretrained = config.model.pretrained if isinstance(config, RetrievalConfig) else "none"
    return None if pretrained in NO_FILE else pretrained


@lru_cache
def _file_hash(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        remedy = "give the path of a state dict saved by torch.save, or imagenet, or none"
        raise DataError(f"model.pretrained: {path} cannot be read ({fault.strerror}); {remedy}") from None


def _config_faults(label: str, error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Values that are fine one by one, and not together in this row."""
    collected = Faults(Node({}, Place(f"row {label!r}")))
    collected.invalid(error, model)
    try:
        collected.check()
    except StudyError as found:
        return found.faults
    return []

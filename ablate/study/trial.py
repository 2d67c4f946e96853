"""A trial: one row with one seed, and its identity.

The identity is a hash of the fully resolved config, defaults included: a hash of differences from the
defaults would let a changed default reuse stale results.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from pydantic import BaseModel, ValidationError

from ablate.study.code import code_hashes
from ablate.study.content import fingerprint
from ablate.study.parts import Parts, Resolver
from ablate.study.row_faults import RowFaults
from ablate.study.settings import Config, canonical, value_at
from ablate.study.study import Study
from ablate.train.config import TRAINERS

ROW, REFERENCE = "row", "reference"
DIGITS = 20


@dataclass(frozen=True, slots=True)
class Identity:
    """What decides a training's result; `config` leaves out `evaluate` and what cannot change a result."""

    trainer: str
    config: Config
    seed: int
    data: str | None
    code: Mapping[str, str]

    @property
    def key(self) -> str:
        return digest({field.name: getattr(self, field.name) for field in fields(self)})


@dataclass(frozen=True, slots=True)
class Trial:
    """One row with one seed. Trials of one training key share one training.

    `declared` is the digest of what the study file says of it: of its trainer, preset, config as written, and seed,
    and not of defaults, data or code. `shape` is that of the values on which the time depends that it takes.
    """

    label: str
    kind: str
    seed: int
    config: Config
    evaluate: Config
    training: Identity
    training_key: str
    key: str
    declared: str = ""
    shape: str | None = None


def trials(study: Study) -> list[Trial]:
    """Every trial of a study, row by row, seed by seed; StudyError for rows whose config is not valid."""
    resolver, maker = Resolver(study), _Maker(study)
    faults = RowFaults(resolver.model)
    found: list[Trial] = []
    for row in study.rows:
        try:
            config, parts = resolver.row(row.levels)
        except ValidationError as error:
            faults.add(row.label, error)
        else:
            found += maker.trials(row.label, ROW, config, parts)
    for reference in study.references:
        try:
            config, parts = resolver.reference(reference)
        except ValidationError as error:
            faults.add(reference.label, error)
        else:
            found += maker.trials(reference.label, REFERENCE, config, parts)
    faults.check()
    return found


def digest(value: Any) -> str:
    """80 bits of the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:DIGITS]


class _Maker:
    """Makes the trials of one study's rows. The keys are digests of JSON that is joined from that of the parts."""

    def __init__(self, study: Study) -> None:
        self.trainer, self.seeds, self.code = study.trainer, study.seeds, code_hashes(study.trainer)
        self.names = sorted(TRAINERS[study.trainer].config.model_fields)
        self.preset = canonical(study.preset)
        self.shape = TRAINERS[study.trainer].shape
        self.shapes: dict[tuple[int, ...], str] = {}

    def trials(self, label: str, kind: str, config: BaseModel, parts: Parts) -> Iterator[Trial]:
        resolved = {name: part.dumped for name, part in parts.items()}
        identifying = {name: part.kept for name, part in parts.items() if part.text is not None}
        evaluate = identifying.pop("evaluate", {})
        data, shape = fingerprint(config), self._shape(resolved, parts)
        trained, declared = self._hashed(parts, data), self._declared(parts)
        for seed in self.seeds:
            rest = f'{seed},"trainer":{canonical(self.trainer)}}}'
            training = Identity(self.trainer, identifying, seed, data, self.code)
            key = _ended(trained, rest)
            named = (key, digest([key, evaluate]), _ended(declared, rest), shape)
            yield Trial(label, kind, seed, resolved, evaluate, training, *named)

    def _hashed(self, parts: Parts, data: str | None) -> "hashlib._Hash":
        """The digest of an Identity, up to its seed."""
        texts = [parts[name].text for name in self.names if name != "evaluate"]
        config = ",".join([text for text in texts if text is not None])
        text = f'{{"code":{canonical(self.code)},"config":{{{config}}},"data":{canonical(data)},"seed":'
        return hashlib.sha256(text.encode())

    def _declared(self, parts: Parts) -> "hashlib._Hash":
        """The digest of what the file says, up to the seed."""
        texts = [parts[name].declared for name in self.names]
        config = ",".join([text for text in texts if text is not None])
        return hashlib.sha256(f'{{"config":{{{config}}},"preset":{self.preset},"seed":'.encode())

    def _shape(self, resolved: Config, parts: Parts) -> str:
        at = tuple(parts[key.partition(".")[0]].number for key in self.shape)
        if at not in self.shapes:
            values = {key: value_at(resolved, key) for key in self.shape}
            self.shapes[at] = digest({"trainer": self.trainer, "values": values})
        return self.shapes[at]


def _ended(begun: "hashlib._Hash", rest: str) -> str:
    whole = begun.copy()
    whole.update(rest.encode())
    return whole.hexdigest()[:DIGITS]

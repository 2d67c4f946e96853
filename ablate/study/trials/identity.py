"""A trial: one row with one seed, and its identity.

The identity is a hash of the fully resolved config, defaults included: a hash of differences from the
defaults would let a changed default reuse stale results.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic import BaseModel, ValidationError

from ablate.study.config_keys import Config, canonical, value_at
from ablate.study.model import Study
from ablate.study.trials.code_hash import code_hashes
from ablate.study.trials.config_resolver import ConfigPart, ConfigResolver, Parts
from ablate.study.trials.row_faults import RowProblems
from ablate.trainers.registry import TRAINERS

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
    resolver, maker = ConfigResolver(study), TrialHasher(study)
    faults = RowProblems(resolver.model)
    found: list[Trial] = []
    for row in study.rows:
        try:
            config, parts = resolver.row(row.levels)
        except ValidationError as error:
            faults.add(row.label, error)
        else:
            found += maker.trials(row.label, ROW, config, parts, study.seeds)
    for reference in study.references:
        try:
            config, parts = resolver.reference(reference)
        except ValidationError as error:
            faults.add(reference.label, error)
        else:
            found += maker.trials(reference.label, REFERENCE, config, parts, study.seeds)
    faults.check()
    return found


def digest(value: Any) -> str:
    """80 bits of the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:DIGITS]


class TrialHasher:
    """Makes the trials of one study's rows, whose parts are of one Resolver.

    The keys are digests of JSON that is joined from that of the parts.
    """

    def __init__(self, study: Study) -> None:
        self.trainer, self.code = study.trainer, code_hashes(study.trainer)
        self.entry = TRAINERS[study.trainer]
        names = sorted(self.entry.config.model_fields)
        self.quoted = {name: canonical(name) for name in names}
        self.trained = hashlib.sha256(f'{{"code":{canonical(self.code)},"config":{{'.encode())
        self.declared = hashlib.sha256(b'{"config":{')
        self.preset = canonical(study.preset)
        self.last = canonical(self.trainer)
        self.shapes = _Shapes(self.trainer)

    def trials(self, label: str, kind: str, config: BaseModel, parts: Parts, seeds: Sequence[int]) -> Iterator[Trial]:
        resolved = {name: part.dumped for name, part in parts.items()}
        identifying = {name: part.kept for name, part in parts.items() if part.text is not None}
        evaluate = identifying.pop("evaluate", {})
        evaluated = parts["evaluate"].text if "evaluate" in parts else "{}"
        data, shape = self.entry.data_fingerprint(config), self.shapes.of(parts)
        trained, declared = self._trained(parts, data), self._declared(parts)
        for seed in seeds:
            end = f',"seed":{seed},"trainer":{self.last}}}'.encode()
            key = _ended(trained, end)
            training = Identity(self.trainer, identifying, seed, data, self.code)
            trial_key = hashlib.sha256(f'["{key}",{evaluated}]'.encode()).hexdigest()[:DIGITS]
            yield Trial(label, kind, seed, resolved, evaluate, training, key, trial_key, _ended(declared, end), shape)

    def _trained(self, parts: Parts, data: str | None) -> "hashlib._Hash":
        """The digest of an Identity, up to its seed."""
        texts = [f"{quoted}:{parts[name].text}" for name, quoted in self.quoted.items() if _counts(parts, name)]
        begun = self.trained.copy()
        begun.update(f'{",".join(texts)}}},"data":{"null" if data is None else canonical(data)}'.encode())
        return begun

    def _declared(self, parts: Parts) -> "hashlib._Hash":
        """The digest of what the file says, up to the seed."""
        found = [(quoted, parts[name].declared) for name, quoted in self.quoted.items()]
        texts = [f"{quoted}:{text}" for quoted, text in found if text is not None]
        begun = self.declared.copy()
        begun.update(f'{",".join(texts)}}},"preset":{self.preset}'.encode())
        return begun


class _Shapes:
    """The digests of what the time of a trainer's trials depends on, each made once."""

    def __init__(self, trainer: str) -> None:
        self.trainer = trainer
        self.keys: dict[str, list[str]] = {}
        for key in TRAINERS[trainer].shape:
            self.keys.setdefault(key.partition(".")[0], []).append(key)
        self.values: dict[int, str] = {}
        self.digests: dict[tuple[str, ...], str] = {}

    def of(self, parts: Parts) -> str:
        values = tuple([self._values(name, keys, parts[name]) for name, keys in self.keys.items()])
        if values not in self.digests:
            self.digests[values] = digest([self.trainer, *values])
        return self.digests[values]

    def _values(self, name: str, keys: Sequence[str], part: ConfigPart) -> str:
        if part.number not in self.values:
            config = {name: part.dumped}
            self.values[part.number] = canonical({key: value_at(config, key) for key in keys})
        return self.values[part.number]


def _counts(parts: Parts, name: str) -> bool:
    return name != "evaluate" and parts[name].text is not None


def _ended(begun: "hashlib._Hash", rest: bytes) -> str:
    whole = begun.copy()
    whole.update(rest)
    return whole.hexdigest()[:DIGITS]

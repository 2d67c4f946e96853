"""Trials, each one row with one seed, and their identities.

An identity is a hash of the fully resolved config, defaults included. A hash of the differences from the defaults
would reuse stale results after a default changed. What nothing reads is left out: such a key has its default there.
"""

import hashlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from pydantic import BaseModel, ValidationError

from ablate.errors import DataError, UnpreparedDataError
from ablate.study.config_keys import Config, canonical, value_at
from ablate.study.model import Study
from ablate.study.trials.code_hash import code_hashes
from ablate.study.trials.config_resolver import ConfigPart, ConfigResolver, Parts
from ablate.study.trials.effective_config import EffectiveConfigs, EffectiveParts
from ablate.study.trials.local_paths import PathFinder
from ablate.study.trials.row_faults import RowProblems
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.unread import Unread

ROW, REFERENCE = "row", "reference"
METRICS = "metrics"
"""The key of the sources of metrics in `Trial.evaluate`."""
DIGITS = 20
"""The number of hex digits of a digest."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything that decides the result of a training."""

    trainer: str
    config: Config
    """The resolved config without `evaluate` and without fields that cannot change a result. A key that nothing reads
    has its default."""
    seed: int
    data: str | None
    """The fingerprint of the data set; None if the trainer has none."""
    code: Mapping[str, str]
    """{code file in the package: hash}."""

    @property
    def key(self) -> str:
        """The training key: the digest of all fields."""
        return digest({each.name: getattr(self, each.name) for each in fields(self)})


@dataclass(frozen=True, slots=True)
class Trial:
    """One row with one seed."""

    label: str
    """The label of the row."""
    kind: str
    """ROW or REFERENCE."""
    seed: int
    config: Config
    """The whole resolved config."""
    evaluate: Config
    """The config section `evaluate`, for the identity: a key that nothing reads has its default."""
    training: Identity
    training_key: str
    """The key of `training`. Trials of the same key share one training."""
    key: str
    """The trial's key: the digest of the training key and `evaluate`."""
    declared: str = ""
    """The digest of the declaration in the study file: trainer, preset, config as written, and seed.

    Defaults, data and code are not part of it, so that an earlier result is found after one of them changed.
    """
    shape: str | None = None
    """The digest of the values on which the duration of the training depends."""
    unprepared: str | None = None
    """Why the content of the data is not known yet, and what prepares them; None if it is known.

    Until then the keys are those of no stored trial.
    """
    unread: Unread = field(default_factory=dict)
    """{dotted config key: why nothing reads it}."""
    entry: TrainerEntry[Any] | None = field(default=None, repr=False)
    """The trainer; None of a trial that was read from a store."""


def trials(study: Study, allow_unprepared: bool = False) -> list[Trial]:
    """Return every trial of a study, row by row, seed by seed; StudyError for rows whose config is not valid.

    With `allow_unprepared`, the data need not be prepared: see `Trial.unprepared`.
    """
    resolver, hasher = ConfigResolver(study), TrialHasher(study, allow_unprepared)
    problems = RowProblems(resolver.model)
    every: list[Trial] = []
    for row in study.rows:
        try:
            config, parts = resolver.row(row.levels)
        except ValidationError as error:
            problems.add(row.label, error)
        else:
            every += hasher.trials(row.label, ROW, config, parts, study.seeds)
    for reference in study.references:
        try:
            config, parts = resolver.reference(reference)
        except ValidationError as error:
            problems.add(reference.label, error)
        else:
            every += hasher.trials(reference.label, REFERENCE, config, parts, study.seeds)
    problems.check()
    return every


def digest(value: Any) -> str:
    """Return 80 bits of the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:DIGITS]


class TrialHasher:
    """Makes the trials of one study's rows from the parts that one ConfigResolver returns.

    A key is the digest of canonical JSON. That JSON is joined from the JSON of the parts, which is written once for
    many rows. A training key is the digest of {"code": ..., "config": ..., "data": ..., "seed": ..., "trainer": ...},
    as in `Identity.key`. A declaration is the digest of {"config": ..., "preset": ..., "seed": ..., "trainer": ...}.
    The names stand in sorted order. A digest is continued from a copy of the one of the text before, which rows share.
    """

    def __init__(self, study: Study, allow_unprepared: bool = False) -> None:
        self.allow_unprepared = allow_unprepared
        self.trainer, self.entry = study.trainer, study.entry
        own_code = self.entry.own_code()
        self.code = code_hashes(study.trainer) if own_code is None else dict(own_code)
        self.names_in_json = {name: canonical(name) for name in sorted(self.entry.config.model_fields)}
        self.training_start = hashlib.sha256(f'{{"code":{canonical(self.code)},"config":{{'.encode())
        self.declaration_start = hashlib.sha256(b'{"config":{')
        self.preset_in_json = canonical(study.preset)
        self.trainer_in_json = canonical(self.trainer)
        is_own = study.declared_trainer is not None  # scripts of other studies may have the same config
        self.declarer_in_json = canonical([study.name, self.entry.title]) if is_own else self.trainer_in_json
        self.shapes = _Shapes(self.trainer, self.entry)
        self.finder = PathFinder(study)
        name_key = self.entry.data_name_key
        self.data_section = name_key.partition(".")[0] if name_key else None
        self.fingerprints: dict[Hashable, tuple[str | None, str | None]] = {}
        varied = {key for factor in study.factors for key in factor.sets}
        searched = study.search.dimensions if study.search else ()
        varied |= {key for dimension in searched for key in dimension.keys}
        self.effective = EffectiveConfigs(self.entry, varied)

    def trials(self, label: str, kind: str, config: BaseModel, parts: Parts, seeds: Sequence[int]) -> Iterator[Trial]:
        """Yield the trials of one row, a trial for each seed."""
        resolved = {name: part.dumped for name, part in parts.items()}
        effective = self.effective.of(parts)
        identifying = dict(effective.identifying)
        evaluate, evaluate_in_json = self._evaluate(identifying, effective)
        (data, unprepared), shape = self._data(config), self.shapes.of(parts)
        training, declaration = self._training(effective, data), self._declaration(parts)
        for seed in seeds:
            end = f',"seed":{seed},"trainer":{self.trainer_in_json}}}'.encode()
            declared_end = f',"seed":{seed},"trainer":{self.declarer_in_json}}}'.encode()
            training_key = _finished(training, end)
            yield Trial(
                label=label,
                kind=kind,
                seed=seed,
                config=resolved,
                evaluate=evaluate,
                training=Identity(self.trainer, identifying, seed, data, self.code),
                training_key=training_key,
                key=hashlib.sha256(f'["{training_key}",{evaluate_in_json}]'.encode()).hexdigest()[:DIGITS],
                declared=_finished(declaration, declared_end),
                shape=shape,
                unprepared=unprepared,
                unread=effective.unread,
                entry=self.entry,
            )

    def _evaluate(self, identifying: Config, effective: EffectiveParts) -> tuple[Config, str]:
        """Return the part of an identity that only the evaluation reads, plain and as canonical JSON.

        It is taken out of `identifying`. The sources of declared metrics belong to it.
        """
        is_apart = self.entry.evaluates_apart
        evaluate = identifying.pop("evaluate", {}) if is_apart else {}
        if self.entry.sources:
            evaluate = {**evaluate, METRICS: self.entry.sources}
            return evaluate, canonical(evaluate)
        return evaluate, effective.texts.get("evaluate", "{}") if is_apart else "{}"

    def _data(self, config: BaseModel) -> tuple[str | None, str | None]:
        """Return the fingerprint of the data, and why it stands for an unknown one; None if it does not.

        All rows of a study ask for the same few.
        """
        section = getattr(config, self.data_section) if self.data_section else None
        if section not in self.fingerprints:
            self.fingerprints[section] = self._fingerprint(config)
        return self.fingerprints[section]

    def _fingerprint(self, config: BaseModel) -> tuple[str | None, str | None]:
        try:
            return self.entry.data_fingerprint(config), None
        except UnpreparedDataError as error:
            if not self.allow_unprepared:
                raise
            return str(error), str(error)
        except DataError as error:
            raise DataError("\n".join([*self.finder.missing(config), str(error)])) from None

    def _training(self, effective: EffectiveParts, data: str | None) -> "hashlib._Hash":
        """Return the hash of an Identity's JSON, up to its seed."""
        of_training = [key for key in self.names_in_json if key in effective.texts]
        of_training = [key for key in of_training if key != "evaluate" or not self.entry.evaluates_apart]
        texts = [f"{self.names_in_json[key]}:{effective.texts[key]}" for key in of_training]
        started = self.training_start.copy()
        started.update(f'{",".join(texts)}}},"data":{"null" if data is None else canonical(data)}'.encode())
        return started

    def _declaration(self, parts: Parts) -> "hashlib._Hash":
        """Return the hash of a declaration's JSON, up to the seed."""
        declared = [(name, parts[key].declared) for key, name in self.names_in_json.items()]
        texts = [f"{name}:{text}" for name, text in declared if text is not None]
        started = self.declaration_start.copy()
        started.update(f'{",".join(texts)}}},"preset":{self.preset_in_json}'.encode())
        return started


class _Shapes:
    """The digests of the values on which a training's duration depends. Each is computed once."""

    def __init__(self, trainer: str, entry: TrainerEntry[Any]) -> None:
        self.trainer = f"{trainer} {entry.title}" if entry.title else trainer
        self.keys: dict[str, list[str]] = {}
        for key in entry.shape:
            self.keys.setdefault(key.partition(".")[0], []).append(key)
        self.values: dict[int, str] = {}
        self.digests: dict[tuple[str, ...], str] = {}

    def of(self, parts: Parts) -> str:
        """Return the shape of a row with these parts."""
        values = tuple([self._values(name, keys, parts[name]) for name, keys in self.keys.items()])
        if values not in self.digests:
            self.digests[values] = digest([self.trainer, *values])
        return self.digests[values]

    def _values(self, name: str, keys: Sequence[str], part: ConfigPart) -> str:
        if part.number not in self.values:
            config = {name: part.dumped}
            self.values[part.number] = canonical({key: value_at(config, key) for key in keys})
        return self.values[part.number]


def _finished(started: "hashlib._Hash", rest: bytes) -> str:
    """Return the digest of the started text followed by `rest`."""
    whole = started.copy()
    whole.update(rest)
    return whole.hexdigest()[:DIGITS]

"""The resolved configs of a study's rows, put together from parts that rows share.

A part is one top-level value of a config, most often a section. A factor sets keys of few of them, so that a part is
validated, dumped and written as JSON once for all rows in which the same levels set it.
"""

import math
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from itertools import chain, count
from math import prod
from typing import Any

from pydantic import BaseModel

from ablate.study.config_keys import assigned, canonical, overlaps
from ablate.study.factors import Level
from ablate.study.model import ReferenceRow, Study
from ablate.study.reading.problems import models_in
from ablate.study.trials.input_hashes import with_hashes
from ablate.trainers.config import OutsideIdentity
from ablate.trainers.registry import TRAINERS

MOST_KEPT = 5_000
"""Parts of one name that are worth keeping: where more are possible, hardly any two rows share one."""

_NOTHING: Any = object()
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True, eq=False)
class ConfigPart:
    """`given` is what a whole config is validated with; `kept` is `dumped` without what is outside the identity.

    `text` is the canonical JSON of `kept`, None if nothing is kept; `declared` that of what the file says, None if it
    says nothing. `number` is no other part's.
    """

    number: int
    given: Any
    dumped: Any
    kept: Any
    text: str | None
    declared: str | None


Parts = Mapping[str, ConfigPart]
"""The parts of one config, by name."""


class ConfigResolver:
    """Resolves the rows of one study; pydantic's ValidationError for one whose config is not valid."""

    def __init__(self, study: Study, endless: Set[str] = frozenset()) -> None:
        """`endless`: factors that rows may have at other levels than theirs; nothing is kept of what those set."""
        self.study, self.entry = study, TRAINERS[study.trainer]
        self.model = self.entry.config
        self.varied = {key for factor in study.factors for key in factor.sets}
        names = dict.fromkeys((*self.model.model_fields, *study.config))
        setters = {name: _Setter(study, name, endless) for name in names}
        self.setters = {name: setter for name, setter in setters.items() if setter.factors}
        self.fixed = [name for name in names if name not in self.setters]
        self.outside = {name for name in self.model.model_fields if self._is_outside(self.model, name, name)}
        self.numbers = count()
        self.parts: dict[str, Any] = dict.fromkeys(self.model.model_fields)  # those of the fixed names, once known
        self.is_first = True
        self.values = {name: study.config[name] for name in self.fixed if name in study.config}
        self.known: dict[Hashable, ConfigPart] = {}

    def row(self, levels: Mapping[str, Level]) -> tuple[BaseModel, Parts]:
        """The config of a row, and its parts."""
        parts, values = self.parts.copy(), self.values.copy()
        spots: dict[str, Hashable] = {}
        of_row = [levels[factor.name] for factor in self.study.factors]
        for name, setter in self.setters.items():
            spot = setter.spot(of_row)
            part = self.known.get(spot)
            if part is None:
                values[name], spots[name] = setter.given(of_row), spot
            else:
                parts[name], values[name] = part, part.given
        config = self._validated(values)
        for name, spot in spots.items():
            written = self.setters[name].declared(values[name], of_row)
            part = parts[name] = self._part(config, name, values[name], written)
            if spot is not None:
                self.known[spot] = part
        if self.is_first:
            self._fix(config)
            parts = {name: part or self.parts[name] for name, part in parts.items()}
        return config, parts

    def reference(self, reference: ReferenceRow) -> tuple[BaseModel, Parts]:
        """The config of a reference, and its parts."""
        values = self.study.reference_config(reference)
        baseline = [zip(factor.sets, factor.baseline.values, strict=True) for factor in self.study.factors]
        written = assigned(self.study.written, [*chain(*baseline), *reference.settings.items()])
        config = self._validated(values)
        return config, {
            name: self._part(config, name, values.get(name, _NOTHING), written.get(name, _NOTHING))
            for name in self.model.model_fields
        }

    def _validated(self, values: Mapping[str, Any]) -> BaseModel:
        """Return the config with the hashes of the files that it names."""
        config = self.model.model_validate(values)
        return with_hashes(config, self.entry.input_files(config))

    def _fix(self, config: BaseModel) -> None:
        """Takes the parts that all rows share from the config of the first."""
        self.is_first = False
        for name in self.fixed:
            given = self.values.get(name, _NOTHING)
            part = self.parts[name] = self._part(config, name, given, self.study.written.get(name, _NOTHING))
            if part.given is not _NOTHING:
                self.values[name] = part.given

    def _part(self, config: BaseModel, name: str, given: Any, written: Any) -> ConfigPart:
        value = getattr(config, name)
        dumped = _dumped(config, name, value)
        kept = _NOTHING if name in self.outside else self._kept(value, dumped, f"{name}.")
        if inside := [file.field for file in self.entry.input_files(config) if file.section == name]:
            kept = {**kept, **dict.fromkeys(inside, "file")}  # which one, its hash says
        return ConfigPart(
            next(self.numbers),
            value if _is_validated(value) else given,
            dumped,
            kept,
            None if kept is _NOTHING else canonical(kept),
            None
            if kept is _NOTHING or (said := self._said(value, written, f"{name}.")) is _NOTHING
            else _declared(said),
        )

    def _said(self, value: Any, written: Any, prefix: str) -> Any:
        """What is written without what is outside the identity: to say that changes no trial, so no declaration."""
        if not isinstance(value, BaseModel) or not isinstance(written, dict) or not _has_marks(type(value)):
            return written
        fields = type(value).model_fields
        said = {
            name: self._said(getattr(value, name, None), inner, f"{prefix}{name}.")
            for name, inner in written.items()
            if name not in fields or not self._is_outside(type(value), name, prefix + name)
        }
        return said or _NOTHING

    def _kept(self, value: Any, dumped: Any, prefix: str) -> Any:
        """What is left of a dumped value without the fields that are marked as outside the identity."""
        if not isinstance(value, BaseModel) or not _has_marks(type(value)):
            return dumped
        kept = {
            name: self._kept(getattr(value, name), dumped[name], f"{prefix}{name}.")
            for name in type(value).model_fields
            if not self._is_outside(type(value), name, prefix + name)
        }
        return dumped if kept == dumped else kept

    def _is_outside(self, model: type[BaseModel], name: str, key: str) -> bool:
        """Whether a field is outside the identity; what a factor varies never is."""
        marked = OutsideIdentity in model.model_fields[name].metadata
        return marked and not any(overlaps(key, varied) for varied in self.varied)


class _Setter:
    """What factors put under one top-level name of the config."""

    def __init__(self, study: Study, name: str, endless: Set[str]) -> None:
        self.name = name
        self.config, self.written = _only(name, study.config), _only(name, study.written)
        self.is_all_written = _declared(self.config) == _declared(self.written)
        self.keys = [
            (key, number, index)
            for number, factor in enumerate(study.factors)
            for index, key in enumerate(factor.sets)
            if key.partition(".")[0] == name
        ]
        self.factors = sorted({number for _, number, _ in self.keys})
        factors = [study.factors[number] for number in self.factors]
        is_endless = any(factor.name in endless for factor in factors)  # a level that is gone can share its id
        self.shared = not is_endless and prod(len(factor.levels) for factor in factors) <= MOST_KEPT

    def spot(self, levels: Sequence[Level]) -> Hashable:
        """What the same levels have in common; None if there are too many of them. `levels` are those of a row."""
        return (self.name, *[id(levels[number]) for number in self.factors]) if self.shared else None

    def given(self, levels: Sequence[Level]) -> Any:
        """The value under the name, with a row's levels set in it."""
        return self._set(self.config, levels)

    def declared(self, given: Any, levels: Sequence[Level]) -> Any:
        """That of it which the file says: where there is no preset beneath, all that is `given`."""
        return given if self.is_all_written else self._set(self.written, levels)

    def _set(self, config: Mapping[str, Any], levels: Sequence[Level]) -> Any:
        return assigned(config, [(key, levels[number].values[i]) for key, number, i in self.keys])[self.name]


@cache
def _has_marks(model: type[BaseModel]) -> bool:
    """Whether anything in a section, or in sections within, is marked as outside the identity."""
    fields = model.model_fields.values()
    inner = [inner for field in fields for inner in models_in(field.annotation)]
    return any(OutsideIdentity in field.metadata for field in fields) or any(map(_has_marks, inner))


def _only(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: config[name]} if name in config else {}


def _declared(written: Any) -> str:
    """The canonical JSON of what a file says; what JSON has no form for is taken as text."""
    try:
        return canonical(written)
    except (TypeError, ValueError):
        return canonical(_as_words(written))


def _as_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {key if isinstance(key, str) else repr(key): _as_words(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_words(inner) for inner in value]
    return value if not isinstance(value, float) or math.isfinite(value) else repr(value)


def _is_validated(value: Any) -> bool:
    """Whether pydantic takes a value as it is when it meets it again."""
    several = isinstance(value, tuple) and value
    return isinstance(value, BaseModel) or bool(several and all(isinstance(each, BaseModel) for each in value))


def _dumped(config: BaseModel, name: str, value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    try:
        return _as_json(value)
    except TypeError:
        return config.model_dump(mode="json", include={name})[name]


def _as_json(value: Any) -> Any:
    """A plain value as pydantic dumps it, in a tenth of the time; TypeError for any other."""
    if type(value) in _PLAIN:
        return value
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _as_json(inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return [_as_json(inner) for inner in value]
    raise TypeError

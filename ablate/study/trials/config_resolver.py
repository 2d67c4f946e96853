"""Resolves the configs of a study's rows from parts that rows share.

A part is one top-level value of a config, most often a section. A factor sets keys in few parts. So a part is
validated, dumped and written as JSON once for all rows in which the same levels set it. This makes a plan of a hundred
thousand rows take seconds.
"""

import math
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from itertools import chain, count
from math import prod
from typing import Any

from pydantic import BaseModel

from ablate.errors import DataError
from ablate.study.config_keys import assigned, canonical, overlaps
from ablate.study.factors import Level
from ablate.study.model import ReferenceRow, Study
from ablate.study.reading.problems import models_in
from ablate.study.trials.input_hashes import with_hashes
from ablate.study.trials.local_paths import PathFinder
from ablate.trainers.config import LocalPath, OutsideIdentity

MOST_KEPT = 5_000
"""The largest number of parts of one name that are kept for later rows. If more are possible, few rows share one."""

_NOTHING: Any = object()
"""Stands for a value that does not exist, as None is a value."""
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True, eq=False)
class ConfigPart:
    """One top-level value of a resolved config."""

    number: int
    """A number that no other part of the resolver has."""
    given: Any
    """The value to validate a whole config with: already validated if possible, as that is faster."""
    dumped: Any
    """The validated value as JSON, with paths that this process can open."""
    identifying: Any
    """The JSON without the fields that are outside the identity."""
    text: str | None
    """`identifying` as canonical JSON; None if nothing of the part belongs to the identity."""
    declared: str | None
    """The value in the study file as canonical JSON, without fields outside the identity; None if there is none.

    The place of the data is declared all the same: other data are another declaration.
    """


Parts = Mapping[str, ConfigPart]
"""The parts of one config, by name, in the order of the config's fields."""


class ConfigResolver:
    """Resolves the rows of one study. Raises pydantic's ValidationError for a row whose config is not valid.

    A top-level name of the config is varied if a factor sets a key in it, and fixed otherwise. Fixed parts are made
    once, from the first row. A varied part is made once for each combination of the levels that set it.
    """

    def __init__(self, study: Study, endless: Set[str] = frozenset()) -> None:
        """`endless`: factors of which rows may have levels that are not in the factor. Parts of theirs are not kept."""
        self.study, self.entry = study, study.entry
        self.model = self.entry.config
        self.varied_keys = {key for factor in study.factors for key in factor.sets}
        names = dict.fromkeys((*self.model.model_fields, *study.config))
        setters = {name: _PartSetter(study, name, endless) for name in names}
        self.setters = {name: setter for name, setter in setters.items() if setter.factors}
        self.fixed_values = {name: study.config[name] for name in study.config if name not in self.setters}
        self.outside = {name for name in self.model.model_fields if self._is_outside(self.model, name, name)}
        self.finder = PathFinder(study)
        self.path_fields = {(field.section, field.name): field for field in self.finder.fields}
        self.numbers = count()
        self.first_parts: dict[str, ConfigPart] = {}
        self.kept_parts: dict[Hashable, ConfigPart] = {}

    def row(self, levels: Mapping[str, Level]) -> tuple[BaseModel, Parts]:
        """Return the config of a row, with paths that this process can open, and its parts."""
        row_levels = [levels[factor.name] for factor in self.study.factors]
        values, parts = self.fixed_values.copy(), {}
        missing: dict[str, Hashable] = {}
        for name, setter in self.setters.items():
            key = setter.key(row_levels)
            part = self.kept_parts.get(key)
            if part is None:
                values[name], missing[name] = setter.given(row_levels), key
            else:
                values[name], parts[name] = part.given, part
        config = self._validated(values)
        for name, key in missing.items():
            written = self.setters[name].written_value(values[name], row_levels)
            parts[name] = self._part(config, name, values[name], written)
            if key is not None:
                self.kept_parts[key] = parts[name]
        if not self.first_parts:
            self.first_parts = self._with_fixed_parts(config, parts)
        return self.finder.located(config), self.first_parts | parts

    def reference(self, reference: ReferenceRow) -> tuple[BaseModel, Parts]:
        """Return the config of a reference, with paths that this process can open, and its parts."""
        values = self.study.reference_config(reference)
        baseline = [zip(factor.sets, factor.baseline.values, strict=True) for factor in self.study.factors]
        written = assigned(self.study.written, [*chain(*baseline), *reference.settings.items()])
        config = self._validated(values)
        return self.finder.located(config), {
            name: self._part(config, name, values.get(name, _NOTHING), written.get(name, _NOTHING))
            for name in self.model.model_fields
        }

    def _validated(self, values: Mapping[str, Any]) -> BaseModel:
        """Return the config with the hashes of the files that it names."""
        config = self.model.model_validate(values)
        located = self.finder.located(config)
        try:
            return with_hashes(config, self.entry.input_files(located))
        except DataError as error:
            raise DataError("\n".join([*self.finder.missing(located), str(error)])) from None

    def _with_fixed_parts(self, config: BaseModel, varied: Parts) -> dict[str, ConfigPart]:
        """Return the parts of the first row in the order of the config's fields.

        Later rows are validated with the values of the fixed parts, which are validated by now.
        """
        parts = {}
        for name in self.model.model_fields:
            if name in varied:
                parts[name] = varied[name]
                continue
            given, written = self.fixed_values.get(name, _NOTHING), self.study.written.get(name, _NOTHING)
            part = parts[name] = self._part(config, name, given, written)
            if part.given is not _NOTHING:
                self.fixed_values[name] = part.given
        return parts

    def _part(self, config: BaseModel, name: str, given: Any, written: Any) -> ConfigPart:
        """Return a part of a validated config. `given` and `written` are as in `_PartSetter`, or _NOTHING."""
        value = getattr(config, name)
        dumped = _dumped(config, name, value)
        located = {
            field.name: self.finder.place(field, dumped[field.name])
            for field in self.finder.fields
            if field.section == name and self.finder.is_path(field, dumped[field.name])
        }
        is_outside = name in self.outside
        identifying = _NOTHING if is_outside else self._identifying(value, dumped, f"{name}.")
        if fields := [file.field for file in self.entry.input_files(config) if file.section == name]:
            identifying = {**identifying, **dict.fromkeys(fields, "file")}  # its hash identifies the file, not its path
        declared = _NOTHING if is_outside else self._declared(value, written, f"{name}.")
        return ConfigPart(
            number=next(self.numbers),
            given=value if _is_validated(value) else given,
            dumped={**dumped, **located} if located else dumped,
            identifying=identifying,
            text=None if identifying is _NOTHING else canonical(identifying),
            declared=None if declared is _NOTHING else _json_text(declared),
        )

    def _declared(self, value: Any, written: Any, prefix: str) -> Any:
        """Return a written value without the fields outside the identity; _NOTHING if nothing else is written.

        A field outside the identity changes no trial, so that it is no part of the declaration either. A path is,
        because the content behind it is part of the identity.
        """
        if not isinstance(value, BaseModel) or not isinstance(written, dict) or not _has_marks(type(value)):
            return written
        fields = type(value).model_fields
        paths = {name: field for name in written if (field := self.path_fields.get((prefix[:-1], name)))}
        declared = {
            name: self.finder.declared(paths[name], inner)
            if name in paths
            else self._declared(getattr(value, name, None), inner, f"{prefix}{name}.")
            for name, inner in written.items()
            if name not in fields
            or not self._is_outside(type(value), name, prefix + name)
            or (name in paths and inner is not None)
        }
        return declared or _NOTHING

    def _identifying(self, value: Any, dumped: Any, prefix: str) -> Any:
        """Return a dumped value without the fields that are marked as outside the identity."""
        if not isinstance(value, BaseModel) or not _has_marks(type(value)):
            return dumped
        identifying = {
            name: self._identifying(getattr(value, name), dumped[name], f"{prefix}{name}.")
            for name in type(value).model_fields
            if not self._is_outside(type(value), name, prefix + name)
        }
        return dumped if identifying == dumped else identifying

    def _is_outside(self, model: type[BaseModel], name: str, key: str) -> bool:
        """Return True if a field is marked as outside the identity and no factor varies it."""
        is_marked = OutsideIdentity in model.model_fields[name].metadata
        return is_marked and not any(overlaps(key, varied) for varied in self.varied_keys)


class _PartSetter:
    """Sets the values that factors give under one top-level name of the config."""

    def __init__(self, study: Study, name: str, endless: Set[str]) -> None:
        self.name = name
        self.config, self.written = _only(name, study.config), _only(name, study.written)
        self.is_all_written = _json_text(self.config) == _json_text(self.written)
        self.keys = [
            (key, number, index)
            for number, factor in enumerate(study.factors)
            for index, key in enumerate(factor.sets)
            if key.partition(".")[0] == name
        ]
        self.factors = sorted({number for _, number, _ in self.keys})
        factors = [study.factors[number] for number in self.factors]
        is_endless = any(factor.name in endless for factor in factors)  # the id of a deleted level can be used again
        self.is_shared = not is_endless and prod(len(factor.levels) for factor in factors) <= MOST_KEPT

    def key(self, levels: Sequence[Level]) -> Hashable:
        """Return a key that is equal for rows with the same part; None if parts are not kept.

        `levels` are a row's levels, in the order of the study's factors.
        """
        return (self.name, *[id(levels[number]) for number in self.factors]) if self.is_shared else None

    def given(self, levels: Sequence[Level]) -> Any:
        """Return the value under the name with a row's levels set in it."""
        return self._set(self.config, levels)

    def written_value(self, given: Any, levels: Sequence[Level]) -> Any:
        """Return the value without the preset's keys; without a preset that is all that is `given`."""
        return given if self.is_all_written else self._set(self.written, levels)

    def _set(self, config: Mapping[str, Any], levels: Sequence[Level]) -> Any:
        return assigned(config, [(key, levels[number].values[i]) for key, number, i in self.keys])[self.name]


def is_outside_identity(model: type[BaseModel], key: str) -> bool:
    """Return True if a dotted config key, or a section that holds it, is marked as outside the identity."""
    for name in key.split("."):
        field = model.model_fields.get(name)
        if field is None:
            return False
        if OutsideIdentity in field.metadata:
            return True
        model = next(iter(models_in(field.annotation)), BaseModel)
    return False


@cache
def _has_marks(model: type[BaseModel]) -> bool:
    """Return True if a field of a section, or of a section in it, is marked as outside the identity or as a path."""
    fields = model.model_fields.values()
    inner = [inner for field in fields for inner in models_in(field.annotation)]
    marks = [mark for field in fields for mark in field.metadata]
    return any(mark is OutsideIdentity or isinstance(mark, LocalPath) for mark in marks) or any(map(_has_marks, inner))


def _only(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: config[name]} if name in config else {}


def _json_text(written: Any) -> str:
    """Return the canonical JSON of a written value; values without a JSON form are written as text."""
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
    """Return True if pydantic accepts a value as it is when it validates it again."""
    is_filled = isinstance(value, tuple) and value
    return isinstance(value, BaseModel) or bool(is_filled and all(isinstance(each, BaseModel) for each in value))


def _dumped(config: BaseModel, name: str, value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    try:
        return _as_json(value)
    except TypeError:
        return config.model_dump(mode="json", include={name})[name]


def _as_json(value: Any) -> Any:
    """Return a plain value as pydantic dumps it, in a tenth of the time; TypeError for any other value."""
    if type(value) in _PLAIN:
        return value
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _as_json(inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return [_as_json(inner) for inner in value]
    raise TypeError

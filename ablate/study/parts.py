"""The resolved configs of a study's rows, put together from parts that rows share.

A part is one top-level value of a config, most often a section. A factor sets keys of few of them, so that a part is
validated, dumped and written as JSON once for all rows in which the same levels set it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, count
from math import prod
from typing import Any

from pydantic import BaseModel

from ablate.study.content import weights_file, with_weights_hash
from ablate.study.factors import Factor, Level
from ablate.study.settings import assigned, canonical, overlaps
from ablate.study.study import Reference, Study
from ablate.train.config import TRAINERS, OutsideIdentity

MOST_KEPT = 5_000
"""Parts of one name that are worth keeping: where more are possible, hardly any two rows share one."""

_NOTHING: Any = object()
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Part:
    """`given` is what a whole config is validated with; `kept` is `dumped` without what is outside the identity.

    `text` is the canonical JSON of `kept` behind its name, None if nothing is kept; `declared` likewise of what the
    file says, if anything. `number` is no other part's.
    """

    number: int
    given: Any
    dumped: Any
    kept: Any
    text: str | None
    declared: str | None


Parts = Mapping[str, Part]
"""The parts of one config, by name."""


class Resolver:
    """Resolves the rows of one study; pydantic's ValidationError for one whose config is not valid."""

    def __init__(self, study: Study) -> None:
        self.study, self.model = study, TRAINERS[study.trainer].config
        self.varied = {key for factor in study.factors for key in factor.sets}
        self.setters: dict[str, list[Factor]] = {name: [] for name in (*self.model.model_fields, *study.config)}
        for factor in study.factors:
            for name in dict.fromkeys(key.partition(".")[0] for key in factor.sets):
                self.setters.setdefault(name, []).append(factor)
        self.shared = {name: prod(len(f.levels) for f in by) <= MOST_KEPT for name, by in self.setters.items()}
        self.known: dict[tuple[object, ...], Part] = {}
        self.numbers = count()

    def row(self, levels: Mapping[str, Level]) -> tuple[BaseModel, Parts]:
        """The config of a row, and its parts."""
        parts: dict[str, Part] = {}
        values: dict[str, Any] = {}
        written: dict[str, Any] = {}
        for name, setters in self.setters.items():
            part = self.known.get((name, *[id(levels[factor.name]) for factor in setters]))
            if part is None:
                pairs = _pairs(name, setters, levels)
                values |= assigned(_only(name, self.study.config), pairs)
                written |= assigned(_only(name, self.study.written), pairs)
            else:
                parts[name] = part
                if part.given is not _NOTHING:
                    values[name] = part.given
        config = with_weights_hash(self.model.model_validate(values))
        for name in self.model.model_fields:
            if name not in parts:
                parts[name] = self._part(config, name, values, written)
                if self.shared[name]:
                    self.known[(name, *[id(levels[factor.name]) for factor in self.setters[name]])] = parts[name]
        return config, {name: parts[name] for name in self.model.model_fields}

    def reference(self, reference: Reference) -> tuple[BaseModel, Parts]:
        """The config of a reference, and its parts."""
        values = self.study.reference_config(reference)
        baseline = [zip(factor.sets, factor.baseline.values, strict=True) for factor in self.study.factors]
        written = assigned(self.study.written, [*chain(*baseline), *reference.settings.items()])
        config = with_weights_hash(self.model.model_validate(values))
        return config, {name: self._part(config, name, values, written) for name in self.model.model_fields}

    def _part(self, config: BaseModel, name: str, values: Mapping[str, Any], written: Mapping[str, Any]) -> Part:
        value = getattr(config, name)
        dumped = _dumped(config, name, value)
        kept = _NOTHING if self._is_outside(self.model, name, name) else self._kept(value, dumped, f"{name}.")
        if name == "model" and weights_file(config):
            kept = {**kept, "pretrained": "file"}  # which one, the hash says
        return Part(
            next(self.numbers),
            value if _is_validated(value) else values.get(name, _NOTHING),
            dumped,
            kept,
            None if kept is _NOTHING else f'"{name}":{canonical(kept)}',
            f'"{name}":{canonical(written[name])}' if name in written else None,
        )

    def _kept(self, value: Any, dumped: Any, prefix: str) -> Any:
        """What is left of a dumped value without the fields that are marked as outside the identity."""
        if not isinstance(value, BaseModel):
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


def _pairs(name: str, setters: Iterable[Factor], levels: Mapping[str, Level]) -> list[tuple[str, Any]]:
    """What a row's levels put under the keys of one top-level name."""
    return [
        (key, value)
        for factor in setters
        for key, value in zip(factor.sets, levels[factor.name].values, strict=True)
        if key.partition(".")[0] == name
    ]


def _only(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: config[name]} if name in config else {}


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

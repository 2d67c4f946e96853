"""The part of a config that can change a result: keys that nothing reads have their default, and values that act alike
are written alike.

Both follow from the table of the trainer. What depends on the table is computed once for all rows that agree in the few
values on which the table depends, so that a plan of a hundred thousand rows takes seconds.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ablate.study.config_keys import Config, assigned, canonical, overlaps, value_at
from ablate.study.trials.config_resolver import ConfigPart, Parts
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.unread import Unread, UnreadIf


@dataclass(frozen=True)
class EffectiveParts:
    """The parts of one config as far as they can change a result."""

    identifying: Mapping[str, Any]
    """{part: its value as JSON, for the identity}, without parts that are outside the identity."""
    texts: Mapping[str, str]
    """The same as canonical JSON."""
    unread: Unread
    """{dotted key: why nothing reads it}; rows with equal reasons share one mapping."""


@dataclass(frozen=True)
class _Findings:
    """The answers of the table for all configs that agree in the values on which it depends."""

    unread: Unread
    settings: Mapping[str, Sequence[tuple[str, Any]]]
    """{part: the values, by dotted key, that stand in the identity in place of its own}."""


class EffectiveConfigs:
    """Applies the table of one trainer to the rows of one study."""

    def __init__(self, entry: TrainerEntry[Any], varied: Set[str] = frozenset()) -> None:
        """`varied`: the dotted keys that factors and a search set."""
        self.unread, self.alike, self.varied = entry.unread, entry.alike, varied
        self.defaults = _defaults(entry.config) if self.unread else {}
        keys = [key for each in self.unread for key in (*each.given, *(each.keys if each.asks_data else ()))]
        keys += [key for each in self.alike for key in (each.key, *each.given)]
        self.given: dict[str, list[str]] = {}
        for key in dict.fromkeys(keys):
            self.given.setdefault(key.partition(".")[0], []).append(key)
        self.signatures: dict[int, str] = {}
        self.findings: dict[tuple[str, ...], _Findings] = {}
        self.changed: dict[tuple[int, int], tuple[Any, str]] = {}

    def of(self, parts: Parts) -> EffectiveParts:
        """Return the effective parts of a row."""
        findings = self._findings(parts)
        identifying: dict[str, Any] = {}
        texts: dict[str, str] = {}
        for name, part in parts.items():
            if part.text is None:
                continue
            if name not in findings.settings:
                identifying[name], texts[name] = part.identifying, part.text
                continue
            key = part.number, id(findings)
            if key not in self.changed:
                value = _with(part.identifying, findings.settings[name], name)
                self.changed[key] = value, canonical(value)
            identifying[name], texts[name] = self.changed[key]
        return EffectiveParts(identifying, texts, findings.unread)

    def _findings(self, parts: Parts) -> _Findings:
        signature = tuple([self._signature(name, keys, parts[name]) for name, keys in self.given.items()])
        if signature not in self.findings:
            self.findings[signature] = self._computed({name: part.dumped for name, part in parts.items()})
        return self.findings[signature]

    def _signature(self, name: str, keys: Sequence[str], part: ConfigPart) -> str:
        if part.number not in self.signatures:
            config = {name: part.dumped}
            self.signatures[part.number] = canonical([value_at(config, key) for key in keys])
        return self.signatures[part.number]

    def _computed(self, config: Config) -> _Findings:
        found: dict[str, str] = {}
        settings = list(self._acting(config))
        current = assigned(config, settings)
        for each in self.unread:
            if each.asks_data and not any(self._matters(key, config) for key in each.keys):
                continue
            if (reason := _reason(each, config)) is not None:
                found |= {key: reason for key in each.keys if key not in found}
            # Two keys may each be unread because of the other's value, such as gamma and milestones. Once one of them
            # has its default, the other may be read.
            if _reason(each, current) is not None:
                defaults = [(key, self.defaults[key]) for key in each.keys if key in self.defaults]
                settings += defaults
                current = assigned(current, defaults)
        settings += self._acting(current)
        by_part: dict[str, list[tuple[str, Any]]] = {}
        for key, value in settings:
            by_part.setdefault(key.partition(".")[0], []).append((key, value))
        return _Findings(found, by_part)

    def _acting(self, config: Config) -> Iterator[tuple[str, Any]]:
        """Yield the values that stand in the identity for others that act alike."""
        for each in self.alike:
            value = value_at(config, each.key)
            acting = each.value(value, *(value_at(config, other) for other in each.given))
            if acting != value:
                yield each.key, acting

    def _matters(self, key: str, config: Config) -> bool:
        """Return True if the study varies a key, or gives it another value than its default."""
        is_varied = any(overlaps(key, varied) for varied in self.varied)
        return is_varied or value_at(config, key) != self.defaults.get(key)


def _reason(each: UnreadIf, config: Config) -> str | None:
    """Return why nothing reads the keys of a line of the table in a config; None if something reads them."""
    return each.why(*(value_at(config, key) for key in each.given))


def _with(value: Any, settings: Sequence[tuple[str, Any]], name: str) -> Any:
    """Return the part `name` with settings, as far as it has their keys."""
    config = {name: value}
    for key, new in settings:
        *sections, last = key.split(".")
        section = value_at(config, ".".join(sections)) if sections else config
        if isinstance(section, Mapping) and last in section:
            config = assigned(config, [(key, new)])
    return config[name]


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Return {dotted key or section: its default as JSON}, for keys that have one."""
    defaults: dict[str, Any] = {}
    fields = {name: field for name, field in model.model_fields.items() if not field.is_required()}
    dumped = model.model_validate({}).model_dump(mode="json") if len(fields) == len(model.model_fields) else {}
    _add_defaults(dumped, "", defaults)
    return defaults


def _add_defaults(values: Mapping[str, Any], prefix: str, defaults: dict[str, Any]) -> None:
    for name, value in values.items():
        defaults[prefix + name] = value
        if isinstance(value, Mapping):
            _add_defaults(value, f"{prefix}{name}.", defaults)

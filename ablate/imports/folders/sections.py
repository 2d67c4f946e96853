"""The parts of one run: its settings, its metrics and other values, sorted by the sections of its documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ablate.imports.folders.reading.documents import cells, numbers
from ablate.imports.folders.words import CIRCUMSTANCE_SECTIONS, RESULT_SECTIONS, SETTING_SECTIONS, SPLITS, is_seed
from ablate.imports.source import DONE, Cell


@dataclass(frozen=True)
class RunParts:
    """A run with its settings, metrics and other values, before its name is taken apart."""

    place: str
    """The place as messages name it: a folder, a file, or a key of a file."""
    name: str = ""
    """The name, whose parts may be settings."""
    settings: Mapping[str, Cell] = field(default_factory=dict)
    """{dotted key: value} of what the source calls settings."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """{dotted key: value} of what the source calls results."""
    plain: Mapping[str, Cell] = field(default_factory=dict)
    """{dotted key: value} of all about which the source does not say whether it is a setting or a result."""
    circumstances: Mapping[str, Cell] = field(default_factory=dict)
    state: str = DONE

    def joined(self, other: "RunParts") -> "RunParts":
        """Return this run with the values of another document, except those that it has."""
        return replace(
            self,
            settings={**other.settings, **self.settings},
            metrics={**other.metrics, **self.metrics},
            plain={**other.plain, **self.plain},
            circumstances={**other.circumstances, **self.circumstances},
        )


def sorted_parts(document: Mapping[Any, Any], place: str, has_config: bool) -> RunParts:
    """Return the values of a document that holds results, sorted by its sections.

    `has_config`: True if the settings of the run lie in another place, so that numbers outside of sections are metrics.
    """
    sections, rest = _sections(document)
    settings = {key: value for section in sections["settings"].values() for key, value in cells(section, place).items()}
    circumstances = cells(sections["circumstances"], place)
    metrics, plain = numbers({**_inside(sections["results"]), **sections["splits"]}, place)
    others, texts = numbers(rest, place)
    plain |= texts
    are_metrics = not sections["results"] and (has_config or bool(settings))
    seeds = {key: _whole(value) for key, value in others.items() if is_seed(key)}
    others = {key: value for key, value in others.items() if key not in seeds}
    if are_metrics:
        metrics |= others
    else:
        plain |= _as_written(rest, others, place)
    return RunParts(place, settings=settings, metrics=metrics, plain={**plain, **seeds}, circumstances=circumstances)


def _sections(document: Mapping[Any, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return {kind of section: its sections by name}, and all else of a document."""
    sections: dict[str, dict[str, Any]] = {"settings": {}, "results": {}, "splits": {}, "circumstances": {}}
    rest: dict[str, Any] = {}
    for key, value in document.items():
        lower = str(key).lower()
        is_object = isinstance(value, Mapping) and bool(value)
        if is_object and lower in SETTING_SECTIONS:
            sections["settings"][str(key)] = value
        elif lower in RESULT_SECTIONS and isinstance(value, Mapping | list) and value:
            sections["results"][str(key)] = value
        elif is_object and lower in SPLITS:
            sections["splits"][str(key)] = value
        elif is_object and lower in CIRCUMSTANCE_SECTIONS:
            sections["circumstances"][str(key)] = value
        else:
            rest[str(key)] = value
    return sections, rest


def _inside(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of result sections without the names of the sections, where they have keys of their own."""
    content: dict[str, Any] = {}
    for key, value in results.items():
        inner = value[-1] if isinstance(value, list) and isinstance(value[-1], Mapping) else value
        content |= {str(name): each for name, each in inner.items()} if isinstance(inner, Mapping) else {key: inner}
    return content


def _as_written(rest: Mapping[str, Any], values: Mapping[str, float], place: str) -> dict[str, Cell]:
    """Return the values with whole numbers as such, where they are no series."""
    written = cells(rest, place)
    return {key: _number_as_written(written.get(key), value) for key, value in values.items()}


def _number_as_written(written: Cell, value: float) -> Cell:
    return written if isinstance(written, int) and not isinstance(written, bool) else value


def _whole(value: float) -> Cell:
    return int(value) if value.is_integer() else value

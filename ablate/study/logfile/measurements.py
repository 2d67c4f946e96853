"""The results of each seed of a row, as a log with a `# study` section writes and reads them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablate.trainers.top_k import TOP_K

NONE = "none"
KINDS = ("row", "reference")
PRECISION = re.compile(r"[0-9.eE+-]{1,40}")
HITS = re.compile(r"hits top-([1-9]\d{0,6})")
WHOLE = re.compile(r"[0-9]{1,18}")
TOP_K_NAMES = {k: metric.name for k, metric in TOP_K.items()}
"""{k: the metric's name}, in the order in which they can be the primary metric of a log that declares none."""


@dataclass(frozen=True)
class RowMeasurements:
    """The results of a row, seed by seed."""

    seeds: tuple[int, ...] = ()
    """The seeds that have a result."""
    queries: int = 0
    """Number of queries; 0 if no seed has a result."""
    gallery: int | None = None
    """Number of gallery items; None if unknown."""
    data: str | None = None
    """The fingerprint of the data; None if there is none."""
    hits: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """{k: number of hits of each seed}, parallel to `seeds`."""
    precisions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """{"map" or "map_at_r": mean of each seed, in [0, 1]}, parallel to `seeds`."""
    values: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    """{name: value of each seed} of other metrics, parallel to `seeds`; None if a seed has none."""
    examples: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    """{name of such a metric: number of examples of each seed}; metrics without known examples are left out."""
    failed: tuple[int, ...] = ()
    """Seeds without a result whose last attempt failed."""
    missing: tuple[int, ...] = ()
    """Seeds without a result, those that failed or diverged included."""
    label: str | None = None
    """The row's label, if it is not its title."""
    kind: str = KINDS[0]
    """`row`, or `reference`."""
    trainings_of: int | None = None
    """The number of the row whose trainings this row evaluates in another way; None if it has trainings of its own."""
    trials_of: int | None = None
    """The number of the row whose results this row has too, as nothing reads what they differ in; None without one."""
    circumstances: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    """{name: value of each seed} of recorded circumstances, like a library's version, that differ between runs."""
    changes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """{seed: changes since its result}, for seeds whose older result was kept."""
    diverged: tuple[int, ...] = ()
    """Seeds without a result whose training diverged."""
    reasons: Mapping[int, str] = field(default_factory=dict)
    """{seed: why it failed or diverged}."""

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return the (key, value) lines of the log, without values that say nothing."""
        yield "seeds", _listed(self.seeds)
        if self.seeds and (self.queries or not self.values):
            yield "queries", str(self.queries)
        if self.gallery is not None:
            yield "gallery", str(self.gallery)
        if self.data is not None:
            yield "data", json.dumps(self.data)
        for k, counts in self.hits.items():
            yield f"hits top-{k}", _listed(counts)
        for name, means in self.precisions.items():
            yield name, _listed(means)
        if self.values:
            yield "values", json.dumps({name: list(values) for name, values in self.values.items()})
        if self.examples:
            yield "examples", json.dumps({name: list(counts) for name, counts in self.examples.items()})
        for name, seeds in (("failed", self.failed), ("diverged", self.diverged), ("missing", self.missing)):
            if seeds:
                yield name, _listed(seeds)
        if self.reasons:
            yield "reasons", json.dumps({str(seed): reason for seed, reason in self.reasons.items()})
        if self.label is not None:
            yield "label", json.dumps(self.label)
        if self.kind != KINDS[0]:
            yield "kind", self.kind
        if self.trainings_of is not None:
            yield "trainings of row", str(self.trainings_of)
        if self.trials_of is not None:
            yield "results of row", str(self.trials_of)
        if self.circumstances:
            yield "circumstances", json.dumps({name: list(values) for name, values in self.circumstances.items()})
        if self.changes:
            yield "changes", json.dumps({str(seed): list(words) for seed, words in self.changes.items()})


def read_measurements(at: int, lines: Sequence[tuple[int, str]], faults: list[str]) -> RowMeasurements:
    """Return the results in the lines below `results:`, which stands in line `at`; faults begin with their line."""
    values: dict[str, Any] = {}
    hits: dict[int, tuple[int, ...]] = {}
    precisions: dict[str, tuple[float, ...]] = {}
    places: dict[str, int] = {}
    for number, line in lines:
        key, _, text = (part.strip() for part in line.strip().partition(":"))
        match = HITS.fullmatch(key)
        read = _whole_numbers if match else _READERS.get(key)
        if read is None:
            accepted = ", ".join(_READERS)
            faults.append(f"{number}: found {line.strip()[:40]!r}; accepted: hits top-k, {accepted}")
            continue
        if key in places:
            faults.append(f"{number}: {key} stands here twice, first in line {places[key]}")
        places[key] = number
        try:
            value = read(text)
        except (ValueError, TypeError, AttributeError):
            faults.append(f"{number}: found {text[:40]!r} for {key}; accepted: {_ACCEPTED[read]}")
            continue
        if match:
            hits[int(match[1])] = value
        elif read is _means:
            precisions[key] = value
        else:
            values[_FIELDS.get(key, key)] = value
    measured = RowMeasurements(hits=dict(sorted(hits.items())), precisions=precisions, **values)
    faults += [f"{places.get(key, at)}: {message}" for key, message in _contradictions(measured, places)]
    return measured


def _contradictions(row: RowMeasurements, places: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Return (key, fault) for values that are missing or that do not agree with one another."""
    if "seeds" not in places:
        yield "seeds", "`results:` has no `seeds:` line; accepted: the seeds that have a result, or none"
        return
    if len({*row.seeds, *row.missing}) != len(row.seeds) + len(row.missing):
        yield "seeds", "a seed stands here twice, or has a result and is missing"
    for end, seeds in (("failed", row.failed), ("diverged", row.diverged)):
        if not set(seeds) <= set(row.missing):
            yield end, f"a seed that {end} has no result, so it must be missing too"
    if set(row.failed) & set(row.diverged):
        yield "diverged", "a seed stands here that failed; accepted: one of the two"
    if row.seeds and not (row.queries and row.hits) and not row.values:
        yield "queries", "seeds with a result need `queries:` and `hits top-k:` lines, or `values:`"
    of_seeds: list[tuple[str, Sequence[object]]] = [(f"hits top-{k}", counts) for k, counts in row.hits.items()]
    of_seeds += row.precisions.items()
    of_seeds += [("values", values) for values in row.values.values()]
    of_seeds += [("examples", counts) for counts in row.examples.values()]
    of_seeds += [("circumstances", values) for values in row.circumstances.values()]
    for key, counted in of_seeds:
        if len(counted) != len(row.seeds):
            yield key, f"{key} has {len(counted)} values for {len(row.seeds)} seeds"
    for k, counts in row.hits.items():
        if any(count > row.queries for count in counts):
            yield f"hits top-{k}", f"more hits than the {row.queries:,} queries"


def _listed(values: Sequence[float]) -> str:
    return ", ".join(map(repr, values)) or NONE


def _whole_numbers(text: str) -> tuple[int, ...]:
    return () if text == NONE else tuple(_whole(part.strip()) for part in text.split(","))


def _whole(text: str) -> int:
    if WHOLE.fullmatch(text) is None:
        raise ValueError(text)
    return int(text)


def _means(text: str) -> tuple[float, ...]:
    parts = [part.strip() for part in text.split(",")]
    values = tuple(float(part) for part in parts if PRECISION.fullmatch(part))
    if len(values) != len(parts) or not all(0 <= value <= 1 for value in values):
        raise ValueError(text)
    return values


def _text(text: str) -> str:
    value = json.loads(text)
    if not isinstance(value, str):
        raise TypeError(text)
    return value


def _kind(text: str) -> str:
    if text not in KINDS:
        raise ValueError(text)
    return text


def _of_names(text: str) -> dict[str, tuple[str | None, ...]]:
    named = {name: tuple(values) for name, values in json.loads(text).items()}
    if not all(value is None or isinstance(value, str) for values in named.values() for value in values):
        raise TypeError(text)
    return named


def _numbers(text: str) -> dict[str, tuple[float | None, ...]]:
    named = {name: tuple(values) for name, values in json.loads(text).items()}
    every = [one for values in named.values() for one in values if one is not None]
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in every):
        raise TypeError(text)
    return {name: tuple(None if one is None else float(one) for one in values) for name, values in named.items()}


def _counts(text: str) -> dict[str, tuple[int | None, ...]]:
    named = {name: tuple(counts) for name, counts in json.loads(text).items()}
    if not all(one is None or (type(one) is int and one >= 0) for counts in named.values() for one in counts):
        raise TypeError(text)
    return named


def _of_seeds(text: str) -> dict[int, tuple[str, ...]]:
    return {_whole(seed): tuple(str(word) for word in words) for seed, words in json.loads(text).items()}


def _of_ended(text: str) -> dict[int, str]:
    return {_whole(seed): str(reason) for seed, reason in json.loads(text).items()}


_READERS: Mapping[str, Callable[[str], Any]] = {
    "seeds": _whole_numbers,
    "queries": _whole,
    "gallery": _whole,
    "data": _text,
    "map": _means,
    "map_at_r": _means,
    "values": _numbers,
    "examples": _counts,
    "failed": _whole_numbers,
    "diverged": _whole_numbers,
    "missing": _whole_numbers,
    "reasons": _of_ended,
    "label": _text,
    "kind": _kind,
    "trainings of row": _whole,
    "results of row": _whole,
    "circumstances": _of_names,
    "changes": _of_seeds,
}
_FIELDS = {"trainings of row": "trainings_of", "results of row": "trials_of"}
_ACCEPTED: Mapping[Callable[[str], Any], str] = {
    _whole_numbers: "whole numbers, separated by commas, or none",
    _whole: "a whole number",
    _means: "numbers from 0 to 1, separated by commas",
    _text: "a text in quotes",
    _kind: " or ".join(KINDS),
    _of_names: "a JSON object, a list of texts for each name",
    _numbers: "a JSON object, a list of numbers for each metric",
    _counts: "a JSON object, a list of whole numbers or null for each metric",
    _of_seeds: "a JSON object, a list of texts for each seed",
    _of_ended: "a JSON object, a text for each seed",
}

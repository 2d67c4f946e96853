"""The entries of metrics in a study file, as sources of their values, and every fault of such an entry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from ablate.errors import nearest
from ablate.measurement import VALIDATION, Direction
from ablate.text import listed, written
from ablate.trainers.measuring.sources import (
    FOLDER,
    RUN_EXAMPLES,
    STDOUT,
    TABLES,
    MetricSource,
    Origin,
    check_path,
    is_validation_name,
    parse_origin,
    usual_direction,
)
from ablate.trainers.measuring.takes import Take

TAKES = "last, {step: 1000}, or {at: best, of: NAME} with the name of a validation metric"
KEYS_OF_BEST = ("at", "of", "better")
LUCK = "the best of many looks at test results is luck, and grows with their number"
"""The reason why no value is chosen by the results themselves."""


@dataclass(frozen=True)
class Declaration:
    """The entry of one metric in a study file, as far as it is about the place of its values."""

    origin: str | None = None
    """The text of `from`; None if it is left out."""
    take: Any = None
    """The plain value of `take`; None if it is left out."""
    examples: str | None = None
    split: str | None = None
    is_percent: bool = False
    is_rate: bool = False
    direction: Direction = Direction.MAXIMIZE

    def is_validation(self, name: str) -> bool:
        """Return True if the metric of this name is measured on validation data, by its `split` or its name."""
        return self.split == VALIDATION or (self.split is None and is_validation_name(name))


class SourceFault(NamedTuple):
    """A fault of one entry."""

    path: tuple[str, ...]
    """The name of the metric, and the keys of its entry that lead to the fault."""
    message: str


def metric_sources(entries: Mapping[str, Declaration]) -> tuple[tuple[MetricSource, ...], tuple[SourceFault, ...]]:
    """Return the sources of the metrics of a study, {name: entry}, and all faults of the entries."""
    sources: list[MetricSource] = []
    faults: list[SourceFault] = []
    for name, entry in entries.items():
        take = _take(name, entry, entries)
        faults += _faults_of_places(name, entry)
        if isinstance(take, SourceFault):
            faults.append(take)
            take = Take()
        sources.append(
            MetricSource(
                name,
                entry.origin or "",
                take,
                (entry.examples or "").removeprefix(FOLDER),
                entry.is_rate,
                entry.is_validation(name),
                entry.is_percent,
            )
        )
    return tuple(sources), tuple(faults)


def _faults_of_places(name: str, entry: Declaration) -> Iterator[SourceFault]:
    try:
        if entry.origin == "":
            raise ValueError("found ''; leave `from` out for the file that ABLATE_RESULT names, or name a place")
        parse_origin(entry.origin or "", name)
    except ValueError as error:
        yield SourceFault((name, "from"), str(error))
    examples = (entry.examples or "").removeprefix(FOLDER)
    try:
        if entry.examples not in (None, RUN_EXAMPLES) and not examples.lower().endswith(TABLES):
            raise ValueError(f"found {entry.examples!r}; accepted: a file of {listed(TABLES, 'or')} in ${{dir}}")
        check_path(examples)
    except ValueError as error:
        yield SourceFault((name, "examples"), str(error))
    if entry.is_percent and not entry.is_rate:
        yield SourceFault((name, "percent"), "found on, which is for metrics with `unit: '%'`; leave `percent` out")


def _take(name: str, entry: Declaration, entries: Mapping[str, Declaration]) -> Take | SourceFault:
    """Return the take of an entry, or its fault."""
    value = entry.take
    if value is None or value == "last":
        return Take()
    if isinstance(value, Mapping) and set(value) == {"step"} and _is_number(value["step"]):
        return Take(step=float(value["step"]))
    if isinstance(value, Mapping) and "at" in value:
        return _best(name, entry, entries)
    if value in ("best", "max", "min"):
        advice = f"write `take: {{at: best, of: {_example_of(entries, name)}}}`, or leave `take` out for the last value"
        return SourceFault((name, "take"), f"found {value!r}; {LUCK}, so a validation metric must choose; {advice}")
    meant = f" did you mean {{step: {written(value)}}}?" if _is_number(value) else ""
    return SourceFault((name, "take"), f"found {_shown(value)};{meant} accepted: {TAKES}")


def _best(name: str, entry: Declaration, entries: Mapping[str, Declaration]) -> Take | SourceFault:
    """Return the take `{at: best, of: NAME, better: higher or lower}`, or its fault."""
    value, path = entry.take, (name, "take")
    of, better = value.get("of"), value.get("better")
    if unknown := [str(key) for key in value if key not in KEYS_OF_BEST]:
        meant = nearest(unknown[0], KEYS_OF_BEST)
        hint = f" did you mean {meant!r}?" if meant else ""
        return SourceFault((*path, unknown[0]), f"unknown key {unknown[0]!r};{hint} known: {', '.join(KEYS_OF_BEST)}")
    if value["at"] != "best":
        return SourceFault((*path, "at"), f"found {_shown(value['at'])}; accepted: best")
    if not isinstance(of, str) or not of:
        return SourceFault(path, "`of` is missing, the name of the validation metric that chooses the step")
    if better not in (None, "higher", "lower"):
        return SourceFault((*path, "better"), f"found {_shown(better)}; accepted: higher or lower")
    if message := _fault_of_chooser(name, entry, of, entries):
        return SourceFault((*path, "of"), message)
    usual = entries[of].direction if of in entries else usual_direction(of)
    if of in entries and better not in (None, usual.better):
        return SourceFault((*path, "better"), f"found {better}, but {of} is better if it is {usual.better}")
    return Take(of=of, better=Direction.of_better(better) if better else usual)


def _fault_of_chooser(name: str, entry: Declaration, of: str, entries: Mapping[str, Declaration]) -> str:
    """Return why a metric, or a name in the metric's own source, cannot choose the step; empty if it can."""
    remedy = f"write for example `of: {_example_of(entries, name)}`"
    if _is_same_place(name, entry, of, entries):
        return f"found {of!r}, which is the metric itself; {LUCK}; {remedy}, or `take: last`"
    if of in entries:
        if entries[of].is_validation(of):
            return ""
        return f"found {of!r}, which is measured on test data; {LUCK}; {remedy}, or `split: {VALIDATION}` for {of}"
    if (entry.origin or "").startswith(f"{STDOUT}:"):
        return f"found {of!r}, which is no metric of this file; list it in `metrics` with a `from` of its own"
    if not is_validation_name(of):
        return (
            f"found {of!r}, which may be measured on test data; {LUCK}; if it is measured on validation data, list it "
            f"in `metrics` with `split: {VALIDATION}`"
        )
    return ""


def _is_same_place(name: str, entry: Declaration, of: str, entries: Mapping[str, Declaration]) -> bool:
    """Return True if `of` is the metric itself, or is read at its place."""
    try:
        own = parse_origin(entry.origin or "", name)
        other = parse_origin(entries[of].origin or "", of) if of in entries else Origin(own.kind, of, own.file)
    except ValueError:
        return False  # recorded as a fault of `from`
    return of == name or own == other


def _example_of(entries: Mapping[str, Declaration], without: str) -> str:
    """Return the name of another metric that is measured on validation data, or an example of such a name."""
    names = (name for name, entry in entries.items() if entry.is_validation(name) and name != without)
    return next(names, "val_loss")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else written(value)

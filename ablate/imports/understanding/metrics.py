"""The metrics of an imported study: their directions, units and numbers of examples, and the primary one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablate.errors import SourceError
from ablate.imports.questions import OpenQuestionError, Question
from ablate.imports.source import Request, Source
from ablate.imports.understanding.columns import no_number
from ablate.measurement import RATE, Direction, Kind, Metric
from ablate.study.starting.metric_names import (
    TEST,
    TRAIN,
    VALIDATION,
    has_word,
    is_lower_better,
    is_metric,
    is_rate,
)
from ablate.text import listed_in_part

Floats = NDArray[np.float64]

PERCENT = 100.0
MOST_NAMED = 4
"""Metrics that a sentence names."""


@dataclass(frozen=True)
class ImportedMetric:
    """A metric with its values."""

    metric: Metric
    values: Floats
    """The value of each run in the metric's unit, shape (runs,); nan if it is not finite or missing."""
    infinite: NDArray[np.bool_]
    """True for runs whose value is infinite, shape (runs,)."""
    scale: float
    """The number by which values of the source, and their SDs, were multiplied."""
    n: Sequence[int | None]
    """The number of examples of each run; None if it is not known."""


@dataclass(frozen=True)
class Metrics:
    """The metrics of a study, the primary one first."""

    metrics: tuple[ImportedMetric, ...]
    notes: tuple[str, ...]
    """A sentence for each guess about a metric, and for each column that is not used."""


def metrics_of(source: Source, names: Sequence[str], request: Request) -> Metrics:
    """Return the metrics; SourceError if it is not known which values of a requested or the only one are better."""
    directions = {**source.directions, **request.directions}
    known = [name for name in names if name in directions or is_metric(name)]
    without = [name for name in names if name not in known]
    wanted = [name for name in without if name in request.metrics] or ([] if known else without)
    if wanted:
        message = "\n".join(
            f"it is not known which values of {name} are better; write --metric '{name}:higher' or '{name}:lower'"
            for name in wanted
        )
        choices = tuple(f"{name}:{direction.better}" for name in wanted for direction in Direction)
        raise OpenQuestionError(message, Question("--metric", "Which values of the metric are better?", choices))
    if faults := [fault for name in known if (fault := no_number(source, name))]:
        raise SourceError("\n".join(faults))
    ordered = sorted(known, key=lambda name: _rank(name, request), reverse=True)
    metrics = [_metric(source, name, request, directions) for name in ordered]
    notes = [*_guesses([each for each in metrics if each.metric.name not in directions]), *_percent(source, metrics)]
    if without:
        names = listed_in_part(without, MOST_NAMED)
        notes.append(f"not used, as the better values are not known: {names}; --metric '{without[0]}:higher' uses one")
    return Metrics(tuple(metrics), (*_note_on_primary(ordered, request), *notes))


def _guesses(metrics: Sequence["ImportedMetric"]) -> Iterator[str]:
    """Yield which values are better by the names of metrics, a sentence for each direction."""
    for direction in Direction:
        if names := [each.metric.name for each in metrics if each.metric.direction is direction]:
            whose = "its name" if len(names) == 1 else "their names"
            yield f"{direction.better} values of {listed_in_part(names, MOST_NAMED)} are taken as better, by {whose}"


def _percent(source: Source, metrics: Sequence["ImportedMetric"]) -> Iterator[str]:
    if names := [each.metric.name for each in metrics if each.scale != 1]:
        yield f"values of {listed_in_part(names, MOST_NAMED)} are read as percent, as some are above 1"


def _rank(name: str, request: Request) -> tuple[int, ...]:
    """Return the order of metrics: the highest is the primary one."""
    if name in request.metrics:
        return (9, -request.metrics.index(name))
    split = 2 if has_word(name, TEST) else 0 if has_word(name, VALIDATION) else -1 if has_word(name, TRAIN) else 1
    return (split, 2 if is_rate(name) else 0 if is_lower_better(name) else 1)


def _note_on_primary(ordered: Sequence[str], request: Request) -> Sequence[str]:
    if request.metrics or len(ordered) < 2:
        return ()
    return (
        f"verdicts are about {ordered[0]}, chosen by its name out of {len(ordered)} metrics; --metric chooses another",
    )


def _metric(source: Source, name: str, request: Request, directions: Mapping[str, Direction]) -> ImportedMetric:
    """Return a metric with its values."""
    guessed = Direction.MINIMIZE if is_lower_better(name) else Direction.MAXIMIZE
    direction = directions.get(name, guessed)
    values = pd.to_numeric(source.runs[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.isinf(values)
    values = np.where(infinite, np.nan, values)
    present = values[~np.isnan(values)]
    is_within = bool(len(present)) and present.min() >= 0
    scale = 1.0
    looks_rate = name in source.percent or is_rate(name)
    if looks_rate and name not in source.percent and is_within and 1 < present.max() <= PERCENT:
        scale = 1 / PERCENT
    is_share = looks_rate and is_within and present.max() * scale <= 1
    n = [request.examples] * len(values) if request.examples else list(source.counts.get(name, [None] * len(values)))
    metric = Metric(name, direction)
    if is_share:
        metric = replace(metric, bounds=(0.0, 1.0), display=RATE)
        if any(n):
            metric = replace(metric, kind=Kind.PROPORTION if _are_counts(values * scale, n) else Kind.MEAN)
    counts = n if is_share or not request.examples else [None] * len(values)
    return ImportedMetric(metric, values * scale, infinite, scale, counts)


def _are_counts(values: Floats, n: Sequence[int | None]) -> bool:
    """Return True if every value is a whole number over its number of examples, within the rounding of its decimals."""
    totals = np.array([np.nan if each is None else each for each in n], dtype=float)
    used = ~np.isnan(values) & ~np.isnan(totals)
    decimals = np.array([_decimals(value) for value in values[used].tolist()])
    counts = values[used] * totals[used]
    return bool(np.all(np.abs(counts - np.rint(counts)) <= 0.51 * totals[used] * 10.0**-decimals + 1e-6))


def _decimals(value: float) -> int:
    """Return the number of decimals that a value is written with."""
    text = f"{value:.12f}".rstrip("0")
    return len(text.rpartition(".")[2])

"""Runs understood as a study: rows with the results of their seeds, factors, metrics, and what rests on a guess."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.errors import SourceError
from ablate.imports.questions import Question
from ablate.imports.source import DIVERGED, DONE, FAILED, RUNNING, ExampleValues, Request, Source
from ablate.imports.understanding.columns import NONE, Columns, columns_of, could_pair, note_on_pairs
from ablate.imports.understanding.factors import ImportedFactor, factors_of
from ablate.imports.understanding.metrics import ImportedMetric, metrics_of
from ablate.imports.understanding.rows import Grouped, group
from ablate.imports.understanding.series import last_steps
from ablate.imports.understanding.states import with_states
from ablate.measurement import Metric
from ablate.study.factors import LevelName, level_text
from ablate.text import listed_in_part, plural

MOST_NAMED = 6
MOST_SEEDS = 100
"""A larger number next to a mean is taken for one of examples, and not of seeds."""


@dataclass(frozen=True, slots=True)  # there may be a million
class ImportedRun:
    """One run of an imported study."""

    place: str
    values: Mapping[str, float]
    """{metric: value in its unit}, nan if it is not finite; metrics without a value are left out."""
    counts: Mapping[str, int]
    """{metric: number of examples}, for those where it is known."""
    state: str = DONE
    reason: str = ""
    """Why it has no result; empty if it has one."""
    undeclared: Mapping[str, str] = field(default_factory=dict)
    """{setting that varies and is no factor: its value}: a difference in it confounds a comparison."""
    examples: Mapping[str, ExampleValues] = field(default_factory=dict)


@dataclass(frozen=True)
class SeedSpread:
    """The spread of a row that stands for several seeds, on one metric."""

    sd: float | None
    seeds: int | None


@dataclass(frozen=True)
class ImportedRow:
    """A row of an imported study."""

    label: str
    levels: Mapping[str, LevelName]
    runs: Mapping[int, ImportedRun]
    """{seed: run}; numbers from 0 if the rows are not paired."""
    spreads: Mapping[str, SeedSpread] = field(default_factory=dict)
    """{metric: spread}, if the row's only run is a mean over seeds."""


@dataclass(frozen=True)
class ImportedStudy:
    """A source understood as a study."""

    kind: str
    why: str
    factors: tuple[ImportedFactor, ...]
    rows: tuple[ImportedRow, ...]
    metrics: tuple[Metric, ...]
    """The primary metric first."""
    constants: Mapping[str, Any]
    """{setting: the value that all runs share}."""
    circumstances: tuple[str, ...]
    """Columns that are set aside: ids, times, hosts, paths, commits."""
    undeclared: tuple[str, ...]
    """Settings that vary and are no factors by request."""
    seed: str
    """The column of the seeds; empty if there is none."""
    unpaired: str
    """Why the runs of two rows are not paired; empty if they are paired by seed."""
    notes: tuple[str, ...]
    """A sentence for each guess."""
    unused: tuple[str, ...]
    """A sentence for each part of the source that is not used."""
    questions: tuple[Question, ...] = ()
    """Questions to a user about guesses that change verdicts."""


def understand(source: Source, request: Request) -> ImportedStudy:
    """Return a source as a study; SourceError with what to type if it needs a word from the user."""
    if source.runs.empty:
        raise SourceError("there is no run in it; accepted: a line for each run")
    source = with_states(source)
    columns, last, steps = last_steps(source, columns_of(source, request), request)
    kept = np.intersect1d(_kept(source, request), last)
    metrics = metrics_of(source, columns.metrics, request)
    unfinished = [at for at in kept if source.states[at] == RUNNING] if source.states else []
    kept = np.setdiff1d(kept, unfinished)
    if not len(kept):
        raise SourceError("every run of it is unfinished; accepted: runs that have ended")
    factors, constants, undeclared = _factors(source, columns, request, kept)
    grouped = group(source, kept, factors, columns.seed, metrics.metrics)
    rows = tuple(
        _row(source, grouped, at, metrics.metrics, undeclared, request.seeds) for at in range(len(grouped.labels))
    )
    spreads = any(row.spreads for row in rows)
    could = could_pair(source, columns) if grouped.unpaired and not spreads else []
    pairs = note_on_pairs(could)
    if any(one.seeds is None for row in rows for one in row.spreads.values()):
        pairs.append("the number of seeds of a mean is not known, so there are no intervals; --seeds N gives it")
    unused = [*source.unused, *_unfinished(source, unfinished)]
    return ImportedStudy(
        source.kind,
        source.why,
        tuple(factors),
        rows,
        tuple(each.metric for each in metrics.metrics),
        constants,
        columns.circumstances,
        tuple(undeclared),
        columns.seed,
        "the source has means over seeds" if spreads else grouped.unpaired,
        (
            *metrics.notes,
            *([steps] if steps else []),
            *columns.notes,
            *grouped.notes,
            *_notes(factors, undeclared),
            *pairs,
        ),
        tuple(unused),
        tuple(_questions(metrics.metrics, could, request)),
    )


def _questions(metrics: Sequence[ImportedMetric], could: Sequence[str], request: Request) -> Iterator[Question]:
    if len(metrics) > 1 and not request.metrics:
        choices = tuple(f"{each.metric.name}:{each.metric.direction.better}" for each in metrics)
        yield Question("--metric", "Which metric are verdicts about?", choices)
    if could and not request.seed:
        yield Question("--seed", "Which column has the number that pairs runs of different rows?", ("", *could))


def _kept(source: Source, request: Request) -> NDArray[np.int64]:
    """Return the positions of the runs that have the values of `--where`; SourceError if none has."""
    kept = np.ones(len(source.runs), dtype=bool)
    for column, value in request.where.items():
        texts = source.runs[column].map(lambda cell: level_text(cell.item() if isinstance(cell, np.generic) else cell))
        has_value = ((texts == value) | (source.runs[column].astype(str) == value)).to_numpy()
        if not has_value.any():
            known = listed_in_part(list(dict.fromkeys(map(str, texts))), MOST_NAMED)
            raise SourceError(f"--where: no run has {column}={value}; its values are {known}")
        kept &= has_value
    if not kept.any():
        raise SourceError("--where: no run has all of these values")
    return np.flatnonzero(kept)


def _factors(
    source: Source, columns: Columns, request: Request, kept: NDArray[np.int64]
) -> tuple[list[ImportedFactor], dict[str, Any], list[str]]:
    """Return the factors, the constants, and the settings that vary and are no factors by request."""
    used = source.runs.iloc[kept]
    found, constants = factors_of(used, columns.settings)
    undeclared: list[str] = []
    if request.factors:
        undeclared = [key for factor in found for key in factor.keys if key not in request.factors]
        found, _ = factors_of(used, () if request.factors == NONE else request.factors)
    return [_over_all(factor, kept, len(source.runs)) for factor in found], constants, undeclared


def _over_all(factor: ImportedFactor, kept: NDArray[np.int64], runs: int) -> ImportedFactor:
    """Return the factor with its codes by position among all runs; −1 for those that are not kept."""
    codes = np.full(runs, -1, dtype=np.int64)
    codes[kept] = factor.codes
    return replace(factor, codes=codes)


def _row(
    source: Source,
    grouped: Grouped,
    at: int,
    metrics: Sequence[ImportedMetric],
    undeclared: Sequence[str],
    given: int | None,
) -> ImportedRow:
    """Return a row. `given`: the number of seeds of each mean, if the source does not have it."""
    runs = {seed: _run(source, position, metrics, undeclared) for seed, position in grouped.runs[at].items()}
    spreads = {}
    for each in metrics:
        name = each.metric.name
        if name in source.spreads and len(runs) == 1:
            (position,) = grouped.runs[at].values()
            sd, seeds = float(source.spreads[name].sd[position]), int(source.spreads[name].seeds[position])
            stated = seeds if 0 < seeds <= MOST_SEEDS else None
            spreads[name] = SeedSpread(None if np.isnan(sd) else sd * each.scale, given or stated)
    return ImportedRow(grouped.labels[at], grouped.levels[at], runs, spreads)


def _run(source: Source, at: int, metrics: Sequence[ImportedMetric], undeclared: Sequence[str]) -> ImportedRun:
    state, reason = _end(source, at, metrics[0])
    return ImportedRun(
        source.places[at],
        {each.metric.name: float(each.values[at]) for each in metrics if not np.isnan(each.values[at])},
        {each.metric.name: int(count) for each in metrics if (count := each.n[at]) is not None} or _NONE,
        state,
        reason,
        {name: str(source.runs[name].iloc[at]) for name in undeclared} or _NONE,
        {name: examples for name, values in source.examples.items() if (examples := values[at]) is not None} or _NONE,
    )


_NONE: Mapping[str, Any] = MappingProxyType({})
"""One for all runs."""


def _end(source: Source, at: int, primary: ImportedMetric) -> tuple[str, str]:
    """Return the state of a run, and why it has no result; empty if it has one."""
    state = source.states[at] if source.states else DONE
    if state == DONE and primary.infinite[at]:
        return DIVERGED, f"{primary.metric.name} is infinite in the source"
    if state == DONE and np.isnan(primary.values[at]):
        return FAILED, f"{primary.metric.name} has no value in the source"
    return state, "" if state == DONE else f"{state} in the source"


def _unfinished(source: Source, positions: Sequence[int]) -> list[str]:
    if not positions:
        return []
    places = listed_in_part([source.places[at] for at in positions], 3)
    return [f"{plural(len(positions), 'run')} without an end: {places}"]


def _notes(factors: Sequence[ImportedFactor], undeclared: Sequence[str]) -> list[str]:
    notes = [
        f"{listed_in_part(list(factor.keys), MOST_NAMED)} always vary together, so their effects cannot be told apart: "
        "comparisons across them are confounded"
        for factor in factors
        if factor.is_bundle
    ]
    if undeclared:
        names = listed_in_part(list(undeclared), MOST_NAMED)
        notes.append(f"{names} vary and are no factors; comparisons of runs that differ in them are confounded")
    return notes

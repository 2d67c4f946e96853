"""Runs grouped into rows of equal levels, and the runs of a row as seeds or as replicates without a pair."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablate.errors import SourceError
from ablate.imports.source import Source
from ablate.imports.understanding.factors import ImportedFactor
from ablate.imports.understanding.metrics import ImportedMetric
from ablate.study.factors import LevelName, label_word
from ablate.text import listed_in_part, plural

MOST_NAMED = 3
"""Runs that a sentence names."""
ONLY_ROW = "all runs"
"""The label of the row of a source without factors."""


@dataclass(frozen=True)
class Grouped:
    """The rows of a study as positions of runs."""

    labels: tuple[str, ...]
    levels: tuple[Mapping[str, LevelName], ...]
    """{factor: level} of each row."""
    runs: tuple[Mapping[int, int], ...]
    """{seed, or number of the replicate: position of the run} of each row."""
    unpaired: str
    """Why the runs of two rows are not paired; empty if they are paired by seed."""
    notes: tuple[str, ...]


def group(
    source: Source,
    kept: NDArray[np.int64],
    factors: Sequence[ImportedFactor],
    seed: str,
    metrics: Sequence[ImportedMetric],
) -> Grouped:
    """Group the runs at positions `kept` into rows, in the order in which they appear.

    A run that is there twice, with equal values, counts once. Of two runs with the same levels and seed and other
    values, both count, and the rows are not paired then.
    """
    ended = ~np.isnan(metrics[0].values)
    seeds, without = _seeds(source, seed, kept, ended) if seed else ({}, [])
    kept = np.setdiff1d(kept, without)
    codes = np.column_stack([factor.codes for factor in factors] or [np.zeros(len(source.runs), dtype=np.int64)])
    numbers, first = _numbers(codes, kept)
    levels = [{factor.name: factor.levels[factor.codes[at]] for factor in factors} for at in first]
    labels = [", ".join(label_word(*pair) for pair in of_row.items()) or ONLY_ROW for of_row in levels]
    members = [part.tolist() for part in np.split(kept[np.argsort(numbers, kind="stable")], _ends(numbers))]
    unique, again = _without_copies(members, seeds, metrics)
    unique, earlier = _without_failures(unique, seeds, ended)
    notes = [
        *_left_out(source, without, "without a seed and a result"),
        *_left_out(source, again, "with the settings, the seed and all values of an earlier run"),
        *_left_out(source, earlier, "without a result, as another run of the same settings and seed has one"),
    ]
    doubled = [at for of_row in unique for at in _doubled(of_row, seeds)] if seed else []
    apart = seed and not doubled and _are_apart([{seeds[at] for at in of_row} for of_row in unique])
    if seed and not doubled and not apart:
        runs: list[dict[int, int]] = [dict(sorted((seeds[at], at) for at in of_row)) for of_row in unique]
        return Grouped(tuple(labels), tuple(levels), tuple(runs), "", tuple(notes))
    unpaired = ""
    if apart:
        unpaired = "no two rows have a seed in common"
    elif doubled:
        unpaired = f"some seeds of a row have several runs with other results, such as {source.places[doubled[0]]}"
    elif any(len(of_row) > 1 for of_row in unique):
        unpaired = "no column has the seeds"
    return Grouped(
        tuple(labels), tuple(levels), tuple(dict(enumerate(of_row)) for of_row in unique), unpaired, tuple(notes)
    )


def _are_apart(seeds: Sequence[set[int]]) -> bool:
    """Return True if several rows have several seeds, and no two rows share one."""
    total = sum(map(len, seeds))
    return len(seeds) > 1 and total > len(seeds) and len(set().union(*seeds)) == total


def _numbers(codes: NDArray[np.int64], kept: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[int]]:
    """Return the number of each kept run's row, and the position of the first run of each row."""
    frame = pd.DataFrame(codes[kept])
    numbers = np.asarray(frame.groupby(list(frame.columns), sort=False).ngroup(), dtype=np.int64)
    _, first = np.unique(numbers, return_index=True)
    return numbers, [int(at) for at in kept[first]]


def _ends(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ends of groups, but for the last, among runs in the order of their groups."""
    ends: NDArray[np.int64] = np.cumsum(np.bincount(numbers))[:-1]
    return ends


def _seeds(
    source: Source, column: str, kept: NDArray[np.int64], ended: NDArray[np.bool_]
) -> tuple[dict[int, int], list[int]]:
    """Return {position: seed}, and the runs that have neither a seed nor a result.

    Seeds that are no whole numbers get numbers from 0. SourceError if a run with a result has no seed.
    """
    cells = source.runs[column]
    empty = kept[cells.isna().to_numpy()[kept]].tolist()
    with_seed = np.setdiff1d(kept, empty).tolist()
    if missing := [source.places[at] for at in empty if ended[at]]:
        raise SourceError(
            f"{column}, the column of the seeds, is empty in {listed_in_part(missing, MOST_NAMED)}; accepted: a "
            "seed in each run with a result, or another column: --seed COLUMN"
        )
    texts = [str(cell).removesuffix(".0") for cell in cells]
    if all(texts[at].isdigit() and len(texts[at]) < 18 for at in with_seed):
        return {at: int(texts[at]) for at in with_seed}, empty
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    return {at: numbers[text] for at, text in enumerate(texts)}, empty


def _without_failures(
    members: Sequence[Sequence[int]], seeds: Mapping[int, int], ended: NDArray[np.bool_]
) -> tuple[list[list[int]], list[int]]:
    """Return the runs of each row without those that have no result while a run of the same seed has one, and those."""
    if not seeds:
        return [list(of_row) for of_row in members], []
    kept, left_out = [], []
    for of_row in members:
        with_result = {seeds[at] for at in of_row if ended[at]}
        kept.append([at for at in of_row if ended[at] or seeds[at] not in with_result])
        left_out += [at for at in of_row if not ended[at] and seeds[at] in with_result]
    return kept, left_out


def _without_copies(
    members: Sequence[Sequence[int]], seeds: Mapping[int, int], metrics: Sequence[ImportedMetric]
) -> tuple[list[list[int]], list[int]]:
    """Return the runs of each row without those that repeat the seed and all values of an earlier one, and those."""
    unique: list[list[int]] = []
    again: list[int] = []
    for of_row in members:
        seen: set[Any] = set()
        unique.append([])
        for at in of_row:
            values = tuple(repr(float(metric.values[at])) for metric in metrics)
            known = (seeds.get(at), values)
            if seeds and known in seen:
                again.append(at)
            else:
                unique[-1].append(at)
            seen.add(known)
    return unique, again


def _doubled(of_row: Sequence[int], seeds: Mapping[int, int]) -> Iterator[int]:
    """Yield runs whose seed an earlier run of the row has."""
    seen: set[int] = set()
    for at in of_row:
        if seeds[at] in seen:
            yield at
        seen.add(seeds[at])


def _left_out(source: Source, runs: Sequence[int], why: str) -> list[str]:
    if not runs:
        return []
    places = listed_in_part([source.places[at] for at in runs], MOST_NAMED)
    return [f"left out: {plural(len(runs), 'run')} {why}: {places}"]

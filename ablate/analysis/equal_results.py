"""Rows and seeds of which the results are equal to the last bit although they come from different trainings.

Totals are compared first, for all rows; the ranks of single queries are read only for those with equal totals.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.results import RowResult
from ablate.analysis.untested import EqualResults

Ranks = NDArray[np.uint32]
ReadRanks = Callable[[Collection[str]], Iterable[tuple[str, Ranks]]]
"""Takes trial keys and returns (trial key, rank of each query) of those whose ranks are known."""


def equal_results(rows: Sequence[RowResult], read_ranks: ReadRanks) -> EqualResults:
    """Return the rows, and the seeds, that have equal results."""
    of_rows = _groups({row.label: {seed: _total(row, seed) for seed in row.seeds} for row in rows if row.seeds})
    by_label = {row.label: row for row in rows}
    of_rows = [group for group in of_rows if len(_trials(by_label, group)) > 1]
    every_seed = {seed for row in rows for seed in row.seeds}
    of_seeds = _groups(
        {seed: {row.label: _total(row, seed) for row in rows if seed in row.results} for seed in sorted(every_seed)}
    )
    trials = {trial for group in of_rows for label in group for trial in by_label[label].trials.values()}
    trials |= {row.results[seed].trial for group in of_seeds for seed in group for row in rows if seed in row.results}
    if not trials:
        return EqualResults()
    contents = {key: ranks.tobytes() for key, ranks in read_ranks(trials) if len(np.unique(ranks)) > 1}
    rows_by_ranks = [
        {label: {seed: contents.get(key, key) for seed, key in by_label[label].trials.items()} for label in group}
        for group in of_rows
    ]
    seeds_by_ranks = [
        {
            seed: {row.label: contents.get(key := row.results[seed].trial, key) for row in rows if seed in row.results}
            for seed in group
        }
        for group in of_seeds
    ]
    return EqualResults(
        tuple(tuple(group) for each in rows_by_ranks for group in _groups(each) if len(_trials(by_label, group)) > 1),
        tuple(tuple(group) for each in seeds_by_ranks for group in _groups(each)),
    )


def _trials(rows: Mapping[str, RowResult], labels: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the trials of each row; rows of the same trials once."""
    return {tuple(rows[label].trials.values()) for label in labels}


def _total(row: RowResult, seed: int) -> tuple[Any, ...]:
    """Return the totals of one result."""
    result = row.results[seed]
    return result.queries, tuple(sorted(result.hits.items())), tuple(sorted(result.precisions.items()))


def _groups(values: Mapping[Any, Mapping[Any, Any]]) -> list[list[Any]]:
    """Return the groups of two or more names that have equal values."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for name, of_name in values.items():
        groups.setdefault(tuple(of_name.items()), []).append(name)
    return [group for group in groups.values() if len(group) > 1]

"""Rows and seeds of which the results are equal to the last bit although they come from different trainings.

Values are compared first, for all rows; the examples are read only for those with equal values.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ablate.analysis.results import RowResult
from ablate.analysis.untested import EqualResults
from ablate.measurement import COST
from ablate.study.metrics import split_of

ReadContents = Callable[[Collection[str]], Mapping[str, bytes]]
"""Takes trial keys and returns {trial key: digest of its whole result} of those that chance cannot make equal."""


def equal_results(rows: Sequence[RowResult], read_contents: ReadContents) -> EqualResults:
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
    contents = read_contents(trials)
    rows_by_content = [
        {label: {seed: contents.get(key, key) for seed, key in by_label[label].trials.items()} for label in group}
        for group in of_rows
    ]
    seeds_by_content = [
        {
            seed: {row.label: contents.get(key := row.results[seed].trial, key) for row in rows if seed in row.results}
            for seed in group
        }
        for group in of_seeds
    ]
    return EqualResults(
        tuple(tuple(group) for each in rows_by_content for group in _groups(each) if len(_trials(by_label, group)) > 1),
        tuple(tuple(group) for each in seeds_by_content for group in _groups(each)),
    )


def _trials(rows: Mapping[str, RowResult], labels: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the trials of each row; rows of the same trials once."""
    return {tuple(rows[label].trials.values()) for label in labels}


def _total(row: RowResult, seed: int) -> tuple[Any, ...]:
    """Return the values of one result, without the costs of its training, which chance changes."""
    result = row.results[seed]
    values = ((name, str(one.value), one.n) for name, one in result.values.items() if split_of(name) != COST)
    return tuple(sorted(result.sizes.items())), tuple(sorted(values))


def _groups(values: Mapping[Any, Mapping[Any, Any]]) -> list[list[Any]]:
    """Return the groups of two or more names that have equal values."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for name, of_name in values.items():
        groups.setdefault(tuple(of_name.items()), []).append(name)
    return [group for group in groups.values() if len(group) > 1]

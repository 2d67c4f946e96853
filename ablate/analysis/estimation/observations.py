"""The results of all rows on one metric as arrays: hits by row and seed, and hits of each query if they are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.results import TESTED_ON, RowResult, StudyResults
from ablate.analysis.stats.resolution import rounding_variance
from ablate.study.plan.limits import TEST, of_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROUNDING = 1e-9
"""Rates that differ by less are equal."""


@dataclass(frozen=True)
class Observations:
    """The results of all rows on one metric."""

    hits: Floats
    """Number of hits, shape (rows, seeds); nan if there is no result."""
    n: Ints
    """Number of queries of each row, shape (rows,); 0 if a row has no result."""
    queries: Mapping[int, Bools] = field(default_factory=dict)
    """{position of a seed: hit or miss of each row and query, shape (rows, queries)}; empty if only totals exist."""
    paired: Mapping[int, Bools] = field(default_factory=dict)
    """{position of a seed: the rows whose hits are known on the same queries, shape (rows,)}; empty like `queries`."""
    training: Ints | None = None
    """A number for each row, shape (rows,). Rows with one number are evaluations of the same trainings, so that their
    runs are not independent. None if every row has trainings of its own."""
    limits: Floats | None = None
    """The lowest and the highest rate that the data leave each row, in [0, 1], shape (2, rows). None: 0 and 1."""
    trials: Ints | None = None
    """A number for the trial of each run, shape (rows, seeds), and below 0 if there is none. Runs with one number are
    one trial, so that a comparison of them shows nothing. None if every run is a trial of its own."""
    equal: Ints | None = None
    """A number for each row, shape (rows,). Rows with one number have equal results of every query. None if no two rows
    have."""

    def cannot_differ(self, first: Ints, second: Ints) -> Bools:
        """Return True for runs of pairs of rows that show no difference whatever the factors do, (pairs, seeds).

        They are one trial, or their rows have equal results to the last bit.
        """
        cannot = np.zeros((len(first), self.hits.shape[1]), dtype=bool)
        if self.trials is not None:
            cannot |= (self.trials[first] == self.trials[second]) & (self.trials[first] >= 0)
        if self.equal is not None:
            cannot |= (self.equal[first] == self.equal[second])[:, None]
        return cannot

    @cached_property
    def rates(self) -> Floats:
        """Rates in percent, shape (rows, seeds)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rates: Floats = 100 * self.hits / self.n[:, None]
        return rates

    @cached_property
    def variance_model(self) -> VarianceModel:
        """The spread between seeds over all rows; rows whose runs are not independent count as one row.

        Rows at an end of the scale in every run have no room to spread, so they say nothing about the other rows.
        """
        counts = self.n[self.n > 0]
        floor = rounding_variance(float(counts.min())) if len(counts) else 0.0
        chosen = self._representatives
        return VarianceModel(_with_room(self.rates[chosen], 100 * self.ends[:, chosen]), floor)

    @cached_property
    def constant(self) -> Floats:
        """The rate of rows whose results show nothing, in [0, 1], shape (rows,); nan for the others.

        The data fix it, or every result of the study is the same and at an end of the scale. Results that could not
        differ, or that are all at one end, look as if they were precise.
        """
        if self.shared_end is not None:
            return np.where(np.isnan(self.hits).all(axis=1), np.nan, self.shared_end)
        low, high = self.ends
        return np.where(high - low < ROUNDING, high, np.nan)

    @cached_property
    def shared_end(self) -> float | None:
        """The rate of every result, in [0, 1], if it is the same and an end of each row's scale; otherwise None."""
        has_result = ~np.isnan(self.hits)
        if not has_result.any():
            return None
        rates = self.rates / 100
        value = float(rates[has_result][0])
        if np.any(np.abs(rates[has_result] - value) > ROUNDING):
            return None
        at_end = np.any(np.abs(self.ends[:, has_result.any(axis=1)] - value) <= ROUNDING, axis=0)
        return value if at_end.all() else None

    @cached_property
    def ends(self) -> Floats:
        """The lowest and the highest rate of each row, in [0, 1], shape (2, rows)."""
        return np.repeat([[0.0], [1.0]], len(self.n), axis=1) if self.limits is None else self.limits

    @cached_property
    def groups(self) -> Ints:
        """A number from 0 for each row, shape (rows,), that is the same for rows whose runs are not independent.

        They share their trainings, or have equal results to the last bit.
        """
        numbers = np.arange(len(self.n)) if self.training is None else self.training.copy()
        for number in np.unique(self.equal) if self.equal is not None else ():
            joined = np.unique(numbers[self.equal == number])
            numbers[np.isin(numbers, joined)] = joined[0]
        return np.unique(numbers, return_inverse=True)[1].reshape(-1)

    @cached_property
    def noisy(self) -> Bools:
        """True for rows whose trainings spread more than the others can explain, shape (rows,)."""
        return self.variance_model.noisy[self.groups]

    @cached_property
    def _representatives(self) -> Ints:
        """The row with most seeds of each group, so that every training, and every result, counts once."""
        seeds = np.sum(~np.isnan(self.hits), axis=1)
        order = np.lexsort((np.arange(len(seeds)), -seeds, self.groups))
        first = np.unique(self.groups[order], return_index=True)[1]
        return order[first]


def _with_room(rates: Floats, ends: Floats) -> Floats:
    """Return rates, shape (rows, seeds), without the rows that are at one of their ends, (2, rows), in every run.

    All rows stay if fewer than two others have several runs. In percent.
    """
    several = np.sum(~np.isnan(rates), axis=1) > 1
    at_end = (np.abs(rates - ends[:, :, None]) <= 100 * ROUNDING) | np.isnan(rates)
    stuck = several & at_end.all(axis=2).any(axis=0)
    return np.where(stuck[:, None], np.nan, rates) if np.sum(several & ~stuck) > 1 else rates


def rate_observations(
    results: StudyResults, metric: str, hits: Mapping[str, NDArray[np.bool_]] | None = None
) -> Observations:
    """Return the rows' hits on a metric as arrays; a row whose rates cannot be has none.

    `hits`: {trial key: hit or miss of each query}, if known.
    """
    possible = [(at, row) for at, row in enumerate(results.rows) if not row.impossible]
    metrics = {at: row.metrics[metric] for at, row in possible if metric in row.metrics}
    counts = _by_seed(results, {at: rate.hits for at, rate in metrics.items() if rate.n})
    n = np.array([metrics[at].n if at in metrics else 0 for at in range(len(results.rows))], dtype=np.int64)
    queries, paired = _by_query(results, hits or {})
    counts[:, [seed in results.equal.repeated_seeds for seed in results.seeds]] = np.nan
    of_rows = trainings_shared(results.rows), _limits(results, metric), _trials(results), _equal(results)
    return Observations(counts, n, queries, paired, *of_rows)


def precision_observations(results: StudyResults, name: str) -> Observations:
    """Return the rows' mean precisions as if they were rates, with hits = mean × queries, to measure their spread."""
    n = np.array([row.tests[0].queries if row.results else 0 for row in results.rows], dtype=np.int64)
    values = {at: row.precisions[name].values for at, row in enumerate(results.rows) if name in row.precisions}
    return Observations(_by_seed(results, values) * n[:, None], n, training=trainings_shared(results.rows))


def _by_seed(results: StudyResults, values: Mapping[int, Sequence[float]]) -> Floats:
    """Turn {position of a row: a value for each of its seeds} into an array, shape (rows, seeds); nan if missing."""
    seeds = {seed: at for at, seed in enumerate(results.seeds)}
    table = np.full((len(results.rows), len(seeds)), np.nan)
    for at, of_row in values.items():
        table[at, [seeds[seed] for seed in results.rows[at].seeds]] = of_row
    return table


def trainings_shared(rows: Sequence[RowResult]) -> Ints:
    """Return a number for each row: the position of the first row that it shares a training with."""
    first: dict[str, int] = {}
    numbers = np.arange(len(rows))
    for at, row in enumerate(rows):
        keys = [result.training for result in row.results.values()]
        numbers[at] = min([first[key] for key in keys if key in first], default=at)
        for key in keys:
            first.setdefault(key, int(numbers[at]))
    return numbers


def _limits(results: StudyResults, metric: str) -> Floats:
    """Return the lowest and the highest rate that the data leave each row, in [0, 1], shape (2, rows)."""
    limits = of_rows(results.document.limits, [row.label for row in results.rows], TEST)
    ends = [(0.0, 1.0) if one is None else one.range(metric) for one in limits]
    return np.array(ends, dtype=float).reshape(-1, 2).T


def _trials(results: StudyResults) -> Ints | None:
    """Return `Observations.trials`."""
    if results.imported and not results.document.declared:
        return None
    numbers: dict[str, int] = {}
    found = np.full((len(results.rows), len(results.seeds)), -1, dtype=np.int64)
    for at, row in enumerate(results.rows):
        for position, seed in enumerate(results.seeds):
            if seed in row.results:
                found[at, position] = numbers.setdefault(row.results[seed].trial, len(numbers))
    return found


def _equal(results: StudyResults) -> Ints | None:
    """Return `Observations.equal`."""
    if not results.equal.rows:
        return None
    group = {label: at for at, labels in enumerate(results.equal.rows) for label in labels}
    alone = len(results.equal.rows)
    return np.array([group.get(row.label, alone + at) for at, row in enumerate(results.rows)], dtype=np.int64)


def _by_query(
    results: StudyResults, hits: Mapping[str, NDArray[np.bool_]]
) -> tuple[dict[int, NDArray[np.bool_]], dict[int, NDArray[np.bool_]]]:
    """Return `Observations.queries` and `Observations.paired`.

    The rows of a seed that were tested on other examples than most rows of the seed are left out.
    """
    queries, paired = {}, {}
    for position, seed in enumerate(results.seeds):
        rows = ((at, row) for at, row in enumerate(results.rows) if not row.impossible)
        of_rows = {at: row.results[seed] for at, row in rows if seed in row.results}
        trials = {at: result.trial for at, result in of_rows.items() if result.trial in hits}
        data = {at: (of_rows[at].environment.get(TESTED_ON), len(hits[key])) for at, key in trials.items()}
        kinds = list(data.values())
        usual = max(dict.fromkeys(kinds), key=kinds.count, default=None)
        kept = [at for at in trials if data[at] == usual]
        if usual is None or not kept:
            continue
        of_seed = np.zeros((len(results.rows), usual[1]), dtype=bool)
        of_seed[kept] = np.stack([hits[trials[at]] for at in kept])
        queries[position] = of_seed
        paired[position] = np.isin(np.arange(len(results.rows)), kept)
    return queries, paired

"""One contrast after another measured: an effect, its standard error, and the method that the data allows.

Effects are in percentage points. A contrast is a sum of rows' rates with weights that add up to zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.observations import Observations
from ablate.analysis.estimation.seed_differences import PAIR_PRECISION, SeedDifferences, pair_values, seedwise
from ablate.analysis.estimation.single_seed import OneSeed, combinations_of_one_seed, pairs_of_one_seed
from ablate.analysis.stats.crossed_effects import crossed
from ablate.analysis.stats.t_tests import t_equivalence, t_interval, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

POOLED_T, SEPARATE_T, CROSSED = "pooled t", "separate t", "crossed"
NO_METHOD = ""


@dataclass(frozen=True)
class EstimateArrays:
    """Contrasts measured, arrays of shape (contrasts,). `one_seed`: parts that have their own test and interval."""

    effect: Floats
    seeds: Ints
    standard_error: Floats
    df: Floats
    own_error: Floats
    own_df: Floats
    methods: NDArray[Any]
    one_seed: Sequence[OneSeed] = ()

    @property
    def p(self) -> Floats:
        """p of no effect, not adjusted; nan where there is no result."""
        return self._overridden(t_test(self.effect, self.standard_error, self.df))

    def p_equivalence(self, delta: float) -> Floats:
        """p of an effect of `delta` pp or more; nan where one seed leaves the spread unknown."""
        return t_equivalence(self.effect, self.standard_error, self.df, delta)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        low, high = t_interval(self.effect, self.standard_error, self.df, confidence)
        for part in self.one_seed:
            low[part.at], high[part.at] = part.interval(confidence)
        return low, high

    def own_interval(self, confidence: float) -> tuple[Floats, Floats]:
        """By each contrast's own seed-wise values; nan with fewer than two seeds."""
        return t_interval(self.effect, self.own_error, self.own_df, confidence)

    def _overridden(self, p: Floats) -> Floats:
        for part in self.one_seed:
            p[part.at] = part.p
        return p


ROUNDING = 1e-9
"""Weights below it are zero: those of rows that share a training cancel but for their rounding."""


def measure_pairs(cells: Observations, first: Ints, second: Ints, new_queries: bool = False) -> EstimateArrays:
    """Pairs of rows, `second` less `first`. `new_queries`: over other queries as well as over other seeds (E2).

    Two evaluations of the same trainings differ by far less than two trainings do: by their own seed-wise values.
    """
    spread = cells.spread
    within = cells.groups[first] == cells.groups[second]
    separate = cells.noisy[first] | cells.noisy[second] | within
    values = pair_values(cells.rates, first, second)
    found = _measured(seedwise(spread, values, np.full(values.shape, PAIR_PRECISION), separate))
    if new_queries:
        _cross(found, cells, values, lambda k: (np.array([first[k], second[k]]), np.array([-1.0, 1.0])))
    parts = [
        part
        for seed in range(values.shape[1])
        for part in pairs_of_one_seed(
            cells, seed, np.flatnonzero((found.seeds == 1) & ~np.isnan(values[:, seed])), first, second
        )
    ]
    for part in parts:
        found.methods[part.at] = part.method
    return _with(found, parts)


def measure_combinations(cells: Observations, weights: Floats, new_queries: bool = False) -> EstimateArrays:
    """Contrasts given by weights, shape (seeds, contrasts, rows); nan in all rows where a seed cannot give one.

    Rows that share a training count as one run of the sum of their weights.
    """
    spread = cells.spread
    counted = np.nan_to_num(weights)
    rates = np.nan_to_num(cells.rates)
    values = np.einsum("skr,rs->ks", counted, rates)
    values[np.isnan(weights).any(axis=2).T] = np.nan
    of_trainings = counted @ np.eye(len(cells.spread.present))[cells.groups]
    within = np.all(np.abs(of_trainings) < ROUNDING, axis=(0, 2))
    squares = np.sum(np.where(within[None, :, None], counted, 0.0) ** 2, axis=2) + np.sum(of_trainings**2, axis=2)
    with np.errstate(divide="ignore"):
        precision = 1 / squares.T
    noisy = (np.abs(counted) > 0).any(axis=0) @ cells.noisy.astype(int) > 0
    found = _measured(seedwise(spread, values, precision, noisy | within))
    if new_queries:
        _cross(found, cells, values, lambda k: _of_all_seeds(weights[:, k]))
    parts: list[OneSeed] = []
    for seed in range(values.shape[1]):
        at = np.flatnonzero((found.seeds == 1) & ~np.isnan(values[:, seed]))
        parts += combinations_of_one_seed(cells, seed, at, counted[seed])
    for part in parts:
        found.methods[part.at] = part.method
    return _with(found, parts)


def _measured(found: SeedDifferences) -> EstimateArrays:
    methods = np.where(found.seeds < 2, NO_METHOD, np.where(found.separate, SEPARATE_T, POOLED_T)).astype(object)
    return EstimateArrays(
        found.effect, found.seeds, found.standard_error, found.df, found.own_error, found.own_df, methods
    )


def _with(found: EstimateArrays, parts: Sequence[OneSeed]) -> EstimateArrays:
    return EstimateArrays(
        found.effect,
        found.seeds,
        found.standard_error,
        found.df,
        found.own_error,
        found.own_df,
        found.methods,
        [part for part in parts if len(part.at)],
    )


def _cross(
    found: EstimateArrays, cells: Observations, values: Floats, weights_of: Callable[[int], tuple[Ints, Floats] | None]
) -> None:
    """Puts E2's error in the place of E1's where several seeds have it; where it cannot be had, E1's stays.

    `weights_of` gives the rows of a contrast and what they count, if that is the same for all seeds.
    """
    for k in np.flatnonzero(found.seeds > 1):
        seeds = [int(seed) for seed in np.flatnonzero(~np.isnan(values[k]))]
        weighted = weights_of(int(k))
        if weighted is None or not all(s in cells.paired and cells.paired[s][weighted[0]].all() for s in seeds):
            continue
        rows, weights = weighted
        scores = np.stack([weights @ cells.queries[seed][rows] for seed in seeds])
        _, error, df, positive = crossed(100 * scores)
        if positive:
            found.standard_error[k], found.df[k], found.methods[k] = error, df, CROSSED


def _of_all_seeds(weights: Floats) -> tuple[Ints, Floats] | None:
    """The rows that count in a contrast and their weights, shape (seeds, rows); None if seeds differ in them."""
    given = weights[~np.isnan(weights).any(axis=1)]
    if not len(given) or not np.all(given == given[0]):
        return None
    rows = np.flatnonzero(given[0])
    return rows, given[0][rows]

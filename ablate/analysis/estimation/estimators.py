"""Estimates of contrasts: an effect, its standard error, and the method that the data allows.

Effects are in the metric's unit. A contrast is a sum of the rows' values with weights that add up to zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.observations import Observations
from ablate.analysis.estimation.row_spreads import RowSpreads
from ablate.analysis.estimation.seed_differences import PAIR_PRECISION, SeedDifferences, pair_values, seedwise
from ablate.analysis.estimation.single_seed import OneSeed, combinations_of_one_seed, pairs_of_one_seed
from ablate.analysis.estimation.welch import WelchErrors, welch
from ablate.analysis.stats.clusters import by_cluster
from ablate.analysis.stats.crossed_effects import crossed
from ablate.analysis.stats.t_tests import t_equivalence, t_interval, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

POOLED_T, SEPARATE_T, CROSSED, WELCH = "pooled t", "separate t", "crossed", "welch"
NO_METHOD = ""
ROUNDING = 1e-9
"""A weight below it counts as zero: weights of rows that share a training cancel except for rounding."""


@dataclass(frozen=True)
class EstimateArrays:
    """Estimates of many contrasts; every array has the shape (contrasts,)."""

    effect: Floats
    """Nan without a result."""
    seeds: Ints
    """The number of seeds that the contrast has a value for."""
    standard_error: Floats
    """By the method that is used; nan with fewer than two seeds, or if their spread is not known."""
    df: Floats
    """Degrees of freedom of `standard_error`."""
    own_error: Floats
    """From the contrast's own seed-wise values alone; nan likewise."""
    own_df: Floats
    """Degrees of freedom of `own_error`."""
    methods: NDArray[Any]
    """The name of each contrast's method, `NO_METHOD` if it has no result."""
    one_seed: Sequence[OneSeed] = ()
    """Groups of contrasts with one seed, which have a test and an interval of their own."""
    constant: Floats | None = None
    """The value that all results of a contrast have, if they show neither an effect nor its absence: it has no
    estimate then. nan for the other contrasts; None if there are none such. See `Observations.constant`."""
    alike: Bools | None = None
    """True for contrasts of rows with equal results in every seed: they show neither an effect nor its absence. None if
    there are none."""
    unpaired: WelchErrors | None = None
    """The details of Welch's errors, if rows are not paired by seed; None if they are. Then `seeds` is the smallest
    number of runs of a row of the contrast, and 0 if it is not known."""

    @property
    def p(self) -> Floats:
        """The p of no effect, not adjusted; nan without a result."""
        p = t_test(self.effect, self.standard_error, self.df)
        for part in self.one_seed:
            p[part.at] = part.p
        return p

    def p_equivalence(self, delta: float) -> Floats:
        """Return the p of an effect of `delta` or more, not adjusted; nan if no results could show that it is smaller.

        So it is with one seed, whose spread is unknown, and for results that are equal in every seed.
        """
        p = t_equivalence(self.effect, self.standard_error, self.df, delta)
        return p if self.alike is None else np.where(self.alike, np.nan, p)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """Return the ends of each contrast's interval; nan without a result."""
        low, high = t_interval(self.effect, self.standard_error, self.df, confidence)
        for part in self.one_seed:
            low[part.at], high[part.at] = part.interval(confidence)
        return low, high

    def own_interval(self, confidence: float) -> tuple[Floats, Floats]:
        """Return the ends of the intervals from each contrast's own values; nan with fewer than two seeds."""
        return t_interval(self.effect, self.own_error, self.own_df, confidence)


def estimate_pairs(observations: Observations, first: Ints, second: Ints, new_examples: bool = False) -> EstimateArrays:
    """Estimate pairs of rows, `second` minus `first`.

    `new_examples`: estimate for new examples as well as for new seeds (E2). A pair of evaluations of the same trainings
    uses its own seed-wise values, because it varies far less than two trainings do. Pairs that cannot differ have no
    estimate: a test of them would show the absence of an effect that nothing could show.
    """
    if observations.spreads is not None:
        return _unpaired_pairs(observations, observations.spreads, first, second)
    same_training = observations.groups[first] == observations.groups[second]
    separate = observations.noisy[first] | observations.noisy[second] | same_training
    values, constant = _pair_values(observations, first, second)
    precision = np.full(values.shape, PAIR_PRECISION)
    estimates = _estimate_arrays(seedwise(observations.variance_model, values, precision, separate))
    if new_examples:
        _use_crossed_errors(
            estimates, observations, values, lambda k: (np.array([first[k], second[k]]), np.array([-1.0, 1.0]))
        )
    parts = [
        part
        for seed in range(values.shape[1])
        for part in pairs_of_one_seed(observations, seed, _only_with(estimates, values, seed), first, second)
    ]
    alike = observations.are_alike(first, second)
    return replace(_with_one_seed(estimates, parts), constant=constant, alike=alike)


def _pair_values(observations: Observations, first: Ints, second: Ints) -> tuple[Floats, Floats]:
    """Return each seed's difference of pairs of rows, (pairs, seeds), and the value that both rows have for certain.

    Differences of runs that cannot differ are nan, and so are values of rows that can.
    """
    values = pair_values(observations.values, first, second)
    fixed = observations.constant
    constant = np.where(fixed[first] == fixed[second], fixed[first], np.nan)
    values[~np.isnan(constant)] = np.nan
    values[observations.cannot_differ(first, second)] = np.nan
    return values, constant


def _unpaired_pairs(observations: Observations, spreads: RowSpreads, first: Ints, second: Ints) -> EstimateArrays:
    """Estimate pairs of rows that are not paired by seed. Pairs of rows with one run each are those of one seed."""
    values, constant = _pair_values(observations, first, second)
    errors = welch(np.array([-1.0, 1.0]), np.column_stack([first, second]), spreads)
    estimates = _welch_estimates(values[:, 0], errors)
    parts = pairs_of_one_seed(observations, 0, _of_one_run(estimates), first, second)
    alike = observations.are_alike(first, second)
    return replace(_with_one_seed(estimates, parts), constant=constant, alike=alike)


def _unpaired_combinations(
    observations: Observations, spreads: RowSpreads, weights: Floats, values: Floats, constant: Floats
) -> EstimateArrays:
    """Estimate contrasts of rows that are not paired by seed. `weights`: (contrasts, rows); `values`: (contrasts,)."""
    estimates = _welch_estimates(values, welch(weights, np.arange(weights.shape[1]), spreads))
    parts = combinations_of_one_seed(observations, 0, _of_one_run(estimates), weights)
    return replace(_with_one_seed(estimates, parts), constant=constant)


def _welch_estimates(effect: Floats, errors: WelchErrors) -> EstimateArrays:
    """Return estimates without a result of one seed; no interval is from the contrast's own seed-wise values."""
    nan, has_effect = np.full(effect.shape, np.nan), ~np.isnan(effect)
    has_error = has_effect & (errors.runs > 1) & (errors.lacking == 0)
    return EstimateArrays(
        effect,
        np.where(has_effect, errors.runs, 0),
        np.where(has_error, errors.standard_error, np.nan),
        errors.df,
        nan,
        np.ones(effect.shape),
        np.where(has_error, WELCH, NO_METHOD).astype(object),
        unpaired=errors,
    )


def _of_one_run(estimates: EstimateArrays) -> Ints:
    """Return the positions of the contrasts of rows that all have one run."""
    lacking = 0 if estimates.unpaired is None else estimates.unpaired.lacking
    return np.flatnonzero((estimates.seeds == 1) & (lacking == 0) & ~np.isnan(estimates.effect))


def estimate_combinations(observations: Observations, weights: Floats, new_examples: bool = False) -> EstimateArrays:
    """Estimate contrasts given by weights, shape (seeds, contrasts, rows).

    The weights of all rows are nan if a seed cannot give the contrast. `new_examples`: as in `estimate_pairs`. Rows
    that share a training count as one run with the sum of their weights.
    """
    finite_weights = np.nan_to_num(weights)
    values = np.einsum("skr,rs->ks", finite_weights, np.nan_to_num(observations.values))
    values[np.isnan(weights).any(axis=2).T] = np.nan
    constant = _constant(observations.constant, finite_weights)
    values[~np.isnan(constant)] = np.nan
    if observations.spreads is not None:
        return _unpaired_combinations(observations, observations.spreads, finite_weights[0], values[:, 0], constant)
    of_trainings = finite_weights @ np.eye(len(observations.variance_model.present))[observations.groups]
    same_training = np.all(np.abs(of_trainings) < ROUNDING, axis=(0, 2))
    squares = np.sum(np.where(same_training[None, :, None], finite_weights, 0.0) ** 2, axis=2) + np.sum(
        of_trainings**2, axis=2
    )
    with np.errstate(divide="ignore"):
        precision = 1 / squares.T
    noisy = (np.abs(finite_weights) > 0).any(axis=0) @ observations.noisy.astype(int) > 0
    estimates = _estimate_arrays(seedwise(observations.variance_model, values, precision, noisy | same_training))
    if new_examples:
        _use_crossed_errors(estimates, observations, values, lambda k: _weights_of_all_seeds(weights[:, k]))
    parts: list[OneSeed] = []
    for seed in range(values.shape[1]):
        at = _only_with(estimates, values, seed)
        parts += combinations_of_one_seed(observations, seed, at, finite_weights[seed])
    return replace(_with_one_seed(estimates, parts), constant=constant)


def _constant(fixed: Floats, weights: Floats) -> Floats:
    """Return the value that all rows of a contrast have for certain, shape (contrasts,); nan if there is none.

    `fixed`: of the rows, nan for those that can vary. `weights`: shape (seeds, contrasts, rows).
    """
    used = (np.abs(weights) > ROUNDING).any(axis=0)
    low = np.where(used, fixed, np.inf).min(axis=1, initial=np.inf)
    high = np.where(used, fixed, -np.inf).max(axis=1, initial=-np.inf)
    return np.where(low == high, low, np.nan)


def _estimate_arrays(differences: SeedDifferences) -> EstimateArrays:
    methods = np.where(differences.seeds < 2, NO_METHOD, np.where(differences.separate, SEPARATE_T, POOLED_T)).astype(
        object
    )
    return EstimateArrays(
        differences.effect,
        differences.seeds,
        differences.standard_error,
        differences.df,
        differences.own_error,
        differences.own_df,
        methods,
    )


def _only_with(estimates: EstimateArrays, values: Floats, seed: int) -> Ints:
    """Return the positions of the contrasts that have a value for this seed and for no other."""
    return np.flatnonzero((estimates.seeds == 1) & ~np.isnan(values[:, seed]))


def _with_one_seed(estimates: EstimateArrays, parts: Sequence[OneSeed]) -> EstimateArrays:
    """Return the estimates with the methods of contrasts that have one seed."""
    for part in parts:
        estimates.methods[part.at] = part.method
    return replace(estimates, one_seed=[part for part in parts if len(part.at)])


def _use_crossed_errors(
    estimates: EstimateArrays,
    observations: Observations,
    values: Floats,
    weights_of: Callable[[int], tuple[Ints, Floats] | None],
) -> None:
    """Replace E1's errors by E2's, in place, for contrasts of several seeds whose examples are known.

    E1's error stays if E2's cannot be computed. `weights_of` returns the rows of a contrast and their weights, or None
    if these differ between seeds.
    """
    for k in np.flatnonzero(estimates.seeds > 1):
        seeds = [int(seed) for seed in np.flatnonzero(~np.isnan(values[k]))]
        weighted_rows = weights_of(int(k))
        if weighted_rows is None:
            continue
        rows, weights = weighted_rows
        if not all(seed in observations.paired and observations.paired[seed][rows].all() for seed in seeds):
            continue
        if len({observations.tests.get(seed) for seed in seeds}) > 1:  # seeds were tested on different examples
            continue
        scores = np.stack([weights @ observations.examples[seed][rows] for seed in seeds])
        _, error, df, positive = crossed(by_cluster(scores, observations.clusters.get(seeds[0])))
        if positive:
            least = observations.variance_model.floor * np.sum(weights**2) / len(seeds)
            estimates.standard_error[k] = np.sqrt(max(float(error) ** 2, least))
            estimates.df[k], estimates.methods[k] = df, CROSSED


def _weights_of_all_seeds(weights: Floats) -> tuple[Ints, Floats] | None:
    """Return the rows that count in a contrast and their weights; None if these differ between seeds.

    `weights`: shape (seeds, rows), nan for seeds that cannot give the contrast.
    """
    usable = weights[~np.isnan(weights).any(axis=1)]
    if not len(usable) or not np.all(usable == usable[0]):
        return None
    rows = np.flatnonzero(usable[0])
    return rows, usable[0][rows]

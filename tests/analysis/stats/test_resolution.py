"""No spread between seeds is below the rounding to whole queries, in any interval that a report prints."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.estimation.observations import Observations
from ablate.analysis.estimation.single_seed import combinations_of_one_seed
from ablate.analysis.power.batch_verdicts import judge
from ablate.analysis.search.reruns import FinalistRerun
from ablate.analysis.stats.resolution import resolution_variance, variance_of_seeds
from ablate.trainers.top_k import TOP_K
from tests.support.analysis.analysis_rows import results, row
from tests.support.examples import examples

QUERIES = 30
ROUNDING = 1 / QUERIES / np.sqrt(12)
"""SD of a rate that is rounded to whole queries: that of the uniform law over one query."""


def half(ends: tuple[float, float] | None) -> float:
    assert ends is not None
    return (ends[1] - ends[0]) / 2


def least(seeds: int, df: float, squares: float = 1.0) -> float:
    """The half-width at 95 % that rounding alone gives a mean over seeds."""
    return float(stats.t.ppf(0.975, df) * ROUNDING * np.sqrt(squares / seeds))


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(1, 10**6))
def test_rounding_has_the_variance_of_the_uniform_law(queries: int) -> None:
    assert resolution_variance(1 / queries) == pytest.approx(stats.uniform(scale=1 / queries).var())


def test_without_a_resolution_there_is_no_least_variance() -> None:
    assert resolution_variance(0.0) == 0.0


def test_a_spread_above_rounding_stays_as_it_is() -> None:
    assert variance_of_seeds([0.1, 0.5], 1 / QUERIES) == pytest.approx(0.08)
    assert variance_of_seeds([0.1, 0.5], 0.0) == pytest.approx(0.08)


def test_values_that_agree_spread_by_rounding_or_nobody_knows_by_how_much() -> None:
    assert variance_of_seeds([0.1, 0.1, 0.1], 1 / QUERIES) == pytest.approx(ROUNDING**2)
    assert np.isnan(variance_of_seeds([0.1, 0.1, 0.1], 0.0)), "although their mean in floats is not 0.1"


@pytest.mark.parametrize("seeds", [2, 3, 7])
def test_the_optimism_of_seeds_that_agree_has_an_interval(seeds: int) -> None:
    rerun = FinalistRerun(TOP_K[1], 0.5, (0.4,) * seeds, 0.95, QUERIES)
    assert rerun.optimism == pytest.approx(0.1)
    assert rerun.optimism_interval is not None
    assert half(rerun.optimism_interval) >= min(least(seeds, seeds - 1), 0.4) * (1 - 1e-9)


def test_intervals_of_rates_stay_within_0_and_1() -> None:
    assert FinalistRerun(TOP_K[1], 1.0, (1.0, 1.0), 0.95, QUERIES).interval == (pytest.approx(0.914, abs=1e-3), 1.0)


def agreeing(seeds: int, environments: Mapping[int, Mapping[str, str]] | None = None) -> Analysis:
    """A study of four rows whose seeds agree to the last query."""
    levels = [{"a": a, "b": b} for a in ("off", "on") for b in ("off", "on")]
    hits = [10, 12, 11, 20]
    rows = [row(n + 1, levels[n], dict.fromkeys(range(seeds), hits[n]), QUERIES) for n in range(4)]
    return analyse(results({"a": ["off", "on"], "b": ["off", "on"]}, rows))


@pytest.mark.parametrize("seeds", [2, 5])
def test_contrasts_effects_interactions_and_rows_of_seeds_that_agree(seeds: int) -> None:
    analysis = agreeing(seeds)
    df = 3 * (seeds - 1)
    for contrast in analysis.contrasts:
        assert half(contrast.estimate.interval) >= least(seeds, df, 2) * (1 - 1e-9)
        assert half(contrast.estimate.separate) >= least(seeds, seeds - 1, 2) * (1 - 1e-9)
    for effect in analysis.effects:
        assert half(effect.estimate.interval) >= least(seeds, df, 1) * (1 - 1e-9)
    for interaction in analysis.interactions:
        assert half(interaction.estimate.interval) >= least(seeds, df, 4) * (1 - 1e-9)
    for of_row in analysis.results.rows:
        low, high = analysis.interval(of_row, "top1")
        assert (high - low) / 2 >= stats.t.ppf(0.975, 10**6) * ROUNDING / np.sqrt(seeds)


def test_a_reference_uses_its_own_seeds_and_no_less_than_rounding() -> None:
    from dataclasses import replace

    made = agreeing(2).results
    reference = row(1, {}, {0: 15, 1: 15}, QUERIES, label="reference")
    analysis = analyse(replace(made, references=(reference,)))
    low, high = analysis.interval(reference, "top1")
    assert (high - low) / 2 == pytest.approx(least(2, 1), rel=1e-6)


def test_new_queries_and_seeds_have_no_smaller_error_either() -> None:
    """One query that a row gains in one seed and loses in the other: the variances of E2 nearly cancel."""
    from ablate.analysis.estimation.estimators import estimate_pairs

    queries = {}
    for seed in range(2):
        hit = np.zeros((3, QUERIES), dtype=bool)
        hit[0, :10] = True
        hit[1, seed : 10 + seed] = True
        hit[2, :12] = True
        queries[seed] = hit.astype(np.float32)
    rates = np.stack([queries[seed].mean(axis=1) for seed in range(2)], axis=1).astype(float)
    paired = {seed: np.ones(3, dtype=bool) for seed in range(2)}
    observations = Observations(rates, np.full(3, QUERIES), TOP_K[1], queries, paired)
    estimates = estimate_pairs(observations, np.array([0, 0]), np.array([1, 2]), new_examples=True)
    assert np.all(estimates.standard_error >= ROUNDING * np.sqrt(2 / 2) * (1 - 1e-9))


def test_a_mean_over_contexts_of_one_seed_has_a_width() -> None:
    hit = np.zeros((4, QUERIES), dtype=bool)
    hit[:, :10] = True
    rates, n, of_query = hit.mean(axis=1)[:, None], np.full(4, QUERIES), {0: hit.astype(np.float32)}
    observations = Observations(rates, n, TOP_K[1], of_query, {0: np.ones(4, dtype=bool)})
    weights = np.array([[-0.5, 0.5, -0.5, 0.5]])
    (part,) = combinations_of_one_seed(observations, 0, np.array([0]), weights)
    low, high = part.interval(0.95)
    assert (high - low) / 2 >= stats.norm.ppf(0.975) * ROUNDING * (1 - 1e-9)


def test_rates_at_the_ends_decide_nothing_by_a_variance_of_0() -> None:
    """Three rows of totals only, one query each, all or nothing: no p of exactly 0."""
    observations = Observations(np.array([[0.0], [1.0], [1.0], [1.0]]), np.full(4, 1), TOP_K[1])
    weights = np.array([[-0.5, 0.5, -0.5, 0.5]])
    (part,) = combinations_of_one_seed(observations, 0, np.array([0]), weights)
    assert part.p[0] > 0.001


def test_simulated_studies_for_power_have_the_same_floor() -> None:
    rates = np.full((1, 3, 2), 10 / QUERIES)
    verdicts = judge(rates, [0, 0], [1, 2], 0.05, 0.005, resolution=1 / QUERIES)
    assert np.all(100 * (verdicts.high - verdicts.low) / 2 >= least(2, 2, 2))

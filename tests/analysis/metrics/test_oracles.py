"""Means, numbers and ratios against scipy, statsmodels and numbers worked out by hand."""

from math import log

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.estimation.estimates import EffectEstimate
from ablate.analysis.estimation.estimators import CROSSED, POOLED_T, SEPARATE_T
from ablate.analysis.estimation.single_seed import CLUSTERED_T, PAIRED_T
from ablate.measurement import Direction, Kind, Metric, Scale
from tests.support.analysis.value_studies import SQUARE, study_of_values
from tests.support.examples import examples

LOSS = Metric("loss", Direction.MINIMIZE, Kind.MEAN, "nats")
SCORE = Metric("score")
SECONDS = Metric("seconds", Direction.MINIMIZE, unit="s", bounds=(0.0, np.inf), scale=Scale.LOG)
PAIR = [{"a": "off"}, {"a": "on"}]


def of_examples(seed: int, rows: int = 4, count: int = 60, *, seeds: int = 1) -> np.ndarray:
    """Values of examples that are hard in every row or in none, shape (seeds, rows, examples)."""
    rng = np.random.default_rng(seed)
    hard = rng.gamma(2.0, 1.0, count) + rng.normal(0, 0.2, (seeds, 1, 1))
    return (hard + rng.normal(0, 0.5, (seeds, rows, count)) + 0.1 * np.arange(rows)[:, None]).astype(np.float32)


def mean_study(values: np.ndarray, clusters: np.ndarray | None = None, population: str = "seeds") -> Analysis:
    """The analysis of a mean of these examples, shape (seeds, rows, examples)."""
    means = values.mean(axis=2, dtype=float).T
    study = study_of_values(LOSS, 0.02, SQUARE[: values.shape[1]], means, values, clusters)
    return analyse(study, population)  # type: ignore[arg-type]


def ends(estimate: EffectEstimate) -> tuple[float, float]:
    assert estimate.interval is not None
    return estimate.interval


def test_two_rows_of_one_seed_are_compared_by_the_paired_t_of_their_examples() -> None:
    values = of_examples(1)
    for contrast in mean_study(values).contrasts:
        one, other = (values[0, row.number - 1].astype(float) for row in (contrast.before, contrast.after))
        expected = stats.ttest_rel(other, one)
        found = contrast.estimate
        assert found.method == PAIRED_T
        assert found.effect == pytest.approx(float(np.mean(other - one)))
        assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
        assert found.interval == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)


def test_effects_and_interactions_of_one_seed_are_t_tests_of_weighted_sums() -> None:
    values = of_examples(2)
    analysis = mean_study(values)
    off_off, off_on, on_off, on_on = values[0].astype(float)
    (interaction,) = analysis.interactions
    sums = {
        "a": ((on_off - off_off) + (on_on - off_on)) / 2,
        "b": ((off_on - off_off) + (on_on - on_off)) / 2,
        "interaction": on_on - on_off - off_on + off_off,
    }
    found = {**{effect.factor: effect.estimate for effect in analysis.effects}, "interaction": interaction.estimate}
    for name, scores in sums.items():
        expected = stats.ttest_1samp(scores, 0)
        assert found[name].method == PAIRED_T
        assert found[name].p == pytest.approx(expected.pvalue, rel=1e-9)
        assert found[name].interval == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)


@settings(max_examples=examples(50), deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 20))
def test_clustered_errors_are_those_of_statsmodels(seed: int, groups: int) -> None:
    """Clusters of any size, in any order."""
    rng = np.random.default_rng(seed)
    clusters = np.concatenate([np.arange(groups), rng.integers(0, groups, 60 - groups)])
    values = of_examples(seed) + rng.normal(0, 0.5, (1, 4, groups)).astype(np.float32)[..., clusters]
    analysis = mean_study(values, clusters)
    two = {"a": values[0, [2, 3]].mean(axis=0, dtype=float) - values[0, [0, 1]].mean(axis=0, dtype=float)}
    scores = [
        (one.estimate, np.subtract(values[0, one.after.number - 1], values[0, one.before.number - 1], dtype=float))
        for one in analysis.contrasts
    ]
    scores += [(effect.estimate, two["a"]) for effect in analysis.effects if effect.factor == "a"]
    assert len(scores) == 7
    for found, of_contrast in scores:
        fit = sm.OLS(of_contrast, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
        assert found.method == CLUSTERED_T
        assert found.p == pytest.approx(fit.pvalues[0], rel=1e-5)
        assert found.interval == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-5, abs=1e-7)


def test_clusters_of_a_proportion_are_no_independent_examples_either() -> None:
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(12), 5)
    easy = np.repeat(rng.random((4, 12)), 5, axis=1)
    hits = (easy + 0.3 * rng.random((4, 60)) < 0.7).astype(np.float32)[None]
    metric = Metric("accuracy", kind=Kind.PROPORTION, bounds=(0.0, 1.0))
    study = study_of_values(metric, 0.005, SQUARE, hits.mean(axis=2, dtype=float).T, hits, clusters)
    for contrast in analyse(study).contrasts:
        differences = np.subtract(hits[0, contrast.after.number - 1], hits[0, contrast.before.number - 1], dtype=float)
        fit = sm.OLS(differences, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
        assert contrast.estimate.method == CLUSTERED_T
        assert contrast.estimate.p == pytest.approx(fit.pvalues[0], rel=1e-6)


def test_for_new_clusters_and_seeds_equal_clusters_are_as_their_means() -> None:
    values, clusters = of_examples(5, seeds=3), np.repeat(np.arange(12), 5)
    means = values.reshape(3, 4, 12, 5).mean(axis=3)
    population = "examples-and-seeds"
    by_example, by_mean = (mean_study(*each, population).contrasts for each in ((values, clusters), (means, None)))
    for clustered, of_means in zip(by_example, by_mean, strict=True):
        assert clustered.estimate.method == of_means.estimate.method == CROSSED
        assert clustered.estimate.p == pytest.approx(of_means.estimate.p, rel=1e-4)
        assert clustered.estimate.interval == pytest.approx(of_means.estimate.interval, rel=1e-4, abs=1e-6)


def ragged(seed: int, missing: int) -> np.ndarray:
    """Numbers of four rows and five seeds, of which some are missing."""
    rng = np.random.default_rng(seed)
    values = rng.normal(3.0, 0.4, (4, 5)) + rng.normal(0, 1.0, 5) + np.arange(4)[:, None]
    for at in rng.choice(20, missing, replace=False):
        values.flat[at] = np.nan
    return values


def fitted(values: np.ndarray):  # type: ignore[no-untyped-def]
    at = np.argwhere(~np.isnan(values))
    frame = pd.DataFrame({"row": at[:, 0], "seed": at[:, 1], "metric": values[tuple(at.T)]})
    return smf.ols("metric ~ C(row) + C(seed)", frame).fit()


def test_numbers_of_a_full_table_are_judged_by_least_squares() -> None:
    values = ragged(6, 0)
    model = fitted(values)
    for contrast in analyse(study_of_values(SCORE, 0.1, SQUARE, values)).contrasts:
        if contrast.before.number == 1:
            name = f"C(row)[T.{contrast.after.number - 1}]"
            assert contrast.estimate.effect == pytest.approx(model.params[name])
            assert contrast.estimate.p == pytest.approx(model.pvalues[name], rel=1e-6)
            assert contrast.estimate.interval == pytest.approx(tuple(model.conf_int().loc[name]))


@settings(max_examples=examples(40), deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_numbers_of_a_ragged_table_have_the_spread_of_row_and_seed(seed: int, missing: int) -> None:
    """The effect is the mean over common seeds; its error is from the residual variance that statsmodels finds."""
    values = ragged(seed, missing)
    model = fitted(values)
    analysis = analyse(study_of_values(SCORE, 0.1, SQUARE, values))
    for contrast in analysis.contrasts:
        differences = values[contrast.after.number - 1] - values[contrast.before.number - 1]
        common = differences[~np.isnan(differences)]
        found = contrast.estimate
        if found.method != POOLED_T:  # a row is noisy, or too few seeds are common
            assert len(common) < 2 or found.method == SEPARATE_T
            continue
        error = np.sqrt(2 * model.mse_resid / len(common))
        assert found.effect == pytest.approx(common.mean())
        assert found.p == pytest.approx(2 * stats.t.sf(abs(common.mean()) / error, model.df_resid), rel=1e-6)
        half = stats.t.ppf(0.975, model.df_resid) * error
        assert ends(found) == pytest.approx((common.mean() - half, common.mean() + half))


def test_a_ratio_by_hand() -> None:
    """Seconds 8 and 16 against 4 and 4: halved, then halved twice, so the mean of the binary logarithms is −1.5.

    Their SD is √.5, the error of the mean is .5, and t of one degree of freedom is 12.7062.
    """
    values = np.array([[8.0, 16.0], [4.0, 4.0]])
    analysis = analyse(study_of_values(SECONDS, 1.05, PAIR, values))
    found = analysis.steps[0].estimate
    assert found.effect is not None
    assert found.effect == pytest.approx(-1.5 * log(2))
    assert SECONDS.shown(found.effect) == pytest.approx(0.3535534)
    low, high = (SECONDS.shown(end) for end in ends(found))
    assert low == pytest.approx(2 ** (-1.5 - 12.7062047 / 2), rel=1e-6)
    assert high == pytest.approx(2 ** (-1.5 + 12.7062047 / 2), rel=1e-6)
    assert found.p == pytest.approx(2 * stats.t.sf(3, 1), rel=1e-9)


def test_ratios_are_t_tests_of_logarithms() -> None:
    rng = np.random.default_rng(8)
    values = np.exp(rng.normal(2.0, 0.1, (2, 6)) + rng.normal(0, 0.3, 6) + np.array([[0.0], [0.4]]))
    expected = stats.ttest_rel(np.log(values[1]), np.log(values[0]))
    study = study_of_values(SECONDS, 1.05, PAIR, values)
    found = analyse(study).steps[0].estimate
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert ends(found) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    (alone,) = study_of_values(SECONDS, 1.05, PAIR[:1], values[:1]).rows
    logs = np.log(values[0])
    interval = stats.t.interval(0.95, 5, logs.mean(), stats.sem(logs))
    of_row = analyse(study_of_values(SECONDS, 1.05, PAIR[:1], values[:1])).interval(alone, "seconds")
    assert alone.values["seconds"].mean == pytest.approx(stats.gmean(values[0]))
    assert of_row == pytest.approx(tuple(np.exp(interval)))


def test_the_smallest_ratio_that_counts_is_one_of_equivalence() -> None:
    """By two one-sided tests within ±log 1.2; the same numbers are undecided within ±log 1.001."""
    logs = np.array([[0.0, 0.1, 0.2], [0.002, 0.101, 0.203]])
    wide, narrow = (analyse(study_of_values(SECONDS, delta, PAIR, np.exp(logs))).steps[0] for delta in (1.2, 1.001))
    differences = logs[1] - logs[0]
    error = stats.sem(differences)
    for step, delta in ((wide, 1.2), (narrow, 1.001)):
        p = stats.t.cdf((differences.mean() - log(delta)) / error, 2)
        assert step.estimate.p_equivalence == pytest.approx(p, rel=1e-6)
    assert (wide.estimate.verdict, narrow.estimate.verdict) == ("no_effect", "undecided")

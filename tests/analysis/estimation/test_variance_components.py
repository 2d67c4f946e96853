"""The spread between seeds against least squares by statsmodels, with and without missing cells."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.analysis.estimation.estimators import POOLED_T, SEPARATE_T, estimate_combinations, estimate_pairs
from ablate.analysis.estimation.observations import Observations
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.stats.multiplicity import holm
from ablate.trainers.top_k import TOP_K
from tests.support.examples import examples


def table(rows: int, seeds: int, missing: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rates = rng.normal(27, 0.4, (rows, seeds)) + rng.normal(0, 0.3, (1, seeds)) + rng.normal(0, 2, (rows, 1))
    for at in rng.choice(rows * seeds, missing, replace=False):
        rates.flat[at] = np.nan
    return rates


def fitted(rates: np.ndarray):  # type: ignore[no-untyped-def]
    at = np.argwhere(~np.isnan(rates))
    frame = pd.DataFrame({"row": at[:, 0], "seed": at[:, 1], "metric": rates[tuple(at.T)]})
    return smf.ols("metric ~ C(row) + C(seed)", frame).fit()


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(2, 6), st.integers(2, 6), st.data())
def test_the_residual_variance_is_that_of_row_and_seed(rows: int, seeds: int, data: st.DataObject) -> None:
    rates = table(rows, seeds, data.draw(st.integers(0, rows * seeds // 3)), data.draw(st.integers(0, 10**6)))
    spread, model = VarianceModel(rates), fitted(rates)
    assert spread.df == int(model.df_resid)
    if spread.df > 0:
        assert spread.variance == pytest.approx(model.ssr / model.df_resid, rel=1e-8, abs=1e-12)
    else:
        assert np.isnan(spread.variance)


def test_a_full_table_has_the_usual_df() -> None:
    assert VarianceModel(table(9, 5, 0, 1)).df == 8 * 4


def test_many_studies_at_once_are_as_one_by_one() -> None:
    rates = np.stack([table(5, 4, 0, seed) for seed in range(7)])
    together = VarianceModel(rates)
    for at, alone in enumerate(rates):
        assert together.variance[at] == pytest.approx(VarianceModel(alone).variance)
        assert together.noisy_p[at] == pytest.approx(VarianceModel(alone).noisy_p)


def test_rounding_is_the_least_spread_that_is_believed() -> None:
    same = np.tile(np.array([[27.0], [28.0]]), (1, 4))
    assert VarianceModel(same, floor=0.1**2 / 12).variance == 0.1**2 / 12
    assert np.isnan(VarianceModel(same).variance), "no rounding is known, and nothing shows a spread"


@pytest.mark.parametrize("rates", [np.full((3, 2), np.nan), np.zeros((0, 0)), np.ones((1, 1)), np.ones((4, 1))])
def test_without_repetition_there_is_no_variance(rates: np.ndarray) -> None:
    assert np.isnan(VarianceModel(rates, floor=0.01).variance)


def test_one_noisy_row_is_found_and_equal_rows_are_left_alone() -> None:
    rng = np.random.default_rng(3)
    noisy = rng.normal(0, 0.3, (2000, 9, 10))
    assert np.mean(VarianceModel(noisy).noisy.any(axis=1)) == pytest.approx(0.05, abs=0.02)
    noisy[:, 4] *= 4
    found = VarianceModel(noisy).noisy
    assert found[:, 4].mean() > 0.95
    assert np.delete(found, 4, axis=1).mean() < 0.02


def test_the_noisy_check_is_exact_by_leaving_the_row_out() -> None:
    """The extra sum of squares of one row, by two fits."""
    rates = table(6, 5, 4, 11)
    spread, whole = VarianceModel(rates), fitted(rates)
    for row in range(6):
        rest = fitted(np.delete(rates, row, axis=0))
        own = whole.df_resid - rest.df_resid
        ratio = (whole.ssr - rest.ssr) / own / (rest.ssr / rest.df_resid)
        from scipy import stats

        assert spread.noisy_p[row] == pytest.approx(min(1, 6 * stats.f.sf(ratio, own, rest.df_resid)), rel=1e-6)


def test_the_mean_variance_is_the_pooled_variance_within_rows() -> None:
    rates = table(7, 4, 0, 5)
    variance, df = VarianceModel(rates).mean_variance
    assert variance == pytest.approx(np.var(rates, axis=1, ddof=1).mean())
    assert 3 <= df <= 21


def test_the_interval_of_a_mean_covers_new_seeds() -> None:
    """t on the pooled variance within rows covers the true mean of a row as often as its confidence."""
    from ablate.analysis.stats.t_tests import t_interval

    rng = np.random.default_rng(9)
    rates = rng.normal(0, 0.3, (4000, 9, 3)) + rng.normal(0, 0.2, (4000, 1, 3))
    variance, df = VarianceModel(rates).mean_variance
    low, high = t_interval(rates[:, 0].mean(axis=1), np.sqrt(variance / 3), df, 0.95)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=0.015)


def evaluations(studies: int, trainings: int, each: int, seeds: int, rng: np.random.Generator) -> np.ndarray:
    """Rates of 100,000: rows in groups that share a training, whose spread is four times that of evaluating."""
    trained = np.repeat(rng.normal(0, 400, (studies, trainings, seeds)), each, axis=1)
    hits = np.rint(27_000 + trained + rng.normal(0, 100, (studies, trainings * each, seeds)))
    return np.asarray(hits / 100_000)


@pytest.mark.slow
@pytest.mark.parametrize(("trainings", "each", "seeds"), [(2, 4, 3), (3, 4, 3), (4, 2, 5)])
def test_evaluations_of_one_training_are_no_independent_runs(trainings: int, each: int, seeds: int) -> None:
    """Family-wise false claims between trainings, and between evaluations, stay at 5 %."""
    rows, studies = trainings * each, 400
    group = np.repeat(np.arange(trainings), each)
    first, second = np.triu_indices(rows, 1)
    between = group[first] != group[second]
    wrong = np.zeros((studies, 2), dtype=bool)
    for at, rates in enumerate(evaluations(studies, trainings, each, seeds, np.random.default_rng(trainings))):
        cells = Observations(rates, np.full(rows, 100_000), TOP_K[1], training=group)
        for kind, chosen in enumerate((between, ~between)):
            p = holm(estimate_pairs(cells, first[chosen], second[chosen]).p)
            wrong[at, kind] = (p <= 0.05).any()
    assert (wrong.mean(axis=0) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)).all()


def test_a_factor_of_the_evaluation_is_judged_by_its_own_small_spread() -> None:
    rates = evaluations(1, 3, 2, 5, np.random.default_rng(0))[0]
    cells = Observations(rates, np.full(6, 100_000), TOP_K[1], training=np.array([0, 0, 1, 1, 2, 2]))
    found = estimate_pairs(cells, np.array([0, 0]), np.array([1, 2]))
    assert found.methods.tolist() == [SEPARATE_T, POOLED_T]
    assert found.standard_error[0] < found.standard_error[1] / 2
    assert cells.variance_model.df == 2 * 4
    weights = np.tile(np.array([[-0.5, -0.5, 0.5, 0.5, 0, 0], [-0.5, 0.5, -0.5, 0.5, 0, 0]]), (5, 1, 1))
    mean = estimate_combinations(cells, weights)
    assert mean.methods.tolist() == [POOLED_T, SEPARATE_T]
    assert mean.standard_error[0] == pytest.approx(found.standard_error[1])  # two evaluations are no second training


@pytest.mark.parametrize("rows", [3, 300, 1000, 3000])
def test_many_rows_have_the_residuals_of_a_full_table(rows: int) -> None:
    """The rounding of the normal equations grows with the rows; it is no further seed."""
    values = table(rows, 10, 0, 1)
    residuals = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    model = VarianceModel(values)
    assert model.df == (rows - 1) * 9
    assert float(model.variance) == pytest.approx(float(np.sum(residuals**2)) / model.df, rel=1e-9)

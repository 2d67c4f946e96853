"""Formulas against worked examples of the literature, to half a unit of the last printed digit, and other libraries."""

import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import ArrayLike, NDArray
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest
from statsmodels.stats.weightstats import ttost_paired

from ablate.analysis.stats.stats import (
    Interval,
    agresti_caffo,
    bca,
    benjamini_hochberg,
    bonett_price,
    crossed,
    holm,
    mcnemar,
    newcombe,
    pooled_z,
    tost_paired,
    wilson,
)

N = 12_377  # queries of the log
HITS = {"b1": 2987, "b2": 3430, "b3": 2851, "b2+RE": 3737, "b1+RE": 3180}
# Effect, Agresti–Caffo interval (pp) and pooled p of the log's contrasts, computed apart from this package.
LOG = [
    ("b1", "b2", 2.487794, 4.669489, 1.31573e-10),
    ("b1", "b3", -2.156213, -0.041057, 0.0417329),
    ("b1", "b1+RE", 0.481710, 2.636474, 0.00456524),
    ("b2", "b2+RE", 1.350491, 3.609522, 1.69066e-05),
    ("b2+RE", "b1+RE", -5.616072, -3.383039, 3.03019e-15),
    ("b3", "b2+RE", 6.059863, 8.254702, 3.43822e-37),
]
PENICILLIN = """
27,23,26,23,23,21 27,23,26,23,23,21 25,21,25,24,24,20 26,23,25,23,23,20 25,22,26,22,23,20 24,22,25,23,22,19
24,20,23,21,22,19 26,22,26,24,24,21 24,21,24,22,22,20 24,21,24,23,22,19 26,23,26,24,24,21 25,22,26,24,24,20
26,24,26,24,25,22 26,23,26,23,23,20 26,23,25,24,24,22 25,22,25,23,23,20 25,21,24,23,23,20 25,22,24,23,23,19
24,21,23,21,21,19 26,23,26,24,24,21 25,21,24,22,22,18 25,22,25,22,22,20 24,21,24,22,24,19 24,21,24,22,21,18
"""  # lme4: diameters (mm), a row a plate, a column a sample
HARVEST_X = [4.00, 3.26, 4.14, 3.42, 3.25, 4.34, 4.97, 4.31, 3.11, 3.41, 5.02, 4.21, 4.59, 5.30, 4.32]
HARVEST_Y = [3.76, 3.66, 3.65, 3.60, 3.48, 2.87, 3.24, 3.92, 3.99, 4.21, 4.21, 3.31, 3.61, 2.97, 2.73]
SLEEP_X = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_Y = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


Floats = NDArray[np.float64]
Adjust = Callable[[ArrayLike], Floats]

unhurried = settings(deadline=None)  # the first call of a library's function imports half of it
counts = st.integers(0, 40)
probabilities = hnp.arrays(float, st.integers(1, 12), elements=st.floats(0, 1))


def test_wilson_430_of_474() -> None:
    """A standard textbook example, printed to ten digits for z = 1.96 exactly."""
    z196 = 1 - 2 * (1 - 0.5 * (1 + math.erf(1.96 / math.sqrt(2))))
    assert wilson(430, 474, z196) == pytest.approx((0.8776750858, 0.9301239840), abs=5e-11)


def test_wilson_81_of_263() -> None:
    """Newcombe 1998a."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize(
    ("b", "n_b", "a", "n_a", "low", "high"),
    [(56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090)],
)
def test_newcombe(b: int, n_b: int, a: int, n_a: int, low: float, high: float) -> None:
    """Newcombe 1998b, Table II, method 10."""
    assert newcombe(a, n_a, b, n_b) == pytest.approx((low, high), abs=5e-5)


def test_arrays_broadcast() -> None:
    low, high = newcombe(np.array([[10], [20]]), 100, np.array([30, 40, 50]), 100)
    assert low.shape == high.shape == (2, 3)
    assert low[1, 2] == newcombe(20, 100, 50, 100)[0]


@pytest.mark.parametrize("interval", [newcombe, agresti_caffo])
@given(a=counts, misses_a=counts, b=counts, misses_b=counts)
@unhurried
def test_swapping_changes_the_sign_only(
    interval: Callable[..., Interval], a: int, misses_a: int, b: int, misses_b: int
) -> None:
    low, high = interval(a, a + misses_a, b, b + misses_b)
    back = interval(b, b + misses_b, a, a + misses_a)
    assert (low, high) == pytest.approx((-back[1], -back[0]), nan_ok=True)
    assert not low > high


def test_no_query_has_no_interval() -> None:
    assert np.isnan(wilson(0, 0)).all()
    assert np.isnan(newcombe(0, 0, 1, 2)).all()
    assert np.isnan(agresti_caffo(1, 2, 0, 0)).all()
    assert np.isnan(bonett_price(0, 0, 0)).all()
    assert np.isnan(pooled_z([0, 1, 0], [0, 2, 0], [1, 0, 0], [2, 0, 0])).all()


def test_ends_stay_rates() -> None:
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1


@pytest.mark.parametrize(("a", "b", "low", "high", "p"), LOG)
def test_the_log(a: str, b: str, low: float, high: float, p: float) -> None:
    assert agresti_caffo(HITS[a], N, HITS[b], N) == pytest.approx((low / 100, high / 100), abs=5e-9)
    assert pooled_z(HITS[a], N, HITS[b], N) == pytest.approx(p, rel=4e-6)


@given(a=counts, misses_a=st.integers(1, 40), b=counts, misses_b=st.integers(1, 40))
@unhurried
def test_agresti_caffo_against_statsmodels(a: int, misses_a: int, b: int, misses_b: int) -> None:
    expected = confint_proportions_2indep(b, b + misses_b, a, a + misses_a, method="agresti-caffo")
    assert agresti_caffo(a, a + misses_a, b, b + misses_b) == pytest.approx(expected)


@given(a=st.integers(1, 40), misses_a=st.integers(1, 40), b=counts, misses_b=st.integers(1, 40))
@unhurried
def test_pooled_z_against_statsmodels(a: int, misses_a: int, b: int, misses_b: int) -> None:
    _, expected = proportions_ztest([a, b], [a + misses_a, b + misses_b])
    assert pooled_z(a, a + misses_a, b, b + misses_b) == pytest.approx(expected)


def test_pooled_z_of_rates_without_variance() -> None:
    assert pooled_z([0, 5], [5, 5], [0, 7], [7, 7]).tolist() == [1, 1]


def test_mcnemar_of_armitage_and_berry() -> None:
    p = mcnemar(12, 2)
    assert p.exact == pytest.approx(0.0129, abs=5e-5)
    assert p.midp == pytest.approx(2 * (1 + 14 + 91 / 2) / 2**14)  # by hand: half of the observed point


@given(b=st.integers(0, 300), c=st.integers(0, 300))
@unhurried
def test_mcnemar_against_the_binomial_test(b: int, c: int) -> None:
    p = mcnemar(b, c)
    if b + c:
        assert p.exact == pytest.approx(scipy_stats.binomtest(b, b + c).pvalue, rel=1e-9)
        point = scipy_stats.binom.pmf(b, b + c, 0.5)
        assert p.midp == pytest.approx(1.0 if b == c else p.exact - point, rel=1e-8)
    assert p == mcnemar(c, b)


@pytest.mark.parametrize("b", [500_000, 499_999, 499_000, 498_000, 490_000])
def test_mcnemar_of_a_million_discordant_queries(b: int) -> None:
    expected = scipy_stats.binomtest(b, 1_000_000).pvalue
    assert mcnemar(b, 1_000_000 - b).exact == pytest.approx(expected, rel=1e-7, abs=1e-300)


def test_mcnemar_without_discordance_and_without_a_count() -> None:
    p = mcnemar([0, np.nan, 3], [0, 1, 3])
    assert p.exact.tolist() == pytest.approx([1, np.nan, 1], nan_ok=True)
    assert p.midp.tolist() == pytest.approx([1, np.nan, 1], nan_ok=True)


@pytest.mark.parametrize(
    ("b", "c", "low", "high"),
    [(443, 0, 3.250648, 3.906635), (3430, 2987, 2.311692, 4.845591)],
)
def test_bonett_price_of_the_log(b: int, c: int, low: float, high: float) -> None:
    """Baselines 1 and 2 with the fewest and the most discordant queries that their totals allow."""
    assert bonett_price(b, c, N) == pytest.approx((low / 100, high / 100), abs=5e-9)


@given(b=counts, c=counts, same=counts)
@unhurried
def test_bonett_price_is_symmetric_and_a_difference_of_rates(b: int, c: int, same: int) -> None:
    low, high = bonett_price(b, c, b + c + same)
    back = bonett_price(c, b, b + c + same)
    assert (low, high) == pytest.approx((-back.high, -back.low), nan_ok=True)
    assert not low < -1
    assert not high > 1
    if b + c + same:
        assert low < (b - c) / (b + c + same + 2) < high or b + c == 0


def test_bonett_price_at_its_ends() -> None:
    assert bonett_price(1, 0, 1).high == 1  # (2/3 − 1/3) + 1.96·√((1 − 1/9)/3) = 1.4
    assert bonett_price(0, 1, 1).low == -1
    assert np.isnan(bonett_price(2, 2, 3)).all()


def test_bonett_price_covers() -> None:
    """95 % of the intervals hold the true gain, here .03 of 500 queries, 16 % of them discordant."""
    draws = np.random.default_rng(1).multinomial(500, [0.095, 0.065, 0.84], size=20_000)
    low, high = bonett_price(draws[:, 0], draws[:, 1], 500)
    assert np.mean((low < 0.03) & (high > 0.03)) == pytest.approx(0.95, abs=0.006)


def test_holm_of_the_literature() -> None:
    assert holm([0.319, 0.201, 0.4, 0.374, 0.113]) == pytest.approx([0.957, 0.804, 0.957, 0.957, 0.565], abs=5e-4)


def test_benjamini_hochberg_of_the_paper() -> None:
    """Benjamini & Hochberg 1995, 3.2: four claims of fifteen at .05, and three where none may be false."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    p += [0.7590, 1.0]
    assert (benjamini_hochberg(p) <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert (holm(p) <= 0.05).tolist() == [True] * 3 + [False] * 12


def test_holm_of_the_log() -> None:
    """The single-factor contrasts of the log in both readings of row 5, erasing first."""
    rest = [0.0417329, 0.966875, 0.362158, 0.772226, 0.835982]
    assert holm([1.69066e-05, 3.03019e-15, *rest]) == pytest.approx([1.01e-4, 2.1e-14, 0.209, 1, 1, 1, 1], rel=0.01)
    assert holm([1.69066e-05, 0.00456524, *rest]) == pytest.approx([1.18e-4, 0.0274, 0.209, 1, 1, 1, 1], rel=0.005)


@pytest.mark.parametrize("m", [1, 2, 8, 30])
def test_holm_against_statsmodels(m: int) -> None:
    p = np.random.default_rng(m).random(m).round(1) / 10  # with ties
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@unhurried
@given(p=probabilities)
def test_benjamini_hochberg_against_scipy(p: Floats) -> None:
    assert benjamini_hochberg(p) == pytest.approx(scipy_stats.false_discovery_control(p))


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@given(p=probabilities, data=st.data())
@unhurried
def test_families_keep_order(adjust: Adjust, p: Floats, data: st.DataObject) -> None:
    """Neither the order of the hypotheses matters nor is a smaller p less sure, and adjusting makes none surer."""
    order = np.array(data.draw(st.permutations(range(len(p)))))
    adjusted = adjust(p)
    assert np.array_equal(adjust(p[order]), adjusted[order])
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert (adjusted >= p).all()
    assert (adjusted <= 1).all()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@given(p=hnp.arrays(float, 5, elements=st.floats(0, 1)), later=st.floats(0, 1))
@unhurried
def test_a_hypothesis_not_tested_yet_counts(adjust: Adjust, p: Floats, later: float) -> None:
    """Whatever its p turns out to be, no other claim gets less sure than it was said to be."""
    waiting = adjust([*p, np.nan])
    assert np.isnan(waiting[-1])
    assert waiting[:-1] == pytest.approx(adjust([*p, 1.0])[:-1])
    assert (waiting[:-1] >= adjust([*p, later])[:-1]).all()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_families_of_many_studies(adjust: Adjust) -> None:
    p = np.random.default_rng(2).random((3, 4, 6))
    p[0, 0, 2] = np.nan
    assert np.array_equal(adjust(p)[0, 0], adjust(p[0, 0]), equal_nan=True)
    assert np.array_equal(adjust(p)[2, 3], adjust(p[2, 3]))
    assert adjust([]).shape == (0,)
    assert adjust(np.empty((2, 0))).shape == (2, 0)
    assert np.isnan(adjust([np.nan, np.nan])).all()


def test_tost_of_the_package_equivalence() -> None:
    found = tost_paired(HARVEST_X, HARVEST_Y, 0.6)
    assert found.p == pytest.approx(0.4412034046, abs=5e-11)
    assert (found.low, found.high) == pytest.approx((0.12616533, 0.99916800), abs=5e-9)


def test_paired_t_of_sleep() -> None:
    """The interval of the mean holds R's t: its middle by its standard error."""
    _, low, high = tost_paired(SLEEP_X, SLEEP_Y, 1)
    t = (low + high) / (high - low) * scipy_stats.t.ppf(0.95, 9)
    assert t == pytest.approx(-4.0621, abs=5e-5)
    assert 2 * scipy_stats.t.sf(abs(t), 9) == pytest.approx(0.002833, abs=5e-7)


def test_tost_against_statsmodels_in_a_batch() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.2, 1, (2, 3, 8)), rng.normal(0, 1, (3, 8))
    found = tost_paired(x, y, 0.7)
    assert found.p.shape == found.low.shape == found.high.shape == (2, 3)
    for place in np.ndindex(2, 3):
        assert found.p[place] == pytest.approx(ttost_paired(x[place], y[place[1]], -0.7, 0.7)[0])
        interval = scipy_stats.ttest_rel(x[place], y[place[1]]).confidence_interval(0.9)
        assert (found.low[place], found.high[place]) == pytest.approx((interval.low, interval.high))


@given(
    x=hnp.arrays(float, 5, elements=st.integers(-30, 30)),
    y=hnp.arrays(float, 5, elements=st.integers(-30, 30)),
    delta=st.integers(1, 40),
)
@unhurried
def test_tost_agrees_with_its_interval(x: Floats, y: Floats, delta: int) -> None:
    found, back = tost_paired(x, y, delta + 0.01), tost_paired(y, x, delta + 0.01)
    assert found == pytest.approx((back.p, -back.high, -back.low))
    assert (found.p < 0.05) == (-delta - 0.01 < found.low and found.high < delta + 0.01)


@pytest.mark.parametrize(("delta", "p"), [(0.4, 0), (0.3, 0.5), (0.2, 1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_tost_without_spread(delta: float, p: float, sign: int) -> None:
    """80.3 − 80 and 7.3 − 7 differ in the last bits, which are no spread."""
    found = tost_paired([sign * 80.3, sign * 7.3, sign * 0.3], [sign * 80, sign * 7, 0], delta)
    assert found.p == p
    assert (found.low, found.high) == pytest.approx((sign * 0.3, sign * 0.3))


def test_tost_without_an_answer() -> None:
    for x, y in [([], []), ([1.0], [2.0]), ([1.0, np.nan, 2.0], [1.0, 1.0, 1.0])]:
        assert np.isnan(tost_paired(x, y, 1)).all()
    assert tost_paired(np.empty((4, 0)), np.empty((4, 0)), 1).p.shape == (4,)


def test_tost_of_what_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="2 values of x against 1 of y"):
        tost_paired([1, 2], [1], 1)
    for delta in (0, -1, np.nan):
        with pytest.raises(ValueError, match="delta is"):
            tost_paired([1, 2], [1, 2], delta)


def test_crossed_of_penicillin() -> None:
    """lme4's fit of diameter ~ 1 + (1|plate) + (1|sample), by restricted likelihood."""
    plates = np.array([[float(cell) for cell in row.split(",")] for row in PENICILLIN.split()])
    found = crossed(plates)
    assert found.positive
    assert found.estimate == pytest.approx(22.9722, abs=5e-5)
    assert found.standard_error == pytest.approx(0.808573, abs=5e-7)
    assert found.standard_error**2 == pytest.approx(0.716908 / 24 + 3.73092 / 6 + 0.302415 / 144, abs=1e-6)


def mean_squares(values: NDArray[np.int8]) -> tuple[float, float, float]:
    """Of rows, columns and residual, as textbooks write them."""
    rows, columns = values.shape
    grand, of_row, of_column = values.mean(), values.mean(1), values.mean(0)
    residual = sum((values[r, c] - of_row[r] - of_column[c] + grand) ** 2 for r in range(rows) for c in range(columns))
    return (
        columns * sum((of_row - grand) ** 2) / (rows - 1),
        rows * sum((of_column - grand) ** 2) / (columns - 1),
        residual / ((rows - 1) * (columns - 1)),
    )


@given(
    values=hnp.arrays(
        np.int8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6), elements=st.integers(-1, 1)
    )
)
@unhurried
def test_crossed_against_the_sums(values: NDArray[np.int8]) -> None:
    rows, columns = values.shape
    s, q, e = mean_squares(values)
    found = crossed(values)
    assert found.estimate == pytest.approx(values.mean())
    assert found.positive == (s + q - e > 1e-9)
    if found.positive:
        assert found.standard_error == pytest.approx(math.sqrt((s + q - e) / values.size))
        parts = s**2 / (rows - 1) + q**2 / (columns - 1) + e**2 / (rows - 1) / (columns - 1)
        assert found.df == pytest.approx((s + q - e) ** 2 / parts)
    else:
        assert np.isnan(found.standard_error)
        assert np.isnan(found.df)


def test_crossed_of_seeds_alone_and_queries_alone() -> None:
    """Without query noise it is the standard error of the seeds, and the other way round; 0.1 has no exact mean."""
    seeds, queries = np.array([0.1, 0.4, 0.2]), np.array([0.1, 0.7, 0.3, 0.1])
    found = crossed(np.repeat(seeds[:, None], 4, axis=1))
    assert (found.standard_error, found.df) == pytest.approx((scipy_stats.sem(seeds), 2))
    found = crossed(np.repeat(queries[None], 3, axis=0))
    assert (found.standard_error, found.df) == pytest.approx((scipy_stats.sem(queries), 3))


@pytest.mark.parametrize(
    ("values", "estimate"),
    [
        (np.full((3, 7), 0.1), 0.1),  # nothing varies
        ([[1, 0], [0, 1]], 0.5),  # only the residual does
        ([[1, 1, 0], [0, 0, 0], [1, -1, 1]], 1 / 3),  # MS_s + MS_q = MS_e, but for rounding
        ([[1, 0, 1]], 2 / 3),  # one seed
        ([[1], [0]], 0.5),  # one query
        (np.zeros((4, 9), dtype=bool), 0),  # all failed
        (np.empty((0, 5)), np.nan),
        (np.empty((5, 0)), np.nan),
        ([[1, np.nan], [0, 1]], np.nan),
    ],
)
def test_crossed_without_a_variance(values: ArrayLike, estimate: float) -> None:
    found = crossed(values)
    assert found.estimate == pytest.approx(estimate, nan_ok=True)
    assert np.isnan([found.standard_error, found.df]).all()
    assert not found.positive


def test_crossed_of_many_studies() -> None:
    hits = np.random.default_rng(4).random((3, 2, 5, 40)) < 0.5
    found = crossed(hits)
    for place in np.ndindex(3, 2):
        alone = crossed(hits[place])
        assert [part[place] for part in found] == pytest.approx(list(alone), nan_ok=True)
    assert crossed(np.empty((3, 2, 0, 40))).estimate.shape == (3, 2)


def test_crossed_holds_one_copy() -> None:
    hits = np.zeros((10, N), dtype=np.int8)
    tracemalloc.start()
    crossed(hits)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * hits.size * 8


def test_crossed_covers() -> None:
    """95 % of the intervals hold the true mean 0 where seeds and queries both vary, as no one-way error does."""
    rng = np.random.default_rng(5)
    shape = (4000, 6, 30)
    values = rng.normal(0, 0.5, (*shape[:2], 1)) + rng.normal(0, 1, (shape[0], 1, shape[2])) + rng.normal(0, 1, shape)
    found = crossed(values)
    half = scipy_stats.t.ppf(0.975, found.df) * found.standard_error
    assert np.mean(np.abs(found.estimate) < half) == pytest.approx(0.95, abs=0.02)


def test_bca_against_scipy() -> None:
    values = np.random.default_rng(6).exponential(size=40)
    expected = scipy_stats.bootstrap((values,), np.mean, method="BCa", rng=np.random.default_rng(0)).confidence_interval
    assert bca(values, np.mean) == pytest.approx((expected.low, expected.high))
    assert bca(values, np.mean) == bca(values, np.mean)
    assert bca(values, np.mean, rng=np.random.default_rng(1)) != bca(values, np.mean)


def test_bca_of_efron_and_tibshirani() -> None:
    """The spatial test data, 1993, table 14.2: 90 % of the variance's BCa interval is [115.8, 259.6]."""
    a = [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41]
    assert bca(a, np.var, 0.9) == pytest.approx((115.8, 259.6), rel=0.02)  # theirs drew 2,000 times


def test_bca_without_spread_or_values() -> None:
    assert bca([0.1, 0.1, 0.1], np.median) == (0.1, 0.1)
    for values in ([], [1.0], [1.0, np.nan, 2.0], [1.0, np.inf]):
        assert np.isnan(bca(values, np.mean)).all()
    assert np.isnan(bca([1.0, 2.0, 4.0], lambda sample: 7.0)).all()
    with pytest.raises(ValueError, match="one dimension"):
        bca([[1.0, 2.0]], np.mean)


def test_importing_is_cheap() -> None:
    code = "import sys, ablate.analysis.stats; print({'scipy.stats', 'pandas', 'statsmodels'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

"""Intervals and tests of rates against worked examples of the literature, and other libraries."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from ablate.analysis.stats.proportions import (
    Interval,
    agresti_caffo,
    bonett_price,
    mcnemar,
    newcombe,
    pooled_z,
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

unhurried = settings(deadline=None)  # the first call of a library's function imports half of it
counts = st.integers(0, 40)


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

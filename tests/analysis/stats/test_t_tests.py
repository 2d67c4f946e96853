"""Paired tests of equivalence against worked examples, and other libraries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from statsmodels.stats.weightstats import ttost_paired

from ablate.analysis.stats.t_tests import tost_paired

HARVEST_X = [4.00, 3.26, 4.14, 3.42, 3.25, 4.34, 4.97, 4.31, 3.11, 3.41, 5.02, 4.21, 4.59, 5.30, 4.32]
HARVEST_Y = [3.76, 3.66, 3.65, 3.60, 3.48, 2.87, 3.24, 3.92, 3.99, 4.21, 4.21, 3.31, 3.61, 2.97, 2.73]
SLEEP_X = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_Y = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

Floats = NDArray[np.float64]

unhurried = settings(deadline=None)  # the first call of a library's function imports half of it


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


def test_tost_of_invalid_arguments() -> None:
    with pytest.raises(ValueError, match="2 values of x against 1 of y"):
        tost_paired([1, 2], [1], 1)
    for delta in (0, -1, np.nan):
        with pytest.raises(ValueError, match="delta is"):
            tost_paired([1, 2], [1, 2], delta)

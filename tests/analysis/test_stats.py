"""Formulas against worked examples of the literature, to half a unit of the last printed digit."""

import math

import numpy as np
import pytest

from ablate.analysis.stats import newcombe, wilson


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


def test_swapping_changes_the_sign_only() -> None:
    low, high = newcombe(10, 50, 30, 60)
    back = newcombe(30, 60, 10, 50)
    assert (low, high) == pytest.approx((-back[1], -back[0]))


def test_no_query_has_no_interval() -> None:
    assert np.isnan(wilson(0, 0)).all()
    assert np.isnan(newcombe(0, 0, 1, 2)).all()


def test_ends_stay_rates() -> None:
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1

"""Looks: published constants, an integral of another library, and simulated Brownian paths."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy import integrate, stats

from ablate.analysis.stats.group_sequential import boundaries, crossing, nominal_level, repeated_p, wang_tsiatis
from tests.support.examples import examples

LOOKS = [2, 3, 5, 7, 10]
many_looks = st.sets(st.integers(1, 40), min_size=1, max_size=6).map(sorted)
spendings = st.sampled_from(["power", "obrien-fleming", "pocock"])


def test_power_spending_of_the_design() -> None:
    """Kim & DeMets 1987, for the looks that a study declares by default."""
    assert boundaries(LOOKS) == pytest.approx([3.0902, 2.9437, 2.5890, 2.3732, 2.0787], abs=5e-5)


def test_lan_demets_obrien_fleming() -> None:
    """The second value is printed as 3.3569, which is off by one in the last digit; the next test has it."""
    bounds = boundaries([1, 2, 3, 4, 5], spending="obrien-fleming")
    assert np.delete(bounds, 1) == pytest.approx([4.8769, 2.6803, 2.2898, 2.0310], abs=5e-5)
    assert bounds[1] == pytest.approx(3.3569, abs=1.5e-4)


@pytest.mark.parametrize("spending", ["power", "obrien-fleming", "pocock"])
def test_two_looks_by_another_integral(spending: str) -> None:
    """The error added at each look is the error that the formulas of Lan & DeMets and Kim & DeMets spend."""
    spent = {
        "power": lambda t: 0.05 * t**2,
        "obrien-fleming": lambda t: 2 * (2 - 2 * stats.norm.cdf(stats.norm.isf(0.05 / 4) / math.sqrt(t))),
        "pocock": lambda t: 0.05 * math.log(1 + (math.e - 1) * t),
    }[spending]
    first, second, _ = boundaries([1, 2, 5], spending=spending)
    assert 2 * stats.norm.sf(first) == pytest.approx(spent(0.2), rel=1e-9)

    def then(z: float) -> float:
        return float(stats.norm.pdf(z) * stats.norm.sf(math.sqrt(2) * second - z))

    newly = 2 * integrate.quad(then, -first, first, epsabs=0, epsrel=1e-11, limit=200)[0]
    assert newly == pytest.approx(spent(0.4) - spent(0.2), rel=1e-8)


@pytest.mark.parametrize(("looks", "shape", "last"), [(2, 0.5, 2.178), (3, 0.5, 2.289), (2, 0, 1.977), (3, 0, 2.004)])
def test_classical_constants(looks: int, shape: float, last: float) -> None:
    """Pocock 1977, O'Brien & Fleming 1979."""
    bounds = wang_tsiatis(range(1, looks + 1), 0.05, shape)
    assert bounds[-1] == pytest.approx(last, abs=5e-4)
    assert bounds == pytest.approx(bounds[-1] * (np.arange(1, looks + 1) / looks) ** (shape - 0.5))


@pytest.mark.parametrize(("shape", "last", "inflation"), [(0.5, 2.413, 1.207), (0, 2.040, 1.026)])
def test_power_of_the_classical_designs(shape: float, last: float, inflation: float) -> None:
    """Jennison & Turnbull 2000, chapter 2: five looks, and how much larger a sample has a power of .9 than with one."""
    bounds = wang_tsiatis(range(1, 6), 0.05, shape)
    assert bounds[-1] == pytest.approx(last, abs=5e-4)
    drift = math.sqrt(inflation) * (stats.norm.isf(0.025) + stats.norm.isf(0.1))
    assert crossing(range(1, 6), bounds, drift)[-1] == pytest.approx(0.9, abs=2e-4)


@pytest.mark.parametrize(
    ("looks", "error"), [(1, 0.05), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248)]
)
def test_naive_peeking(looks: int, error: float) -> None:
    """Armitage, McPherson & Rowe 1969, table 2: the error of testing at the 5 % level at every look."""
    assert crossing(range(1, looks + 1), np.full(looks, 1.96))[-1] == pytest.approx(error, abs=5e-4)


@given(looks=many_looks, alpha=st.sampled_from([0.001, 0.05 / 8, 0.05, 0.2]), spending=spendings)
@settings(max_examples=examples(40), deadline=None)
def test_the_spent_error_is_the_probability_of_crossing(looks: list[int], alpha: float, spending: str) -> None:
    t = np.array(looks) / looks[-1]
    spent = {
        "power": alpha * t**2,
        "obrien-fleming": 4 * stats.norm.sf(stats.norm.isf(alpha / 4) / np.sqrt(t)),
        "pocock": alpha * np.log(1 + (math.e - 1) * t),
    }[spending]
    bounds = boundaries(looks, alpha, spending)
    assert crossing(looks, bounds) == pytest.approx(spent, rel=1e-9, abs=1e-15)
    assert bounds == pytest.approx(boundaries(np.array(looks) * 2.5, alpha, spending), abs=1e-9)  # only fractions count


@given(looks=many_looks, shape=st.floats(0, 0.7), alpha=st.sampled_from([0.01, 0.05, 0.3]))
@settings(max_examples=examples(10), deadline=None)
def test_wang_tsiatis_spends_alpha(looks: list[int], shape: float, alpha: float) -> None:
    assert crossing(looks, wang_tsiatis(looks, alpha, shape))[-1] == pytest.approx(alpha, rel=1e-9)


@pytest.mark.parametrize("drift", [0.0, 1.5, -3.0])
@pytest.mark.parametrize("spending", ["power", "pocock"])
def test_simulated_paths(drift: float, spending: str) -> None:
    """The share of random walks that have crossed, within four standard errors of it."""
    paths, t = 200_000, np.array(LOOKS) / LOOKS[-1]
    steps = np.diff(t, prepend=0)
    rng = np.random.default_rng(11)
    z = np.cumsum(rng.normal(drift * steps, np.sqrt(steps), (paths, len(t))), axis=1) / np.sqrt(t)
    bounds = boundaries(LOOKS, 0.05, spending)
    share = np.logical_or.accumulate(np.abs(z) > bounds, axis=1).mean(axis=0)
    expected = crossing(LOOKS, bounds, drift)
    assert (np.abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / paths)).all()


def test_one_look_is_no_sequence() -> None:
    for spending in ("power", "obrien-fleming", "pocock"):
        assert boundaries([7], 0.05, spending) == pytest.approx([stats.norm.isf(0.025)], abs=1e-9)
    assert wang_tsiatis([7], 0.05, 0.3) == pytest.approx([stats.norm.isf(0.025)], abs=1e-9)
    power = stats.norm.sf(1.96 - 2.8) + stats.norm.cdf(-1.96 - 2.8)
    assert crossing([7], [1.96], drift=2.8) == pytest.approx([power], abs=1e-12)


def test_drift_has_no_sign_and_helps() -> None:
    bounds = boundaries(LOOKS)
    power = np.array([crossing(LOOKS, bounds, drift) for drift in (0, 1, 2, 3, 4, 60)])
    assert (np.diff(power, axis=0) > -1e-12).all()
    assert (np.diff(power, axis=1) > -1e-12).all()
    assert power[-1] == pytest.approx(1)
    assert crossing(LOOKS, bounds, -2) == pytest.approx(power[2])


def test_bounds_that_are_never_or_always_crossed() -> None:
    assert crossing([1, 2, 3], [math.inf, math.inf, 1.96], 1.3) == pytest.approx([0, 0, crossing([3], [1.96], 1.3)[0]])
    assert crossing([1, 2], [0, 2]) == pytest.approx([1, 1])
    assert crossing([1, 2], [math.inf, math.inf], drift=80) == pytest.approx([0, 0])
    assert crossing([1, 2], [math.inf, 60], drift=80) == pytest.approx([0, 1])


def test_looks_close_together_and_far_apart() -> None:
    """Neither a dense nor a skewed sequence leaves the integral without nodes: all of alpha is spent, and no more."""
    for looks in (range(1, 101), [1, 999, 1000], [1, 1_000_000]):
        assert crossing(looks, boundaries(looks))[-1] == pytest.approx(0.05, rel=1e-9)
    bounds = boundaries(range(1, 41), spending="obrien-fleming")
    assert (np.diff(bounds) < 0).all()


def test_a_share_too_small_for_a_float_is_never_spent() -> None:
    assert boundaries([1, 10_000], spending="obrien-fleming") == pytest.approx([math.inf, stats.norm.isf(0.025)])


@pytest.mark.parametrize("looks", [[], [0, 1], [-1, 2], [2, 2], [3, 2], [1, math.nan], [1, math.inf], [[1, 2]]])
def test_looks_that_do_not_increase(looks: ArrayLike) -> None:
    for call in (boundaries, wang_tsiatis, lambda looks: crossing(looks, [2.0])):
        with pytest.raises(ValueError, match="increasing numbers above 0"):
            call(looks)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, math.nan])
def test_an_alpha_that_is_none(alpha: float) -> None:
    for call in (boundaries, wang_tsiatis):
        with pytest.raises(ValueError, match="between 0 and 1"):
            call([1, 2], alpha)


def test_an_unknown_spending_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'linear'; accepted: power, obrien-fleming, pocock"):
        boundaries([1, 2], spending="linear")


@pytest.mark.parametrize("bounds", [[2.0], [2.0, -1.0], [2.0, math.nan]])
def test_bounds_that_are_none(bounds: list[float]) -> None:
    with pytest.raises(ValueError, match="one of 0 or more"):
        crossing([1, 2], bounds)


PATHS = [(0.2,), (0.2, 0.3), (0.2, 0.3, 0.5, 0.7, 1.0), (2 / 11, 3 / 11, 5 / 11, 8 / 11, 1.0), (0.15, 0.9)]
ALPHAS = [1e-11, 1e-6, 0.001, 0.05 / 8, 0.05, 0.2, 0.5, 0.8, 0.99]


@pytest.mark.parametrize("path", PATHS)
def test_a_repeated_p_is_the_alpha_whose_boundary_is_reached(path: tuple[float, ...]) -> None:
    for alpha in ALPHAS:
        whole = boundaries([*path, 1.0] if path[-1] < 1 else path, alpha)
        reached = 2 * stats.norm.sf(whole[len(path) - 1])
        assert nominal_level(path, alpha) == pytest.approx(reached, rel=1e-9)
        p = float(repeated_p(reached, path))
        assert math.log(p) == pytest.approx(math.log(alpha), rel=1e-4, abs=1e-4)
        below, above = repeated_p([reached * 0.999, min(reached * 1.001, 1.0)], path)
        assert below < alpha < above or alpha > 0.9


def test_a_single_look_leaves_p_as_it_is_and_a_first_look_multiplies_it() -> None:
    p = np.array([0.0, 1e-9, 0.003, 0.3, 0.999, np.nan])
    assert repeated_p(p, (1.0,))[1:] == pytest.approx(p[1:], rel=1e-6, nan_ok=True)
    assert repeated_p(p, (0.2,))[1:] == pytest.approx(np.minimum(p[1:] / 0.04, 1), rel=1e-6, nan_ok=True)
    assert repeated_p(0.0, (0.2,)) == pytest.approx(1e-12)


@given(path=many_looks, last=st.integers(0, 5), p=st.lists(st.floats(0, 1), min_size=2, max_size=20))
@settings(max_examples=examples(30), deadline=None)
def test_a_smaller_p_is_never_a_larger_repeated_p(path: list[int], last: int, p: list[float]) -> None:
    found = repeated_p(sorted(p), [seeds / (path[-1] + last) for seeds in path])
    assert (np.diff(found) >= 0).all()
    assert ((found >= np.maximum(np.sort(p), 1e-13) * (1 - 1e-6)) & (found <= 1)).all()


@pytest.mark.parametrize("path", [(), (0.0, 0.5), (0.5, 0.4), (0.5, 1.2), (0.5, 0.5)])
def test_information_increases_up_to_one(path: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="increasing shares above 0 and up to 1"):
        repeated_p(0.01, path)


def test_repeated_p_s_hold_at_every_look() -> None:
    """Brownian motion without drift: the smallest over five looks is below alpha in no more than alpha of paths."""
    rng, steps = np.random.default_rng(3), np.diff([0, *LOOKS])
    z = np.cumsum(rng.normal(0, np.sqrt(steps), (40_000, 5)), axis=1) / np.sqrt(LOOKS)
    nominal = 2 * stats.norm.sf(np.abs(z))
    shares = np.array(LOOKS) / LOOKS[-1]
    least = np.min([repeated_p(nominal[:, k], shares[: k + 1]) for k in range(5)], axis=0)
    for alpha in (0.005, 0.05, 0.3):
        share = np.mean(least <= alpha)
        assert abs(share - alpha) < 4 * math.sqrt(alpha * (1 - alpha) / 40_000)

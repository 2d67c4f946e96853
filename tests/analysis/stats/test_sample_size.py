"""How many seeds it takes, against the table of the design and other integrals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from scipy import stats as scipy_stats
from statsmodels.stats.power import ttest_power

from ablate.analysis.stats.sample_size import seeds_for_equivalence, seeds_needed

SEEDS = {1: (2, 3, 4), 0.5: (6, 9, 14), 0.25: (19, 34, 52)}  # effect (pp): seeds at a paired SD of .3, .4, .5 pp

unhurried = settings(deadline=None)  # the first call of a library's function imports half of it


@pytest.mark.parametrize(
    ("effect", "sd", "seeds"),
    [(effect, sd, seeds) for effect, asked in SEEDS.items() for sd, seeds in zip((0.3, 0.4, 0.5), asked, strict=True)],
)
def test_seeds_needed(effect: float, sd: float, seeds: int) -> None:
    """The design's table; and the library's power is reached there and not one seed before."""
    assert seeds_needed(effect, sd, 9, 0.05 / 8) == seeds_needed(-effect, sd, 9, 0.05 / 8) == seeds
    assert ttest_power(effect / sd, seeds, 0.05 / 8, df=8 * (seeds - 1)) >= 0.8
    assert seeds == 2 or ttest_power(effect / sd, seeds - 1, 0.05 / 8, df=8 * (seeds - 2)) < 0.8


@pytest.mark.parametrize(("sd", "seeds"), [(0.3, 6), (0.4, 10), (0.5, 15)])
def test_seeds_for_equivalence(sd: float, seeds: int) -> None:
    assert seeds_for_equivalence(0, sd, 9, 0.05 / 8, 0.5) == seeds
    assert simulated_equivalence(0, sd, 9, seeds, 0.05 / 8, 0.5) > 0.8
    assert simulated_equivalence(0, sd, 9, seeds - 1, 0.05 / 8, 0.5) < 0.8


def simulated_equivalence(effect: float, sd: float, rows: int, seeds: int, alpha: float, delta: float) -> float:
    rng, df = np.random.default_rng(7), (rows - 1) * (seeds - 1)
    mean = rng.normal(effect, sd / math.sqrt(seeds), 100_000)
    half = scipy_stats.t.isf(alpha, df) * sd * np.sqrt(rng.chisquare(df, 100_000) / df / seeds)
    return float(np.mean(np.abs(mean) + half < delta))


@pytest.mark.parametrize(("effect", "rows", "power"), [(0, 2, 0.9), (0.3, 9, 0.8), (-0.3, 9, 0.8), (0.2, 2, 0.3)])
def test_power_of_equivalence_by_another_integral(effect: float, rows: int, power: float) -> None:
    seeds = seeds_for_equivalence(effect, 0.4, rows, 0.05, 0.5, power)
    assert seeds is not None

    def exact(seeds: int) -> float:
        df, error = (rows - 1) * (seeds - 1), 0.4 / math.sqrt(seeds)
        critical = scipy_stats.t.isf(0.05, df)

        def reject(s: float) -> float:
            ends = scipy_stats.norm.cdf([-0.5 + critical * s, 0.5 - critical * s], effect, error)
            return float(np.diff(ends)[0] * scipy_stats.chi.pdf(s, df, scale=error / math.sqrt(df)))

        return float(integrate.quad(reject, 0, 0.5 / critical, limit=200)[0])

    assert exact(seeds) >= power > exact(seeds - 1)


def test_equivalence_near_the_edge_is_one_normal_test() -> None:
    """With thousands of seeds only one side can fail: S = ((z(.95) + z(.8))·sd / (delta − effect))²."""
    expected = ((scipy_stats.norm.isf(0.05) + scipy_stats.norm.isf(0.2)) * 0.4 / (0.5 - 0.49)) ** 2
    assert seeds_for_equivalence(0.49, 0.4, 20, 0.05, 0.5) == pytest.approx(expected, abs=2)


@given(
    effect=st.floats(0.05, 2),
    sd=st.floats(0.05, 2),
    rows=st.integers(2, 20),
    alpha=st.sampled_from([0.001, 0.01, 0.05]),
)
@unhurried
def test_smaller_effects_need_more_seeds(effect: float, sd: float, rows: int, alpha: float) -> None:
    """A smaller effect, a larger SD, fewer rows, a smaller alpha and more power never need fewer seeds."""

    def needed(**changes: float) -> float:
        asked = {"effect": effect, "sd": sd, "rows": rows, "alpha": alpha, "power": 0.8} | changes
        return seeds_needed(**asked) or math.inf

    assert needed(effect=effect / 2) >= needed()
    assert needed(sd=sd * 2) >= needed()
    assert needed(rows=rows + 1) <= needed()
    assert needed(alpha=alpha / 2) >= needed()
    assert needed(power=0.95) >= needed()


def test_equivalence_asks_more_of_an_effect_near_the_edge() -> None:
    asked = [seeds_for_equivalence(effect, 0.4, 9, 0.05, 0.5) for effect in (0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.49)]
    assert asked == sorted(asked)
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("effect", [50, 1e6])
def test_seeds_needed_if_the_library_returns_nan(effect: float) -> None:
    """The noncentral t of scipy is nan in places far out; a huge effect needs the fewest seeds all the same."""
    assert seeds_needed(effect, 0.01, 9, 0.05) == 2


def test_no_affordable_number_of_seeds() -> None:
    assert seeds_needed(0, 0.4, 9, 0.05) is None
    assert seeds_needed(0.5, 0.4, 9, 0.05 / 8, most=8) is None
    assert seeds_needed(0.5, 0.4, 9, 0.05 / 8, most=9) == 9
    assert seeds_needed(1, 0.1, 9, 0.05, most=1) is None
    assert seeds_needed(math.nan, 0.4, 9, 0.05) is None
    assert seeds_needed(1, math.nan, 9, 0.05) is None
    assert seeds_needed(1, math.inf, 9, 0.05) is None
    assert seeds_for_equivalence(0.5, 0.4, 9, 0.05, 0.5) is None
    assert seeds_for_equivalence(-0.6, 0.4, 9, 0.05, 0.5) is None
    assert seeds_for_equivalence(math.nan, 0.4, 9, 0.05, 0.5) is None
    assert seeds_for_equivalence(0, math.nan, 9, 0.05, 0.5) is None
    assert seeds_for_equivalence(0, 0.4, 9, 0.05 / 8, 0.5, most=9) is None


def test_seeds_without_spread() -> None:
    assert seeds_needed(0.01, 0, 2, 0.01) == 2
    assert seeds_needed(0, 0, 2, 0.01) is None
    assert seeds_for_equivalence(0.4, 0, 2, 0.01, 0.5) == 2


@pytest.mark.parametrize("wrong", [{"rows": 1}, {"sd": -1}, {"alpha": 0}, {"alpha": 1}, {"power": 1}, {"power": 0}])
def test_seeds_of_invalid_designs(wrong: dict[str, float]) -> None:
    asked = {"effect": 0.1, "sd": 0.4, "rows": 9, "alpha": 0.05, "power": 0.8} | wrong
    with pytest.raises(ValueError, match="two rows or more"):
        seeds_needed(**asked)
    with pytest.raises(ValueError, match="two rows or more"):
        seeds_for_equivalence(**asked, delta=0.5)
    with pytest.raises(ValueError, match="delta is"):
        seeds_for_equivalence(0, 0.4, 9, 0.05, delta=0)

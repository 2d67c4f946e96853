"""The probability that values are equal by chance, against values that are drawn."""

import numpy as np
import pytest

from ablate.study.wiring.coincidence import Noise, noise_of

SEEDS = range(5)


@pytest.mark.parametrize("spread", [0.7, 1.0, 1.5, 3.0])
def test_the_formula_gives_the_share_of_equal_values_and_rather_more(spread: float) -> None:
    values = np.random.default_rng(1).normal(scale=spread, size=(2, 200_000)) + np.linspace(0, 1, 200_000)
    equal = float(np.mean(np.equal(*np.rint(values))))
    assert 0.98 * equal < Noise(1.0, spread, size=335.0).chance_of_equal < 1.1 * equal


def test_the_spread_of_seeds_is_estimated_and_one_diverged_run_does_not_change_it() -> None:
    rng = np.random.default_rng(2)
    rows = [dict(enumerate(rng.normal(0.9, 0.01, 40).tolist())) for _ in range(5)]
    noise = noise_of(rows)
    assert noise is not None
    assert noise.spread == pytest.approx(0.01, rel=0.2)
    rows[0][7] = 0.1
    diverged = noise_of(rows)
    assert diverged is not None
    assert diverged.spread == pytest.approx(noise.spread, rel=0.1)


def test_the_part_that_all_rows_of_a_seed_share_is_left_out() -> None:
    rng = np.random.default_rng(3)
    shared = rng.normal(0, 0.03, 40)
    rows = [dict(enumerate((shared + rng.normal(0.9, 0.01, 40)).tolist())) for _ in range(5)]
    noise = noise_of(rows)
    assert noise is not None
    assert noise.spread == pytest.approx(0.01, rel=0.2)


def test_pairs_of_equal_values_count_if_the_digits_hide_how_few_values_are_possible() -> None:
    """Like the F1 of a few examples: three values with all their digits."""
    possible = (0.7123456789123, 0.7623456781235, 0.8123456734567)
    rows = [dict(enumerate(np.random.default_rng(row).choice(possible, 20).tolist())) for row in range(4)]
    noise = noise_of(rows)
    assert noise is not None
    assert noise.chance_of_equal == pytest.approx(1 / 3, abs=0.1)


def test_values_that_are_mostly_equal_show_nothing() -> None:
    assert Noise(0.003, spread=0.001, size=0.9).chance_of_equal == 1.0
    assert Noise(0.05, spread=0.1, size=0.9).chance_of_equal == 1.0, "a rate over 20 examples"
    assert noise_of([{0: 0.9, 1: 0.9, 2: 0.9, 3: 0.95}]) is not None
    noise = noise_of([{0: 0.9, 1: 0.9, 2: 0.9, 3: 0.9}])
    assert noise is not None
    assert noise.chance_of_equal == 1.0


def test_without_several_seeds_a_usual_spread_is_taken() -> None:
    noise = noise_of([{0: 0.9312345678912}, {0: 0.9412345678345}])
    assert noise is not None
    assert noise.spread == pytest.approx(0.003 * 0.936, rel=0.01)
    assert noise.chance_of_equal < 1e-6
    assert noise_of([]) is None

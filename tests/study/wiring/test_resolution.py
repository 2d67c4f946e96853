"""The steps of values: of rates over a number of examples, however they are written, and of other numbers."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.study.wiring.resolution import step_of


@pytest.mark.parametrize(
    "write",
    [float, np.float32, lambda rate: round(rate, 4), lambda rate: round(rate, 3)],
    ids=["64 bits", "32 bits", "four decimals", "three decimals"],
)
@given(n=st.integers(2, 2000), counts=st.lists(st.integers(0, 2000), min_size=1, max_size=8))
def test_the_step_of_rates_is_never_finer_than_one_example(
    write: Callable[[float], float], n: int, counts: list[int]
) -> None:
    rates = [float(write(min(count, n) / n)) for count in counts]
    assert step_of(rates) >= 1 / n * (1 - 1e-6)
    assert step_of([100 * rate for rate in rates]) >= 100 / n * (1 - 1e-6)


def test_several_rates_show_their_number_of_examples() -> None:
    counts = (337, 340, 331, 343)
    assert step_of([count / 360 for count in counts]) == pytest.approx(1 / 360)
    assert step_of([float(np.float32(count / 360)) for count in counts]) == pytest.approx(1 / 360)
    assert step_of([round(100 * count / 360, 2) for count in counts]) == pytest.approx(100 / 360)


@pytest.mark.parametrize("write", [float, np.float32], ids=["64 bits", "32 bits"])
def test_losses_with_all_their_digits_have_tiny_steps(write: Callable[[float], float]) -> None:
    losses = np.random.default_rng(0).uniform(0.2, 0.3, (50, 4))
    assert max(step_of([float(write(loss)) for loss in of_study]) for of_study in losses) < 1e-6


def test_the_step_is_at_least_that_of_the_last_digit() -> None:
    assert step_of([0.1234, 0.1239]) >= 1e-4
    assert step_of([12345678.0, 12345679.0]) >= 1
    assert step_of([3.2e-6, 1e-7]) == pytest.approx(1e-7)
    assert step_of([]) == 0.0
    assert step_of([0.0]) > 0

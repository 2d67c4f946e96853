"""The number of queries of a log: never one that the values do not show."""

import math
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.study.logfile.examples import counts_of, fault, inferred, rounding, stated
from tests.support.examples import examples

PRIMES = (101, 211, 617, 1009, 3517, 5003, 12_377, 20_011)


def fixed(rate: Fraction, decimals: int) -> str:
    """Return a rate rounded to decimals, as exact arithmetic does it."""
    return f"{Decimal(rate.numerator) / Decimal(rate.denominator):.{decimals}f}"


@settings(deadline=None)
@given(st.integers(2, 60_000) | st.integers(10**5, 9 * 10**6), st.integers(1, 14), st.booleans(), st.data())
def test_no_wrong_number_is_inferred(n: int, decimals: int, without_zeros: bool, data: st.DataObject) -> None:
    hits = data.draw(st.lists(st.integers(0, n), min_size=1, max_size=12))
    printed = [fixed(Fraction(one, n), decimals) for one in hits]
    count = inferred(text.rstrip("0") or "0" for text in printed) if without_zeros else inferred(printed)
    assert count.inferred == (count.n > 0) == (not count.why)
    assert count.n in (0, n // math.gcd(n, *hits)), "counts that share a factor with n are rates of n over it as well"
    if decimals < 6:
        assert count.n == 0


@settings(deadline=None, max_examples=examples(50))
@given(st.sampled_from(PRIMES), st.integers(8, 12), st.integers(5, 12), st.integers(0, 10**6))
def test_the_right_number_is_inferred_from_fine_values(n: int, decimals: int, values: int, seed: int) -> None:
    hits = Random(seed).sample(range(1, n), values)
    assert inferred(fixed(Fraction(one, n), decimals) for one in hits).n == n
    assert inferred(repr(one / n) for one in hits).n == n


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(2, 5), st.integers(3, 27), st.integers(0, 10**6))
def test_rounded_rates_and_means_of_them_show_no_number(seeds: int, decimals: int, values: int, seed: int) -> None:
    random, grid = Random(seed), 10**decimals
    sums = [sum(random.randint(grid // 5, grid) for _ in range(seeds)) for _ in range(values)]
    assert inferred(f"{one / grid / seeds:.12g}" for one in sums).n == 0


@pytest.mark.parametrize("n", [8, 20, 25, 50, 64, 125, 200, 1000, 1024, 50_000, 500_000])
@pytest.mark.parametrize("form", ["{:.6f}", "{:.10f}", "{:.12g}"])
def test_a_number_that_divides_a_power_of_ten_may_be_that_of_the_rounding(n: int, form: str) -> None:
    random = Random(n)
    assert inferred(form.format(random.randint(1, n - 1) / n) for _ in range(9)).n == 0


def test_six_decimals_suffice_if_there_are_enough_values() -> None:
    hits = (3001, 4001, 5555, 3111, 4222, 5333, 3234, 4321, 5999)
    assert inferred(f"{one / 12_377:.6f}" for one in hits).n == 12_377
    tried = [n for n in range(1, 30_000) if all(counts_of(f"{one / 12_377:.6f}", n) for one in hits)]
    assert tried == [12_377 * m for m in (1, 2)], "tried one by one, only it and its multiples fit"
    few = inferred(f"{one / 12_377:.6f}" for one in hits[:3])
    assert few.n == 0, "three values with six decimals fit too many numbers"


@pytest.mark.parametrize(
    ("rates", "why"),
    [
        (["0.95", "0.5", "0.123"], "fewer than 6 decimals"),
        (["0.285714285714", "0.571428571429", "1", "0"], "fewer than 3 different values"),
        (["0.123456789012", "0.987654321098", "0.314159265359"], "no number up to 1,000,000 makes every value whole"),
        (["0.483166666667", "0.512366666667", "0.533433333333"], "whole over 30,000, as those are that were rounded"),
        ([*(f"{one / 12_377:.12g}" for one in (3001, 4001, 5555)), "0.3"], "and others were rounded"),
    ],
)
def test_why_no_number_is_inferred(rates: list[str], why: str) -> None:
    assert why in inferred(rates).why


@given(st.integers(1, 10**7), st.integers(1, 8), st.data())
def test_a_given_number_finds_every_count_that_is_printed_so(n: int, decimals: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    text = fixed(Fraction(hits, n), decimals)
    counts = counts_of(text, n)
    assert hits in counts
    assert fault(text, n) == ""
    half = Fraction(1, 2 * 10**decimals)
    assert all(abs(Fraction(one, n) - Fraction(text)) <= half for one in (counts[0], counts[-1]))
    beyond = [one for one in (counts[0] - 1, counts[-1] + 1) if 0 <= one <= n]
    assert all(abs(Fraction(one, n) - Fraction(text)) > half for one in beyond)


def test_a_value_that_is_no_rate_of_the_number_comes_with_its_neighbours() -> None:
    assert fault("0.50", 7) == "0.50 is no rate of 7 queries: 3 are 0.43 and 4 are 0.57"


def test_rounded_values_are_named_with_their_width() -> None:
    assert rounding(["0.951", "0.9"], 1000) == ""
    assert "rounded to 3 decimals, so that each can be 13 numbers of hits of 12,377" in rounding(["0.951"], 12_377)
    assert "off by 0.1 percentage points" in rounding(["0.951"], 12_377)


@pytest.mark.parametrize(
    ("lines", "n"),
    [
        ([("lr", "1"), ("queries", "12377")], 12_377),
        ([("Test queries", "12,377")], 12_377),
        ([("queries", "12377"), ("examples", "12377")], 12_377),
        ([("queries", "12377"), ("examples", "500")], 0),
        ([("queries", "500 per class")], 0),
        ([("queries", "25000, [12000, 20000]")], 0),
        ([("train num.", "25000")], 0),
        ([("queries", "0")], 0),
    ],
)
def test_the_setting_states_the_number_if_nothing_else_can_be_meant(lines: list[tuple[str, str]], n: int) -> None:
    assert stated(lines) == n

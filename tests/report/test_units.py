"""Values and differences as text, in the unit of their metric."""

from math import inf, log, nan

import pytest

from ablate.measurement import Direction, Display, Metric, Scale
from ablate.report import units
from ablate.trainers.top_k import TOP_K

RATE = TOP_K[1]
LOSS = Metric("loss", Direction.MINIMIZE, unit="nats", display=Display(unit="nats", difference_unit="nats"))
MEMORY = Metric("memory", display=Display("peak memory", unit="MB", difference_unit="MB", digits=0))
TIME = Metric("seconds", scale=Scale.LOG, display=Display(unit="s", difference_unit="s"))


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        (RATE, 0.24128, "24.13 %"),
        (RATE, 1.0, "100.00 %"),
        (LOSS, 1.23456, "1.235 nats"),
        (LOSS, 0.0, "0 nats"),
        (LOSS, -12.3456, "−12.35 nats"),
        (LOSS, 0.00012345, "0.0001234 nats"),
        (LOSS, 1.5e-9, "1.500e−09 nats"),
        (LOSS, 1234567.8, "1,234,568 nats"),
        (LOSS, nan, "nan nats"),
        (MEMORY, 1234.6, "1235 MB"),
        (MEMORY, 123456.7, "123,457 MB"),
        (Metric("score"), 3.0, "3.000"),
    ],
)
def test_a_value_has_its_digits_and_its_unit(metric: Metric, value: float, text: str) -> None:
    assert units.value_with_unit(metric, value) == text


@pytest.mark.parametrize(
    ("metric", "difference", "text"),
    [
        (RATE, -0.045, "−4.50 pp"),
        (RATE, 0.0, "+0.00 pp"),
        (LOSS, 0.0123456, "+0.0123 nats"),
        (LOSS, -inf, "−inf nats"),
        (TIME, log(0.832), "×0.832"),
        (TIME, log(12.34), "×12.3"),
        (TIME, 0.0, "×1.000"),
        (MEMORY, 12.0, "+12 MB"),
    ],
)
def test_a_difference_has_its_sign_or_is_a_ratio(metric: Metric, difference: float, text: str) -> None:
    assert units.difference_with_unit(metric, difference) == text


def test_an_axis_names_the_metric_and_its_unit() -> None:
    assert units.axis_label(RATE, "on validation") == "top-1 on validation, %"
    assert units.axis_label(MEMORY) == "peak memory, MB"
    assert units.axis_label(Metric("score")) == "score"
    assert units.difference_interval_text(RATE, (-0.01, 0.02)) == "[−1.00, +2.00]"
    assert units.value_interval_text(LOSS, (0.5, 1.25)) == "[0.500, 1.250]"


def test_an_interval_far_below_delta_does_not_look_like_one_of_width_0() -> None:
    seconds = Metric("seconds", unit="s", display=Display(unit="s", difference_unit="s")).to_a_tenth_of(0.5)
    assert units.value_and_interval(seconds, 0.00071, (0.00068, 0.00074)) == "0.000710 [0.000680, 0.000740]"
    assert units.difference_and_interval(seconds, -0.0004, (-0.0012, 0.0004)) == "−0.0004 [−0.0012, +0.0004]"
    assert units.spread_text(seconds, 0.000123) == "0.000123 s"
    assert units.value_and_interval(seconds, 1.5, (1.0, 2.0)) == "1.50 [1.00, 2.00]"


def test_numbers_of_a_very_small_delta_have_a_power_of_ten() -> None:
    loss = Metric("loss").to_a_tenth_of(1e-10)
    assert units.difference_text(loss, -8.13e-11) == "−8.13e−11"
    assert units.difference_text(Metric("loss").to_a_tenth_of(1e-5), -8.13e-6) == "−0.000008"

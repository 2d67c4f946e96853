"""Metrics as values: their units on the way from a study file to a report, and their form in a store."""

import json
from dataclasses import replace
from math import inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.measurement import (
    RATE,
    TEST,
    VALIDATION,
    Direction,
    Display,
    Interim,
    Kind,
    Measurement,
    Metric,
    Result,
    Scale,
)
from ablate.trainers.costs import COSTS
from ablate.trainers.top_k import METRICS

LOSS = Metric("loss", Direction.MINIMIZE, Kind.MEAN, "nats", (0.0, inf), display=Display(unit="nats"))
SECONDS = Metric("seconds", Direction.MINIMIZE, unit="s", scale=Scale.LOG)
ACCURACY = Metric("accuracy", kind=Kind.PROPORTION, bounds=(0.0, 1.0), display=RATE)


@pytest.mark.parametrize("metric", [*METRICS, *COSTS, LOSS, SECONDS, ACCURACY], ids=lambda one: one.name)
def test_a_metric_comes_back_from_json(metric: Metric) -> None:
    text = json.dumps(metric.to_json(), allow_nan=False)
    assert Metric.from_json(json.loads(text)) == metric


def test_a_difference_is_written_in_points_of_a_rate_and_in_the_unit_of_a_loss() -> None:
    assert ACCURACY.difference(0.5) == 0.005
    assert ACCURACY.shown(0.005) == 0.5
    assert LOSS.difference(0.02) == LOSS.shown(0.02) == 0.02


def test_a_difference_on_a_log_scale_is_written_as_a_ratio() -> None:
    assert SECONDS.difference(1.05) == log(1.05)
    assert SECONDS.shown(log(0.83)) == pytest.approx(0.83)
    assert SECONDS.shown(0.0) == 1


@given(st.floats(1e-6, 1e6), st.sampled_from([ACCURACY, LOSS, SECONDS]))
def test_a_difference_comes_back_as_it_was_written(shown: float, metric: Metric) -> None:
    assert metric.shown(metric.difference(shown)) == pytest.approx(shown)


@pytest.mark.parametrize(
    ("delta", "digits"), [(0.5, 2), (0.01, 3), (0.02, 3), (1.0, 1), (2.5, 1), (30.0, 0), (1e-5, 6), (5000.0, 0)]
)
def test_a_tenth_of_delta_can_be_read(delta: float, digits: int) -> None:
    assert LOSS.to_a_tenth_of(delta).display.digits == digits


def test_decimals_that_are_declared_stay() -> None:
    assert ACCURACY.to_a_tenth_of(0.001).display.digits == 2
    assert SECONDS.to_a_tenth_of(1.05) == SECONDS
    assert LOSS.to_a_tenth_of(0.0) == LOSS


def test_an_improvement_is_in_the_direction_of_the_metric() -> None:
    assert (Direction.MAXIMIZE.sign, Direction.MINIMIZE.sign) == (1, -1)


def test_a_metric_is_called_by_its_title_or_its_name() -> None:
    assert [metric.title for metric in METRICS] == ["top-1", "top-5", "top-10", "mAP", "mAP@R"]
    assert LOSS.title == "loss"


def test_shares_of_more_items_are_never_lower() -> None:
    bounds = {metric.name: metric.at_most for metric in METRICS}
    assert bounds == {"top1": "top5", "top5": "top10", "top10": "", "map": "", "map_at_r": ""}


def test_a_result_is_read_by_metric_and_split() -> None:
    result = Result([Measurement("loss", VALIDATION, 2.0), Measurement("loss", TEST, 3.0, 10)])
    assert (result.value("loss"), result.value("loss", VALIDATION)) == (3.0, 2.0)
    assert result.measurement("loss").n == 10
    with pytest.raises(KeyError, match="loss on train"):
        result.value("loss", "train")
    with pytest.raises(KeyError):
        result.value("accuracy")


def test_an_interim_result_is_read_by_metric() -> None:
    assert Interim(0.5, [replace(Measurement("loss", VALIDATION, 2.0), n=3)]).value("loss") == 2.0


def test_a_rate_is_printed_in_percent_whatever_the_unit_of_another_metric() -> None:
    assert Metric("top1", display=RATE).is_rate
    assert not Metric("gap", unit="pp", display=Display(unit="pp", difference_unit="pp")).is_rate

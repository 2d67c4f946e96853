"""The readings of several metrics at once: values, reasons, rates, and the step that a validation metric chooses."""

from pathlib import Path

import pytest

from ablate.measurement import TEST, VALIDATION, Direction, Measurement
from ablate.trainers.measuring.reader import read_measurements
from ablate.trainers.measuring.sources import MetricSource
from ablate.trainers.measuring.takes import Take
from tests.support.trainers.outputs import outputs, reading, reason, value, write

LOG = """\
epoch 1 loss 0.5 val_acc: 0.25 test_acc: 0.5
epoch 2 loss 0.25 val_acc: 0.75 test_acc: 0.625
epoch 3 loss 0.125 val_acc: 0.75 test_acc: 0.875
epoch 4 loss nan val_acc: nan test_acc: 0.125
"""
BEST = Take(of="val_acc")


def test_each_metric_has_a_value_a_reason_or_a_text(tmp_path: Path) -> None:
    left = outputs(tmp_path, LOG, result={"acc": 0.5})
    read = read_measurements(
        [
            MetricSource("acc"),
            MetricSource("val_acc", "stdout:loss (?:0.5|0.25) val_acc: ([0-9.]+)", is_validation=True),
            MetricSource("loss", "stdout:loss ([0-9.]+)"),
            MetricSource("top5"),
        ],
        left,
    )
    assert read.measurements == (
        Measurement("acc", TEST, 0.5),
        Measurement("val_acc", TEST, 0.75),
        Measurement("val_acc", VALIDATION, 0.75),
    )
    assert read.not_finite == {"loss": "nan"}
    assert list(read.missing) == ["top5"]
    assert {one.name for one in read.seen} >= {"acc", "val_acc", "test_acc"}


def test_nothing_is_listed_if_nothing_is_missing(tmp_path: Path) -> None:
    assert reading(outputs(tmp_path, LOG, result={"acc": 0.5})).seen == ()


@pytest.mark.parametrize(
    ("text", "number"), [("0.931", 0.931), ("1", 1.0), ("0", 0.0), ("93.1%", 0.931), ("1.0000001", 1.0)]
)
def test_rates(tmp_path: Path, text: str, number: float) -> None:
    left = outputs(tmp_path, f"acc: {text}\n")
    assert value(left, "stdout:acc: ([0-9.]+%?)", is_rate=True) == pytest.approx(number, rel=1e-12)


def test_a_rate_in_percent_is_not_divided_silently(tmp_path: Path) -> None:
    left = outputs(tmp_path, "acc: 93.1%\n", result={"acc": 93.1})
    told = (
        'its value is 93.1, but a metric with the unit "%" is a rate from 0 to 1; if the script writes percent, add '
        "`percent: on` to the metric"
    )
    for origin in ("", "stdout:acc: ([0-9.]+)"):
        assert reason(left, origin, is_rate=True).startswith(told)
        assert value(left, origin, is_rate=True, is_percent=True) == pytest.approx(0.931, rel=1e-12)
    assert reason(outputs(tmp_path, result={"acc": 931}), is_rate=True, is_percent=True).startswith(
        "its value is 931%, which is not from 0 % to 100 %"
    )
    assert reason(outputs(tmp_path, result={"acc": -0.5}), is_rate=True).startswith("its value is -0.5, but a metric")


def test_the_step_at_which_a_validation_metric_is_best_for_the_first_time(tmp_path: Path) -> None:
    left = outputs(tmp_path, LOG)
    val = MetricSource("val_acc", r"stdout:epoch (?P<step>\d+) .*val_acc: (?P<value>[0-9.]+)", is_validation=True)
    test = MetricSource("acc", r"stdout:epoch (?P<step>\d+) .*test_acc: (?P<value>[0-9.]+)", BEST)
    assert read_measurements([test, val], left).not_finite == {"val_acc": "nan"}
    assert read_measurements([test, val], left).measurements == (Measurement("acc", TEST, 0.625),)
    lowest = MetricSource("acc", test.origin, Take(of="val_acc", better=Direction.MINIMIZE))
    assert read_measurements([lowest, val], left).measurements[0].value == 0.5


def test_values_without_steps_belong_together_if_there_are_equally_many(tmp_path: Path) -> None:
    left = outputs(tmp_path, LOG)
    val = MetricSource("val_acc", "stdout:val_acc: ([0-9.]+)")
    test = MetricSource("acc", "stdout:test_acc: ([0-9.]+)", BEST)
    assert read_measurements([test, val], left).measurements[0].value == 0.625
    write(left.log, LOG + "final test_acc: 0.375\n")
    told = read_measurements([test, val], left).missing["acc"]
    assert told.startswith(
        "it has 5 values and val_acc, which chooses its step, has 4, and not both have steps, so it is"
    )
    with_step = MetricSource("val_acc", r"stdout:epoch (?P<step>\d+) .*val_acc: (?P<value>[0-9.]+)")
    assert "not both have steps" in read_measurements([test, with_step], left).missing["acc"]


def test_the_chooser_may_be_in_another_source(tmp_path: Path) -> None:
    left = outputs(tmp_path, result={"acc": [0.5, 0.25, 0.125], "val_acc": [1, 2, 0]})
    write(left.folder / "val.csv", "step,score\n1,3\n2,3\n3,9\n")
    write(left.folder / "test.jsonl", '{"step": 3, "acc": 0.5}\n{"step": 2, "acc": 0.25}\n')
    sources = [MetricSource("chooser", "val.csv:score"), MetricSource("acc", "test.jsonl:acc", Take(of="chooser"))]
    assert read_measurements(sources, left).measurements[1].value == 0.5
    assert value(left, "", BEST) == 0.25
    assert value(left, "result:acc", BEST, metric="x") == 0.25


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            "step,acc,val_acc\n1,0.5,\n2,,0.5\n",
            "val_acc is best at step 2, but there is no value at step 2; of its 1 st",
        ),
        ("step,acc,val_acc\n1,0.5,nan\n", "val_acc, which chooses its step: none of its values is finite"),
        ("step,acc,val_acc\n1,0.5,x\n", "val_acc, which chooses its step: the value is the text 'x', not a number"),
        (
            "step,acc\n1,0.5\n",
            "val_acc, which chooses its step: metrics.csv: unknown column 'val_acc'; did you mean 'acc'?",
        ),
    ],
)
def test_a_validation_metric_that_cannot_choose(tmp_path: Path, content: str, told: str) -> None:
    left = outputs(tmp_path)
    write(left.folder / "metrics.csv", content)
    assert reason(left, "metrics.csv:acc", BEST).startswith(told)


def test_one_number_has_no_steps(tmp_path: Path) -> None:
    left = outputs(tmp_path, result={"acc": 1, "val_acc": 2})
    assert reason(left, "", Take(step=5)).startswith("it is one number and no series, so it has no step 5")
    assert reason(left, "", BEST).startswith(
        "val_acc, which chooses its step: it is one number and no series, so no step"
    )


def test_a_broken_file_of_one_metric_costs_no_other(tmp_path: Path) -> None:
    left = outputs(tmp_path, result='{"acc": 0.5')
    write(left.folder / "metrics.csv", "loss\n2\n")
    read = read_measurements([MetricSource("acc"), MetricSource("loss", "metrics.csv:loss")], left)
    assert [one.value for one in read.measurements] == [2.0]
    assert read.missing["acc"].startswith("result.json is cut off")

"""Metrics of the machine, which differ between any two runs."""

import pytest

from ablate.measurement import RATE, Display, Metric
from ablate.study.wiring.compared import compared_metrics
from ablate.trainers.costs import COSTS


@pytest.mark.parametrize(
    "metric",
    [
        Metric("runtime"),
        Metric("train_time"),
        Metric("step", unit="ms"),
        Metric("speed", display=Display(unit="img/s")),
        Metric("peak", unit="GB"),
        *COSTS,
    ],
    ids=lambda metric: metric.name,
)
def test_times_memory_and_speeds_are_not_compared(metric: Metric) -> None:
    assert compared_metrics([metric, Metric("acc", display=RATE)]) == {"acc"}


def test_other_metrics_are() -> None:
    metrics = [Metric("acc", display=RATE), Metric("val_loss", unit="nats"), Metric("timely"), Metric("bleu")]
    assert compared_metrics(metrics) == {"acc", "val_loss", "timely", "bleu"}

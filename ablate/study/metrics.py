"""The metrics of a study, found by their names."""

from collections.abc import Iterable

from ablate.measurement import Metric
from ablate.trainers.top_k import METRICS

UNDECLARED: tuple[Metric, ...] = METRICS
"""The metrics of a plan, or of a log, that declares none: those of ranked results were the only ones."""


def metric_named(metrics: Iterable[Metric], name: str) -> Metric:
    """Return the metric of a name; KeyError if there is none."""
    for metric in metrics:
        if metric.name == name:
            return metric
    raise KeyError(name)

"""The metrics of a study, found by their names."""

from collections.abc import Iterable

from ablate.measurement import COST, TEST, Metric
from ablate.trainers.costs import COST_NAMES
from ablate.trainers.top_k import METRICS

UNDECLARED: tuple[Metric, ...] = METRICS
"""The metrics of a plan, or of a log, that declares none: those of ranked results were the only ones."""


def split_of(name: str) -> str:
    """Return the split that values of a metric are on: those of costs belong to the training."""
    return COST if name in COST_NAMES else TEST


def metric_named(metrics: Iterable[Metric], name: str) -> Metric:
    """Return the metric of a name; KeyError if there is none."""
    for metric in metrics:
        if metric.name == name:
            return metric
    raise KeyError(name)

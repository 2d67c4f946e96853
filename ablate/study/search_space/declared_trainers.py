"""Checks of a search whose trainer the study file declares: its scores must come from validation data."""

from typing import Any

from ablate.measurement import COST
from ablate.study.metrics import split_of
from ablate.study.reading.problems import Problems
from ablate.study.search_space.space import SearchSpec
from ablate.trainers.entry import TrainerEntry

NO_REPORTS = (
    "a command reports no results before its end, so no training can be stopped early; leave the pruner out, or use a "
    "function that calls `run.report`"
)
"""The fault of a pruner that never has anything to judge."""


def check_declared_search(search: SearchSpec, trainer: TrainerEntry[Any], problems: Problems) -> None:
    """Record metrics that are not known to be measured on validation data, and a pruner without anything to judge."""
    path = ("search", "metric") if problems.root.at(("search", "metric")) else ("search",)
    for metric in search.metrics:
        if not metric.on_validation and split_of(metric.name) != COST:
            problems.add(path, _no_validation(metric.name))
    if search.pruner and not trainer.reports_on_the_way:
        problems.add(("search", "pruner"), NO_REPORTS)


def _no_validation(name: str) -> str:
    return (
        f"{name} is not known to be measured on validation data, and values that are chosen by test data are too good "
        f"by luck; name a validation metric in `search.metric`, or write `split: validation` below metrics.{name} if "
        "it is one"
    )

"""The cost of a plan: the number of trainings, and their time, estimated from finished ones of the same shape."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ablate.study.plan.trial_states import PlannedTrial

Times = Mapping[str, Sequence[float]]
"""{shape: the seconds of each finished training of that shape}."""


@dataclass(frozen=True)
class TimeEstimate:
    """The time that the trainings of a plan take."""

    seconds: float
    """The time from now until the trainings with a known shape are done."""
    known: int
    """The number of trainings with a known shape: one of which some training is finished."""
    finished: int
    """The number of finished trainings that the estimate is made from."""
    unknown: int
    """The number of trainings that the estimate leaves out."""
    shapes: int
    """The number of different shapes among those that are left out."""


def to_train(planned: Iterable[PlannedTrial]) -> dict[str, str | None]:
    """Return {training key: shape} of the trainings that have to run, in their order."""
    trials = [item.trial for item in planned if item.to_run and not item.trained]
    return {trial.training_key: trial.shape for trial in trials}


def to_evaluate(planned: Iterable[PlannedTrial]) -> set[str]:
    """Return the keys of the finished trainings that lack an evaluation."""
    return {item.trial.training_key for item in planned if item.to_run and item.trained}


def shapes_to_run(planned: Iterable[PlannedTrial]) -> set[str]:
    """Return the shapes of the trainings that have to run."""
    return {shape for shape in to_train(planned).values() if shape is not None}


def expected_seconds(planned: Iterable[PlannedTrial], times: Times) -> dict[str, float]:
    """Return {training key: seconds} of the trainings that have to run: the median of their shape, if it is known."""
    medians = {shape: median(seconds) for shape, seconds in times.items()}
    return {key: medians[shape] for key, shape in to_train(planned).items() if shape in medians}


def estimate(planned: Iterable[PlannedTrial], times: Times, workers: int) -> TimeEstimate:
    """Return the time of the trainings that have to run, if each free worker takes the next one."""
    shapes = to_train(planned)
    expected = expected_seconds(planned, times)
    free = [0.0] * max(1, workers)
    for seconds in expected.values():
        heapq.heapreplace(free, free[0] + seconds)
    known = {shape for key, shape in shapes.items() if key in expected}
    unknown = [shape for key, shape in shapes.items() if key not in expected]
    finished = sum(len(seconds) for shape, seconds in times.items() if shape in known)
    return TimeEstimate(max(free), len(expected), finished, len(unknown), len(set(unknown)))

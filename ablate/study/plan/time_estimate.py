"""What a plan costs: how many trainings, and how long they take by those of the same shape that are finished."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ablate.study.plan.plan import PlannedTrial

Times = Mapping[str, Sequence[float]]
"""{shape: the seconds that each finished training of that shape took}."""


@dataclass(frozen=True)
class TimeEstimate:
    """`seconds` from now until the `known` trainings are done; `unknown` ones, of `shapes` shapes, are left out.

    `finished`: from how many finished trainings that is known.
    """

    seconds: float
    known: int
    finished: int
    unknown: int
    shapes: int


def to_train(planned: Iterable[PlannedTrial]) -> dict[str, str | None]:
    """{training key: shape} of the trainings that are to run, in their order."""
    wanted = [item.trial for item in planned if item.to_run and not item.trained]
    return {trial.training_key: trial.shape for trial in wanted}


def to_evaluate(planned: Iterable[PlannedTrial]) -> set[str]:
    """The keys of the finished trainings of which an evaluation is lacking."""
    return {item.trial.training_key for item in planned if item.to_run and item.trained}


def shapes_to_run(planned: Iterable[PlannedTrial]) -> set[str]:
    return {shape for shape in to_train(planned).values() if shape is not None}


def expected_seconds(planned: Iterable[PlannedTrial], times: Times) -> dict[str, float]:
    """{training key: seconds} of the trainings to run, by the median of their shape, where there is one."""
    medians = {shape: median(found) for shape, found in times.items()}
    return {key: medians[shape] for key, shape in to_train(planned).items() if shape in medians}


def estimate(planned: Iterable[PlannedTrial], times: Times, workers: int) -> TimeEstimate:
    """How long the trainings to run take, when each worker takes the next one as it becomes free."""
    wanted = to_train(planned)
    expected = expected_seconds(planned, times)
    free = [0.0] * max(1, workers)
    for seconds in expected.values():
        heapq.heapreplace(free, free[0] + seconds)
    told = {shape for key, shape in wanted.items() if key in expected}
    untold = [shape for key, shape in wanted.items() if key not in expected]
    finished = sum(len(found) for shape, found in times.items() if shape in told)
    return TimeEstimate(max(free), len(expected), finished, len(untold), len(set(untold)))

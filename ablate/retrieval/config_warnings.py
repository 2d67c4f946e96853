"""Values of the config that are valid but hardly meant, a sentence each."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from ablate.text import written
from ablate.trainers.entry import Config

LARGEST_RATE = 1.0
"""A larger learning rate or weight decay makes weights leave their range within a few steps."""


def config_warnings(config: Config) -> Iterator[str]:
    """Yield what is unusual about the schedule, the loss, the augmentation and the evaluation of one plain config."""
    schedule = config["schedule"]
    yield from _of_milestones(schedule)
    if schedule["warmup_steps"] > schedule["steps"]:
        yield f"a warm-up of {schedule['warmup_steps']} steps outlasts the {schedule['steps']} steps of training"
    for key in ("lr", "weight_decay"):
        if schedule["steps"] and schedule[key] > LARGEST_RATE:
            yield f"schedule.{key} is {written(schedule[key])}, so large that training will hardly converge"
    smoothing = config["loss"]["label_smoothing"]
    if smoothing > 0.5:
        yield f"loss.label_smoothing is {written(smoothing)}: more than half of the target is spread over all classes"
    erasing = config["augment"]["random_erasing"]
    if erasing and (erasing["p"] == 0 or erasing["area"][1] == 0):
        yield "augment.random_erasing erases nothing: its p or its area is 0; null turns it off"
    yield from _of_rerank(config["evaluate"]["rerank"])


def _of_milestones(schedule: Mapping[str, Any]) -> Iterator[str]:
    """Yield milestones that a person would not write, and a learning rate that rises at them."""
    milestones, steps = schedule["milestones"], schedule["steps"]
    if schedule["decay"] != "milestones" or not milestones:
        return
    late = [milestone for milestone in milestones if milestone >= steps]
    if late:
        yield f"milestones {written(late)} are never reached: training ends at step {steps}"
    if any(one >= other for one, other in pairwise(milestones)):
        yield f"milestones {written(milestones)} do not increase; each of them multiplies the learning rate by gamma"
    if 0 in milestones:
        yield "a milestone of 0 multiplies the learning rate by gamma from the first step on"
    if schedule["gamma"] > 1:
        yield f"schedule.gamma is {written(schedule['gamma'])}: the learning rate rises at each milestone"


def _of_rerank(rerank: Mapping[str, Any] | None) -> Iterator[str]:
    if not rerank:
        return
    if rerank["k2"] > rerank["k1"]:
        yield (
            f"evaluate.rerank.k2, {rerank['k2']}, is larger than k1, {rerank['k1']}: encodings are averaged over more "
            "neighbours than are searched; k2 is usually a third of k1"
        )
    if rerank["weight"] == 1:
        yield "evaluate.rerank.weight is 1: only the original distance counts, so that re-ranking changes nothing"

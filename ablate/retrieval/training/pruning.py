"""Validates a training on its way, and ends it early if a judge decides that it is not worth continuing."""

import math
from collections.abc import Callable, Sequence

from ablate.measurement import Interim, Measurement
from ablate.retrieval.training.checkpointing import CheckpointSaver
from ablate.retrieval.training.state import TrainingState
from ablate.trainers.protocol import PARTS, Judge, Pruned


class ValidationWatch:
    """Reports the validation of a training to a judge after each of its parts."""

    def __init__(self, judge: Judge, validate: Callable[[], Sequence[Measurement]], steps: int) -> None:
        self.judge, self.validate = judge, validate
        """`validate` returns the measurements on the validation split for the network as it is now."""
        self.parts = part_ends(steps)
        """{step: the number of the part that ends after this step}."""

    def is_due(self, step: int) -> bool:
        """Return True if a part ends after this step."""
        return step in self.parts

    def look(self, training: TrainingState, saver: CheckpointSaver) -> None:
        """Validate if a part ends now, without changing the training.

        If the judge decides to end the training, save it and raise Pruned.
        """
        if not self.is_due(training.step):
            return
        measured = self.validate()
        training.network.train()
        if not self.judge(Interim.of(self.parts[training.step] / PARTS, measured)):
            saver.keep(training)
            raise Pruned(f"at step {training.step}")


def part_ends(steps: int) -> dict[int, int]:
    """Return {step: the number of the part that ends after it}. If several parts end at one step, it has the last."""
    ends = {math.ceil(part * steps / PARTS): part for part in range(1, PARTS)}
    return {step: part for step, part in ends.items() if step < steps}

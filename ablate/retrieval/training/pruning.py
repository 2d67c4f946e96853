"""A training that is looked at on its way, and ended where that shows that it is not worth going on with."""

import math
from collections.abc import Callable

from ablate.retrieval.training.checkpointing import CheckpointSaver
from ablate.retrieval.training.state import TrainingState
from ablate.trainers.protocol import PARTS, Judge, Pruned, Ranks, interim


class ValidationWatch:
    """Shows a judge how a training stands.

    `validate` gives the ranks of the validation split as the network finds them now; `parts` says after which step
    which part is over.
    """

    def __init__(self, judge: Judge, validate: Callable[[], Ranks], steps: int) -> None:
        self.judge, self.validate = judge, validate
        self.parts = looks(steps)

    def is_due(self, step: int) -> bool:
        return step in self.parts

    def look(self, training: TrainingState, saver: CheckpointSaver) -> None:
        """Looks if it is time; what is trained is as it was before. Raises Pruned, saved, where the judge says so."""
        if not self.is_due(training.step):
            return
        ranks = self.validate()
        training.network.train()
        if not self.judge(interim(self.parts[training.step], ranks)):
            saver.keep(training)
            raise Pruned(f"at step {training.step}")


def looks(steps: int) -> dict[int, int]:
    """{step: part}: the steps after which a part is over. With few steps, a step has the last of its parts."""
    ends = {math.ceil(part * steps / PARTS): part for part in range(1, PARTS)}
    return {step: part for step, part in ends.items() if step < steps}

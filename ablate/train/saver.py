"""When a training is saved, and taken up again."""

import time
from collections.abc import Mapping

from ablate.train.checkpoint import KEEP, Checkpoints
from ablate.train.state import Training


class Saver:
    """Saves a training every `seconds`, and its weights at the end; without checkpoints, never.

    `environment` becomes that of the training which is taken up.
    """

    def __init__(self, checkpoints: Checkpoints | None, seconds: float, environment: Mapping[str, str]) -> None:
        self.checkpoints, self.seconds, self.environment = checkpoints, seconds, environment
        self.last = time.monotonic()

    def resume(self, training: Training, steps: int) -> None:
        """Brings a fresh training to where its newest whole checkpoint was."""
        packed = self.checkpoints.newest() if self.checkpoints else None
        if packed is not None:
            self.environment = training.restore(packed, self.environment, steps) or self.environment

    def is_due(self) -> bool:
        return self.checkpoints is not None and time.monotonic() - self.last >= self.seconds

    def save(self, training: Training, final: bool) -> None:
        """Saves if it is time."""
        if self.checkpoints is None or not (final or self.is_due()):
            return
        self.checkpoints.offer(training.step, training.packed(self.environment, final), keep=1 if final else KEEP)
        self.last = time.monotonic()

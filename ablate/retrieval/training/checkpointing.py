"""When a training is saved, taken up again, and stopped."""

import time
from collections.abc import Mapping

from ablate.retrieval.training.state import TrainingState
from ablate.trainers.checkpoints import KEEP, Checkpoints
from ablate.trainers.protocol import Stopped


class CheckpointSaver:
    """Saves a training every `seconds`, when it is asked to stop, and its weights at the end; without checkpoints,
    never.

    `environment` becomes that of the training which is taken up; `saved` is the step of what is on disk.
    """

    def __init__(self, checkpoints: Checkpoints | None, seconds: float, environment: Mapping[str, str]) -> None:
        self.checkpoints, self.seconds, self.environment = checkpoints, seconds, environment
        self.last = time.monotonic()
        self.saved = 0

    def resume(self, training: TrainingState, steps: int) -> None:
        """Brings a fresh training to where its newest whole checkpoint was."""
        packed = self.checkpoints.newest() if self.checkpoints else None
        if packed is not None:
            self.environment = training.restore(packed, self.environment, steps) or self.environment
        self.saved = training.step

    def is_due(self) -> bool:
        return self.checkpoints is not None and (self._stopping() or time.monotonic() - self.last >= self.seconds)

    def save(self, training: TrainingState, final: bool) -> None:
        """Saves if it is time. Raises Stopped if that was asked for, whether or not it could be written."""
        if self.checkpoints is None or not (final or self.is_due()):
            return
        self.keep(training, final)
        if self._stopping() and not final:
            raise Stopped(f"at step {training.step}")

    def keep(self, training: TrainingState, final: bool = False) -> None:
        """Saves now, where there are checkpoints and the disk takes one."""
        if self.checkpoints is None:
            return
        packed = training.packed(self.environment, final)
        if self.checkpoints.offer(training.step, packed, keep=1 if final else KEEP):
            self.saved = training.step
        self.last = time.monotonic()

    def heed(self, training: TrainingState) -> None:
        """Raises Stopped if that is asked for and loses nothing, as all steps that were taken are on disk."""
        if self._stopping() and self.saved == training.step:
            raise Stopped(f"at step {training.step}")

    def _stopping(self) -> bool:
        return self.checkpoints is not None and self.checkpoints.stopping()

"""Saves a training, resumes it, and stops it on request."""

import time
from collections.abc import Mapping

from ablate.retrieval.training.state import TrainingState
from ablate.trainers.checkpoints import KEEP, Checkpoints
from ablate.trainers.protocol import Stopped


class CheckpointSaver:
    """Saves a training every `seconds`, before it stops on request, and at its end. Without checkpoints, never."""

    def __init__(self, checkpoints: Checkpoints | None, seconds: float, environment: Mapping[str, str]) -> None:
        self.checkpoints, self.seconds = checkpoints, seconds
        self.environment = environment
        """The environment of this process, or that of a resumed training once one is resumed."""
        self.last = time.monotonic()
        """The time of the last save, or of the start; seconds of the monotonic clock."""
        self.saved = 0
        """The step of the state on the disk."""

    def resume(self, training: TrainingState, steps: int) -> None:
        """Bring a fresh training to the state of its newest intact checkpoint, if there is one."""
        packed = self.checkpoints.newest() if self.checkpoints else None
        if packed is not None:
            self.environment = training.restore(packed, self.environment, steps) or self.environment
        self.saved = training.step

    def is_due(self) -> bool:
        """Return True if the training should be saved now: it has been asked to stop, or the time has passed."""
        return self.checkpoints is not None and (self._stopping() or time.monotonic() - self.last >= self.seconds)

    def save(self, training: TrainingState, final: bool) -> None:
        """Save if it is time or at the end. Raises Stopped on request, even if the state could not be written."""
        if self.checkpoints is None or not (final or self.is_due()):
            return
        self.keep(training, final)
        if self._stopping() and not final:
            raise Stopped(f"at step {training.step}")

    def keep(self, training: TrainingState, final: bool = False) -> None:
        """Save now, if there are checkpoints and the disk accepts one."""
        if self.checkpoints is None:
            return
        packed = training.packed(self.environment, final)
        if self.checkpoints.offer(training.step, packed, keep=1 if final else KEEP):
            self.saved = training.step
        self.last = time.monotonic()

    def stop_if_requested(self, training: TrainingState) -> None:
        """Raise Stopped if a stop is requested and loses nothing, because all steps taken so far are on the disk."""
        if self._stopping() and self.saved == training.step:
            raise Stopped(f"at step {training.step}")

    def _stopping(self) -> bool:
        return self.checkpoints is not None and self.checkpoints.stopping()

"""The interface of a trainer: its arguments, its calls on the way, and its results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ablate.measurement import Interim, Result
from ablate.trainers.checkpoints import Checkpoints


@dataclass(frozen=True)
class Progress:
    """The progress of a training."""

    step: int
    """Steps that are done."""
    steps: int
    """Steps of the whole training; 0 if they are not known, as of a command."""
    loss: float | None = None
    """Loss of the last step; None if there is none."""
    begun: int = 0
    """Step at which this attempt began: that of the checkpoint from which it was resumed, or 0."""


PARTS = 10
"""Parts of a watched training. It is evaluated after each part but the last, after which its result is known."""


Judge = Callable[[Interim], bool]
"""Return True if the training should continue."""


class Pruned(Exception):  # noqa: N818 - no fault: a judge decided it
    """Raised by a trainer whose judge ended it, after its state is in a checkpoint. The message names the step."""


TEST_EXAMPLES = "test_examples"
"""The name in `Result.environment` of a hash of the examples that a trial was tested on, if the trainer records it.

Trials with other examples are tested on something else, whatever a factor declares.
"""


class Stopped(Exception):  # noqa: N818 - no fault: a stop was requested
    """Raised by a trainer on a requested stop, after its state is in a checkpoint. The message names the step."""


class Diverged(Exception):  # noqa: N818 - no fault: the same config and seed would diverge again
    """Raised by a trainer whose training or test gave a value that is not finite. The message is the reason."""

    def __init__(self, reason: str, results: Sequence[Result] = ()) -> None:
        """`results`: the result of each config, with the values that were measured; empty if nothing was."""
        super().__init__(reason)
        self.results = results


class Lost(Exception):  # noqa: N818 - no fault of the training, as far as is known
    """Raised by a trainer whose training was killed from outside. The message is the reason.

    The training is queued again, unless that happens several times in a row without a newer checkpoint.
    """


class Outdated(Exception):  # noqa: N818 - no fault of the training
    """Raised by a trainer whose code or data are no longer those of the trial's identity. The message is the reason.

    The training is queued again, and the run ends: results of the files as they are now belong to other trials.
    """


class Trainer(Protocol):
    """Trains once, then evaluates under each config, with one result each. The configs are equal except for `evaluate`.

    The results of one training share their environment and their curve.

    - A training continues from its newest checkpoint. `checkpoints` is None if none are kept.
    - A long training calls `checkpoints.stopping()` often, and raises Stopped if it returns True.
    - It calls `progress` at least once in `runtime.stall_seconds`; otherwise it counts as hung and is killed.
    - With a `judge`, it evaluates the first config on the validation split after each part but the last, and raises
      Pruned if the judge returns False. The results are the same with and without a judge.
    - It raises Diverged if values are not finite, which ends the training for good, and Lost if it was killed from
      outside. If it raises Stopped though no stop was requested, the training is queued again.
    """

    def __call__(
        self,
        configs: Sequence[Any],
        seed: int,
        attempt: int,
        progress: Callable[[Progress], None],
        checkpoints: Checkpoints | None,
        judge: Judge | None = None,
    ) -> Sequence[Result]: ...

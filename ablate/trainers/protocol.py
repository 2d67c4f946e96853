"""The interface of a trainer: its arguments, its calls on the way, and its outcome."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ablate.trainers.checkpoints import Checkpoints

Ranks = NDArray[np.uint32]
"""Shape (queries,): the 1-based rank of each query's best-placed correct gallery item; 0 if it has none."""


@dataclass(frozen=True)
class Progress:
    """The progress of a training."""

    step: int
    """Steps that are done."""
    steps: int
    """Steps of the whole training."""
    loss: float | None = None
    """Loss of the last step; None if there is none."""
    begun: int = 0
    """Step at which this attempt began: that of the checkpoint from which it was resumed, or 0."""


PARTS = 10
"""Parts of a watched training. It is evaluated after each part but the last, after which its result is known."""


@dataclass(frozen=True)
class Interim:
    """An interim result on the validation split."""

    part: int
    """Tenths of the steps that are done."""
    hits: Mapping[int, int]
    """{k: number of queries with a correct gallery item among the k nearest}."""
    queries: int
    """Number of queries."""


KS = (1, 5, 10)
"""Values of k for which interim results have hits."""


def interim(part: int, ranks: Ranks) -> Interim:
    """Return the interim result after `part` tenths of the steps, from the ranks of the validation split."""
    return Interim(part, {k: int(((ranks > 0) & (ranks <= k)).sum()) for k in KS}, len(ranks))


Judge = Callable[[Interim], bool]
"""Return True if the training should continue."""


class Pruned(Exception):  # noqa: N818 - no fault: a judge decided it
    """Raised by a trainer whose judge ended it, after its state is in a checkpoint. The message names the step."""


@dataclass(frozen=True)
class Precision:
    """Precisions of single queries, in [0, 1]; 0 for a query that has no correct gallery item."""

    average: NDArray[np.float32]
    """Average precision, shape (queries,)."""
    at_r: NDArray[np.float32]
    """Average precision at R, shape (queries,); R is a query's number of correct gallery items."""


@dataclass(frozen=True)
class Evaluation:
    """The results under one setting of the evaluation, by split."""

    ranks: Mapping[str, Ranks]
    """{split: ranks of the queries}."""
    gallery: Mapping[str, int]
    """{split: number of gallery items}."""
    precision: Mapping[str, Precision] = field(default_factory=dict)
    """{split: precisions of the queries}; empty if whole rankings are not known."""


TEST_EXAMPLES = "test_examples"
"""The name in `Outcome.environment` of a hash of the examples that a trial was tested on, if the trainer records it.

Trials with other examples are tested on something else, whatever a factor declares.
"""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one training."""

    evaluations: Sequence[Evaluation]
    """One evaluation for each config, in their order."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """{name: value} of versions, device and other conditions on which a result may depend."""
    curve: Sequence[tuple[int, float]] = ()
    """(step, loss) along the training."""


class Stopped(Exception):  # noqa: N818 - no fault: a stop was requested
    """Raised by a trainer on a requested stop, after its state is in a checkpoint. The message names the step."""


class Trainer(Protocol):
    """Trains once, then evaluates under each config. The configs are equal except for `evaluate`.

    - A training continues from its newest checkpoint. `checkpoints` is None if none are kept.
    - A long training calls `checkpoints.stopping()` often, and raises Stopped if it returns True.
    - It calls `progress` at least once in `runtime.stall_seconds`; otherwise it counts as hung and is killed.
    - With a `judge`, it evaluates the first config on the validation split after each part but the last, and raises
      Pruned if the judge returns False. The outcome is the same with and without a judge.
    """

    def __call__(
        self,
        configs: Sequence[Any],
        seed: int,
        attempt: int,
        progress: Callable[[Progress], None],
        checkpoints: Checkpoints | None,
        judge: Judge | None = None,
    ) -> Outcome: ...

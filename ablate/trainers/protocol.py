"""What a trainer is given and what it gives back; drawn from the two that exist."""

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
    """How far a training is. `loss` is None where there is none to speak of; `begun` is the step it went on from."""

    step: int
    steps: int
    loss: float | None = None
    begun: int = 0


PARTS = 10
"""How often a watched training is looked at: after each tenth of its steps but the last, which its result tells."""


@dataclass(frozen=True)
class Interim:
    """How a training stands on the validation split after `part` tenths of its steps: {k: hits} of `queries`."""

    part: int
    hits: Mapping[int, int]
    queries: int


KS = (1, 5, 10)
"""Among how many best a hit is looked for on the way."""


def interim(part: int, ranks: Ranks) -> Interim:
    """What a judge is shown, from the ranks of the validation split."""
    return Interim(part, {k: int(((ranks > 0) & (ranks <= k)).sum()) for k in KS}, len(ranks))


Judge = Callable[[Interim], bool]
"""Whether a training is worth going on with."""


class Pruned(Exception):  # noqa: N818 - no fault: a judge decided it
    """Raised by a trainer whose judge ended it, once what it has done is in a checkpoint; says where it stands."""


@dataclass(frozen=True)
class Precision:
    """Per query, shape (queries,), in [0, 1]: average precision, and average precision at R, its number of right
    gallery entries; 0 where it has none.
    """

    average: NDArray[np.float32]
    at_r: NDArray[np.float32]


@dataclass(frozen=True)
class Evaluation:
    """What one evaluation setting gave, a split: the queries' ranks and the size of the gallery; and the precisions,
    where whole rankings are known.
    """

    ranks: Mapping[str, Ranks]
    gallery: Mapping[str, int]
    precision: Mapping[str, Precision] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """One training's evaluations, in the order of the configs, and what is recorded beside them."""

    evaluations: Sequence[Evaluation]
    environment: Mapping[str, str] = field(default_factory=dict)
    curve: Sequence[tuple[int, float]] = ()


class Stopped(Exception):  # noqa: N818 - no fault: it was asked for
    """Raised by a trainer that was asked to stop, once what it has done is in a checkpoint; says where it stands."""


class Trainer(Protocol):
    """Trains once and evaluates as often as there are configs; they are equal but for `evaluate`.

    A training goes on from its newest checkpoint; where there are none to be kept, `checkpoints` is None.
    One that takes long asks `checkpoints.stopping()` now and then, and raises Stopped where it says so. It calls
    `progress` as a sign of life too: who gives none for `runtime.stall_seconds` is taken for hung.
    With a `judge`, it evaluates the first config on the validation split on its way, and raises Pruned where the judge
    says so; what it gives in the end is the same with and without.
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

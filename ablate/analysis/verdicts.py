"""What may be said of an effect: the closed list of verdicts and the rule for each, in one place."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.stats.multiplicity import holm

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BETTER: Final = "better"
WORSE: Final = "worse"
BETTER_BELOW_DELTA: Final = "better_below_delta"
WORSE_BELOW_DELTA: Final = "worse_below_delta"
NO_EFFECT: Final = "no_effect"
UNDECIDED: Final = "undecided"
CONFOUNDED: Final = "confounded"
NOT_ESTIMABLE: Final = "not_estimable"
CHECKPOINTS_DIFFER: Final = "checkpoints_differ"
CANNOT_TELL: Final = "cannot_tell"

ALL = (
    BETTER,
    WORSE,
    BETTER_BELOW_DELTA,
    WORSE_BELOW_DELTA,
    NO_EFFECT,
    UNDECIDED,
    CONFOUNDED,
    NOT_ESTIMABLE,
    CHECKPOINTS_DIFFER,
    CANNOT_TELL,
)

FLIPPED: Final = {
    BETTER: WORSE,
    WORSE: BETTER,
    BETTER_BELOW_DELTA: WORSE_BELOW_DELTA,
    WORSE_BELOW_DELTA: BETTER_BELOW_DELTA,
}


def decide(effect: Floats, p: Floats, p_equivalence: Floats, one_seed: Bools, alpha: float) -> NDArray[np.str_]:
    """The verdict of each effect of one family, shape (..., effects).

    `effect` in pp, nan where there is none; `p` of no difference and `p_equivalence` of a difference of delta or more,
    both adjusted for the family already. Confounding is the caller's to know.
    """
    significant = p <= alpha
    small = p_equivalence <= alpha
    up = effect > 0
    several = np.select(
        [significant & small & up, significant & small, significant & up, significant, small],
        [BETTER_BELOW_DELTA, WORSE_BELOW_DELTA, BETTER, WORSE, NO_EFFECT],
        UNDECIDED,
    )
    one = np.where(significant, CHECKPOINTS_DIFFER, CANNOT_TELL)
    found: NDArray[np.str_] = np.where(np.isnan(effect), NOT_ESTIMABLE, np.where(one_seed, one, several))
    return found


def adjusted(p: Floats, p_equivalence: Floats) -> tuple[Floats, Floats]:
    """Both by Holm's procedure along the last axis, each by itself.

    A family makes a false claim of an effect at most at alpha, and one of its absence at most at alpha; that it makes
    one of the two has no bound but the sum.
    """
    return holm(p), holm(p_equivalence)

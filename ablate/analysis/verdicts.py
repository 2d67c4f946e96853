"""The closed list of verdicts on an effect, and the rule for each."""

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
NOT_JUDGED: Final = "not_judged"
"""The verdict of an effect on a metric that is not the primary one. It is shown for exploring."""

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
    NOT_JUDGED,
)

UPWARDS: Final = (BETTER, BETTER_BELOW_DELTA)
DOWNWARDS: Final = (WORSE, WORSE_BELOW_DELTA)
CLAIMS: Final = (*UPWARDS, *DOWNWARDS, CHECKPOINTS_DIFFER)
"""Verdicts that there is a difference; those of UPWARDS and DOWNWARDS name its direction."""

FLIPPED: Final = {
    BETTER: WORSE,
    WORSE: BETTER,
    BETTER_BELOW_DELTA: WORSE_BELOW_DELTA,
    WORSE_BELOW_DELTA: BETTER_BELOW_DELTA,
}


def decide(improvement: Floats, p: Floats, p_equivalence: Floats, one_seed: Bools, alpha: float) -> NDArray[np.str_]:
    """Return the verdict of each effect of one family, shape (..., effects).

    `improvement`: the effect in the direction in which the metric is better, nan without a result. `p`: of no effect.
    `p_equivalence`: of an effect of delta or more. Both p's are adjusted for the family already. `one_seed`: True for
    effects of one seed. Confounding is not handled here.
    """
    significant = p <= alpha
    small = p_equivalence <= alpha
    up = improvement > 0
    several = np.select(
        [significant & small & up, significant & small, significant & up, significant, small],
        [BETTER_BELOW_DELTA, WORSE_BELOW_DELTA, BETTER, WORSE, NO_EFFECT],
        UNDECIDED,
    )
    one = np.where(significant, CHECKPOINTS_DIFFER, CANNOT_TELL)
    verdict: NDArray[np.str_] = np.where(np.isnan(improvement), NOT_ESTIMABLE, np.where(one_seed, one, several))
    return verdict


def adjusted(p: Floats, p_equivalence: Floats) -> tuple[Floats, Floats]:
    """Return both kinds of p, each adjusted by Holm's procedure along the last axis.

    The probability that a family makes a false claim of an effect is at most alpha, and so is the probability that it
    makes a false claim of absence. The probability of either is bounded by the sum only.
    """
    return holm(p), holm(p_equivalence)

"""What looks have shown so far of the contrasts of a family: the one rule by which seeds are spent.

Arrays are (..., contrasts), with any number of studies in front. The rule: a contrast's nominal p at a look becomes the
repeated p of that look, its smallest over the looks counts, adjusted for the family as without looks; a row gets more
seeds while an undecided contrast touches it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis import verdicts
from ablate.analysis.stats.group_sequential import repeated_p

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Repeat = Callable[[Floats, Sequence[float]], Floats]
"""Nominal two-sided p's at a look, and the information at the looks so far, to p's that are valid at every look."""
Adjust = Callable[[Floats, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class RepeatedPValues:
    """The smallest repeated p's so far, of no effect and of one of delta or more; nan before the first look.

    `effect`: what was measured when `p` was at its smallest, which gives a claim its sign.
    """

    p: Floats
    p_equivalence: Floats
    effect: Floats

    @classmethod
    def none(cls, shape: int | tuple[int, ...]) -> "RepeatedPValues":
        nothing = np.full(shape, np.nan)
        return cls(nothing, nothing, nothing)

    def after(self, p: Floats, p_equivalence: Floats, effect: Floats) -> "RepeatedPValues":
        """With the repeated p's of one more look; nan for contrasts that it has nothing new of."""
        stronger = ~np.isnan(p) & ~(self.p <= p)
        return RepeatedPValues(
            np.fmin(self.p, p), np.fmin(self.p_equivalence, p_equivalence), np.where(stronger, effect, self.effect)
        )

    def adjusted(self, adjust: Adjust = verdicts.adjusted) -> tuple[Floats, Floats]:
        return adjust(self.p, self.p_equivalence)

    def verdicts(self, known: ArrayLike, alpha: float, adjust: Adjust = verdicts.adjusted) -> NDArray[np.str_]:
        """What may be said; of contrasts not `known`, that they have no result yet: `not_estimable`."""
        effect = np.where(known, np.nan_to_num(self.effect), np.nan)
        return verdicts.decide(effect, *self.adjusted(adjust), np.asarray(False), alpha)


def repeated(
    p: Floats, p_equivalence: Floats, information: Sequence[float], repeat: Repeat = repeated_p
) -> tuple[Floats, Floats]:
    """Repeated p's of contrasts that were looked at together: two-sided, and of the two one-sided tests.

    A one-sided test at alpha has the boundary of a two-sided one at 2·alpha; what nominally is above .5 becomes 1.
    """
    both_sides = repeat(np.minimum(2 * p_equivalence, 1.0), information)
    return repeat(p, information), np.where(both_sides < 1, both_sides / 2, both_sides)


def touched(undecided: Bools, touches: Bools) -> Bools:
    """The rows, shape (..., rows), that an undecided contrast touches. `touches`: shape (contrasts, rows)."""
    found: Bools = undecided @ touches
    return found


def shares(path: Sequence[int], schedule: Sequence[int]) -> tuple[float, ...]:
    """The information at looks with so many seeds."""
    return tuple(min(seeds, schedule[-1]) / schedule[-1] for seeds in path)


def as_if_looked(seeds: Ints, schedule: Sequence[int]) -> Iterator[tuple[Ints, tuple[float, ...]]]:
    """Contrasts that no look is at, with the information that they have if each look so far had been at them too.

    Those of as many seeds, two or more, at a time: their positions and the information.
    """
    for most in np.unique(seeds[seeds > 1]).tolist():
        before = [look for look in schedule if 1 < look < min(most, schedule[-1])]
        yield np.flatnonzero(seeds == most), shares([*before, most], schedule)

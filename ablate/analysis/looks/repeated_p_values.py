"""The evidence about a family's contrasts from all looks so far: the one rule by which rows get more seeds.

Arrays have the shape (..., contrasts); leading dimensions are studies. The rule: a contrast's nominal p at a look
becomes the repeated p of that look. Its smallest repeated p over the looks counts, adjusted for the family as without
looks. A row gets more seeds while an undecided contrast depends on it.
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
"""A function of nominal two-sided p's at a look and the information at the looks so far; its p's hold at any look."""
Adjust = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""A function that adjusts p's of no effect and p's of equivalence for a family along the last axis."""


@dataclass(frozen=True)
class RepeatedPValues:
    """The smallest repeated p's so far; nan before the first look at a contrast."""

    p: Floats
    """The p of no effect."""
    p_equivalence: Floats
    """The p of an effect of delta or more."""
    effect: Floats
    """The effect at the look with the smallest `p`, which gives a claim its sign."""

    @classmethod
    def none(cls, shape: int | tuple[int, ...]) -> "RepeatedPValues":
        """Return the evidence before any look."""
        nan = np.full(shape, np.nan)
        return cls(nan, nan, nan)

    def after(self, p: Floats, p_equivalence: Floats, effect: Floats) -> "RepeatedPValues":
        """Return the evidence after one more look with these repeated p's; nan for contrasts with nothing new."""
        stronger = ~np.isnan(p) & ~(self.p <= p)
        return RepeatedPValues(
            np.fmin(self.p, p), np.fmin(self.p_equivalence, p_equivalence), np.where(stronger, effect, self.effect)
        )

    def adjusted(self, adjust: Adjust = verdicts.adjusted) -> tuple[Floats, Floats]:
        """Return the p's of no effect and of equivalence, adjusted for the family."""
        return adjust(self.p, self.p_equivalence)

    def verdicts(
        self, has_result: ArrayLike, alpha: float, adjust: Adjust = verdicts.adjusted, sign: int = 1
    ) -> NDArray[np.str_]:
        """Return the verdict of each contrast; `not_estimable` if it has no result yet.

        `sign`: 1 if an increase of the metric is an improvement, otherwise −1.
        """
        improvement = sign * np.where(has_result, np.nan_to_num(self.effect), np.nan)
        return verdicts.decide(improvement, *self.adjusted(adjust), np.asarray(False), alpha)


def repeated(
    p: Floats, p_equivalence: Floats, information: Sequence[float], repeat: Repeat = repeated_p
) -> tuple[Floats, Floats]:
    """Return the repeated p's of contrasts that were looked at together: of no effect, and of equivalence.

    A one-sided test at alpha has the boundary of a two-sided test at 2·alpha. A nominal p_equivalence above .5 becomes
    1.
    """
    both_sides = repeat(np.minimum(2 * p_equivalence, 1.0), information)
    return repeat(p, information), np.where(both_sides < 1, both_sides / 2, both_sides)


def touched(undecided: Bools, touches: Bools) -> Bools:
    """Return True for rows, shape (..., rows), that an undecided contrast touches. `touches`: (contrasts, rows)."""
    rows: Bools = undecided @ touches
    return rows


def shares(path: Sequence[int], schedule: Sequence[int]) -> tuple[float, ...]:
    """Return the information at looks with these numbers of seeds: their share of the last scheduled number."""
    return tuple(min(seeds, schedule[-1]) / schedule[-1] for seeds in path)


def as_if_looked(seeds: Ints, schedule: Sequence[int]) -> Iterator[tuple[Ints, tuple[float, ...]]]:
    """Return the information of contrasts outside the family, as if every look so far had been at them too.

    `seeds`: the number of seeds of each contrast. Returns, for each number of two or more, the positions of the
    contrasts with that number and their information.
    """
    for most in np.unique(seeds[seeds > 1]).tolist():
        before = [look for look in schedule if 1 < look < min(most, schedule[-1])]
        yield np.flatnonzero(seeds == most), shares([*before, most], schedule)

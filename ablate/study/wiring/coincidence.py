"""The probability that two trainings have equal values by chance, and what may be concluded from equal values.

**One value.** Suppose that two trainings differ in something that reaches the trainer and has no effect. Then a metric
has two independent values around the same mean, with a standard deviation S. If values have steps of r, such as 1/360
for a rate over 360 examples, or 0.0001 for four decimals, both values are the same with a probability of about

    r / (S · √(4π))

because their difference has the density 1 / (S · √(4π)) at 0. S is estimated from seeds, by medians, which a few
diverged runs do not change; r is estimated by `step_of`. If more pairs of seeds have equal values than the formula
says, as they do for rates in disguise, such as the F1 of a few examples, their share counts instead.

**Several values.** Seeds are independent, so the probabilities of several seeds multiply. Several metrics of one
training are not independent, so only the metric with the lowest probability counts. A check that makes K comparisons
multiplies by K.

**The conclusion.** Coincidence is not the only reason for equal values. A factor may disturb a training so little that
a rate stays the same in every seed, such as a slightly larger regularization of a convex model. Values alone cannot
distinguish it from a factor that never arrives, however many seeds there are. So they never prove that results are
equal. If chance explains equal values with a probability of at most IN_REPORTS, reports have a sentence about them; if
one factor in twenty does not arrive, a third or more of these sentences are right. Verdicts stay, with one exception:
the absence of an effect is never concluded from results that are equal in every seed. Only examples prove that results
are equal, see `Contents`: then there is no verdict.

**If no seeds differ**, S is not known: all seeds have equal results, or there is one. Then S is taken as the part
USUAL_SPREAD of the value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import pi, sqrt
from statistics import median
from typing import NamedTuple

from ablate.study.wiring.resolution import step_of


class Caution(NamedTuple):
    """The evidence that is needed before equal values are reported."""

    most: float
    """The largest probability of a coincidence, over all comparisons of a study."""
    fewest: int
    """The smallest number of comparisons."""


IN_REPORTS = Caution(0.1, 1)
DURING_A_RUN = Caution(0.001, 2)
"""Before all results are there, further ones may still differ."""
MOST = 0.6
"""If two values are equal by chance more often than this, nothing is concluded, however many values are equal."""
COARSEST = 0.02
"""If steps are larger than this part of the value, like those of a rate over 20 examples, nothing is concluded either.
A factor with a small effect often changes no such value."""
USUAL_SPREAD = 0.003
"""The standard deviation between seeds as a part of the value, if no seeds show it."""
FEWEST_CHANGES = 3
"""The smallest number of changes from which a spread is estimated that leaves out what all rows of a seed share."""
NORMAL_MEDIAN = 0.6745
"""The median of the absolute value of a standard normal number."""


@dataclass(frozen=True)
class Noise:
    """How much a metric varies between trainings that differ in nothing that has an effect."""

    step: float
    """The smallest difference that its values can show."""
    spread: float
    """The standard deviation between seeds."""
    size: float
    """The usual size of a value."""
    pairs: int = 0
    """The number of pairs of seeds of one row that are known."""
    ties: int = 0
    """The number of those with equal values."""

    @property
    def chance_of_equal(self) -> float:
        """The probability that two trainings have equal values."""
        if self.step > COARSEST * self.size:
            return 1.0
        share = self.step / (self.spread * sqrt(4 * pi)) if self.spread > 0 else 0.5  # the median difference is 0
        return _limited(max(share, self.ties / max(self.pairs, 1)))

    @property
    def highest_chance_of_equal(self) -> float:
        """The same, not lower than the known pairs show: without ties, less than one of them and of another pair."""
        return _limited(max(self.chance_of_equal, (self.ties + 1) / (self.pairs + 1)))


def _limited(share: float) -> float:
    return share if share <= MOST else 1.0


def noise_of(rows: Sequence[Mapping[int, float]]) -> Noise | None:
    """Return the noise of a metric; None without a value. `rows`: {seed: value} of each row, in the order of seeds.

    No row and no seed may repeat another.
    """
    values = [value for row in rows for value in row.values()]
    if not values:
        return None
    step, size = step_of(values), median(map(abs, values))
    differences = [later - earlier for row in rows for earlier, later in pairwise(row.values())]
    if not differences:
        return Noise(step, USUAL_SPREAD * size, size)
    spreads = [_spread(differences, 2)]
    changes = [change for one, other in pairwise(rows) for change in _changes(one, other)]
    if len(changes) >= FEWEST_CHANGES:
        spreads.append(_spread(changes, 4))
    equal = [one == other for row in rows for one, other in combinations(row.values(), 2)]
    return Noise(step, min(spreads), size, len(equal), sum(equal))


def _changes(one: Mapping[int, float], other: Mapping[int, float]) -> Iterator[float]:
    """Yield the changes of the difference of two rows from one seed to the next: four independent trainings each."""
    differences = [other[seed] - one[seed] for seed in one if seed in other]
    yield from (later - earlier for earlier, later in pairwise(differences))


def _spread(sums: Sequence[float], trainings: int) -> float:
    """Return the standard deviation of a training from sums and differences of as many independent ones."""
    return median(map(abs, sums)) / (NORMAL_MEDIAN * sqrt(trainings))

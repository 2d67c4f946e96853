"""Many simulated studies of real values at once: means over examples, and single numbers.

Values, effects and SDs are in the metric's unit; on a log scale they are those of the logarithm.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.power.batch_verdicts import BatchVerdicts, judge_means_of_one_seed
from ablate.analysis.power.row_shifts import RowShifts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ValueTruth(RowShifts):
    """The truth behind simulated studies of a mean or of a single number."""

    room: tuple[float, float] = (math.inf, math.inf)
    """How far a value can fall, and how far it can rise, without an effect."""
    examples: int | None = None
    """The number of independent examples, or of clusters of examples; None if none are known."""
    example_sd: float = 0.0
    """The SD of the difference that one example, or one cluster, has between two runs of one row."""
    pair_sd: float | None = None
    """That SD between two runs of different rows, which is larger if examples differ in the effect; None if it is the
    same."""

    @property
    def resolution(self) -> float:
        """The smallest difference between two values: none is known."""
        return 0.0

    @property
    def example_variance(self) -> float:
        """The part of a run's variance that comes from its examples: half of that of a difference."""
        return self.example_sd**2 / 2 / self.examples if self.examples else 0.0

    def draw(self, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
        """Return the values of new runs less that of no effect, shape (studies, rows, seeds)."""
        shape = (studies, len(self.effects), seeds)
        shifts = self.draw_shifts(seeds, studies, rng)
        of_examples = math.sqrt(self.example_variance) * rng.standard_normal(shape)
        values: Floats = np.array(self.effects)[:, None] + shifts + of_examples
        return values

    @property
    def simulates_one_seed(self) -> bool:
        """True if a single seed can show that two networks differ: by their examples."""
        return self.examples is not None and self.examples > 1 and self.example_sd > 0

    @property
    def most_of_one_seed(self) -> int:
        """The number of studies of one seed that are simulated in a moment; there is no limit."""
        return 2**31

    def judge_one_seed(
        self, pairs: Sequence[tuple[int, int]], studies: int, rng: np.random.Generator, alpha: float, sign: int
    ) -> BatchVerdicts:
        """Return the verdicts on pairs of rows in new studies of one seed.

        Differences of examples are normal. The SDs that two pairs estimate are drawn independently, although pairs that
        share a row have similar ones: with more than a few examples, every estimate is near the true SD.
        """
        if self.examples is None:
            raise ValueError("no examples are known; a single value does not show its own spread")
        values = self.draw(1, studies, rng)[..., 0]
        first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
        df = self.examples - 1
        ratio = rng.chisquare(df, (studies, len(first))) / df
        error = (self.pair_sd or self.example_sd) * np.sqrt(ratio / self.examples)
        return judge_means_of_one_seed(values[:, second] - values[:, first], error, df, alpha, sign=sign)

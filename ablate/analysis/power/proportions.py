"""Many simulated studies of a proportion at once, without a store, by the law of the trainer `simulated`.

Studies of several seeds need numbers of successes only. Studies of one seed also need pairs of rows, with successes
that are paired through the examples' difficulties. Rates, effects and SDs are in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis.power.batch_verdicts import BatchVerdicts, judge_one_seed
from ablate.analysis.power.example_draws import draw_examples, parts, thresholds
from ablate.analysis.power.row_shifts import RowShifts
from ablate.trainers.simulated.response_model import correlation, shifted

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

LEAST_STUDIES = 200
"""The smallest number of studies from which chances are estimated."""

MOST_DRAWN = 200_000_000
"""The largest number of examples drawn one by one, in a second or two; of more, the sums follow the normal law."""


@dataclass(frozen=True)
class ProportionTruth(RowShifts):
    """The truth behind simulated studies of a proportion, as in the config of the trainer `simulated`."""

    shared_sd: float = 0.002
    """The SD of the shift that all rows of a seed share."""
    base: float = 0.27
    """The rate of a row without an effect."""
    examples: int = 1000
    discordance: float = 0.16
    """The fraction of examples on which two runs of rate `base` disagree."""

    def __post_init__(self) -> None:
        super().__post_init__()
        most = 2 * self.base * (1 - self.base)
        if not 0 <= self.discordance <= most + 1e-12:
            raise ValueError(f"discordance {self.discordance}: at most 2·base·(1−base) = {most:.6g}")

    @property
    def rho(self) -> float:
        """The correlation of an example's latent values in two runs."""
        return correlation(self.examples, self.base, self.discordance)

    @property
    def resolution(self) -> float:
        """The smallest difference between two rates."""
        return 1 / self.examples

    @property
    def room(self) -> tuple[float, float]:
        """How far a rate can fall, and how far it can rise."""
        return self.base, 1 - self.base

    @property
    def example_variance(self) -> float:
        """The part of a run's variance that comes from its examples: half of that of a difference."""
        return self.discordance / 2 / self.examples

    def draw(self, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
        """Return the rates of new runs, shape (studies, rows, seeds)."""
        return draw_many_successes(self, seeds, studies, rng) / self.examples

    @property
    def simulates_one_seed(self) -> bool:
        """True if studies of one seed can be simulated: not too many examples are drawn."""
        return LEAST_STUDIES * len(self.effects) * self.examples <= MOST_DRAWN

    @property
    def most_of_one_seed(self) -> int:
        """The number of studies of one seed for which examples are drawn in a moment, as they are for every guess."""
        return max(LEAST_STUDIES, MOST_DRAWN // 5 // (len(self.effects) * self.examples))

    def judge_one_seed(
        self, pairs: Sequence[tuple[int, int]], studies: int, rng: np.random.Generator, alpha: float, sign: int
    ) -> BatchVerdicts:
        """Return the verdicts on pairs of rows in new studies of one seed."""
        drawn = draw_paired(self, pairs, studies, rng)
        return judge_one_seed(drawn.gained, drawn.lost, self.examples, alpha, sign=sign)


class OneSeedStudies(NamedTuple):
    """Studies of one seed: numbers of examples, and the true rates of the checkpoints on these examples."""

    gained: Counts
    """The number of examples on which the pair's first row fails and its second succeeds, shape (studies, pairs)."""
    lost: Counts
    """The number of examples on which the first succeeds and the second fails, shape (studies, pairs)."""
    successes: Counts
    """The number of successes, shape (studies, rows)."""
    rates: Floats
    """The true rates, shape (studies, rows)."""


def run_rates(truth: ProportionTruth, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
    """Return the true rates of runs, shape (studies, rows, seeds): base + effect + own shift + the seed's shift."""
    expected = truth.base + np.array(truth.effects)
    return shifted(expected[:, None], truth.draw_shifts(seeds, studies, rng))


def draw_many_successes(truth: ProportionTruth, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
    """Return numbers of successes, shape (studies, rows, seeds).

    Examples are drawn one by one; if they are very many, their sum is drawn from its normal law.
    """
    if studies * len(truth.effects) * seeds * truth.examples <= MOST_DRAWN:
        return draw_successes(truth, seeds, studies, rng).astype(float)
    rates = run_rates(truth, seeds, studies, rng)
    most = truth.base * (1 - truth.base)
    scale = rates * (1 - rates) / most if most else np.zeros(rates.shape)
    noise = np.sqrt(truth.examples * truth.discordance / 2 * scale) * rng.standard_normal(rates.shape)
    successes: Floats = np.clip(np.rint(truth.examples * rates + noise), 0, truth.examples)
    return successes


def draw_successes(truth: ProportionTruth, seeds: int, studies: int, rng: np.random.Generator) -> Counts:
    """Return the numbers of successes of new runs, shape (studies, rows, seeds), drawn example by example."""
    return count_successes(truth, run_rates(truth, seeds, studies, rng), rng)


def count_successes(truth: ProportionTruth, rates: ArrayLike, rng: np.random.Generator) -> Counts:
    """Return the numbers of successes of runs with these true rates; in the shape of `rates`."""
    rates = np.asarray(rates, dtype=float)
    cuts = thresholds(rates.ravel(), truth.rho, truth.examples)
    counts = np.empty(cuts.shape, dtype=np.int64)
    order = np.argsort(cuts)  # neighbours have similar thresholds, so that 16 bits leave few of their examples open
    for part in parts(len(order), truth.examples):
        counts[order[part]] = np.count_nonzero(
            draw_examples(cuts[order[part]], truth.rho, truth.examples, rng), axis=-1
        )
    return counts.reshape(rates.shape)


def draw_paired(
    truth: ProportionTruth, pairs: Sequence[tuple[int, int]], studies: int, rng: np.random.Generator
) -> OneSeedStudies:
    """Return studies of one seed, with the examples gained and lost from row i to row j for each pair (i, j)."""
    rates = run_rates(truth, 1, studies, rng)[..., 0]
    cuts = thresholds(rates.ravel(), truth.rho, truth.examples).reshape(rates.shape)
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    successes = np.empty(rates.shape, dtype=np.int64)
    both = np.empty((studies, len(first)), dtype=np.int64)
    for part in parts(studies, truth.examples * len(truth.effects)):
        succeeds = np.stack([draw_examples(row, truth.rho, truth.examples, rng) for row in cuts[part].T], axis=1)
        successes[part] = np.count_nonzero(succeeds, axis=-1)
        both[part] = np.count_nonzero(succeeds[:, first] & succeeds[:, second], axis=-1)
    return OneSeedStudies(successes[:, second] - both, successes[:, first] - both, successes, rates)

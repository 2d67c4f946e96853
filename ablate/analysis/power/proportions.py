"""Many simulated studies of a proportion at once, without a store, by the law of the trainer `simulated`.

Successes are drawn example by example, but 16 random bits settle nearly every example. Studies of several seeds need
numbers of successes only. Studies of one seed also need pairs of rows, with successes that are paired through the
examples' difficulties. Rates, effects and SDs are in [0, 1].
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis.power.batch_verdicts import BatchVerdicts, judge_one_seed
from ablate.trainers.simulated.response_model import (
    Tails,
    correlation,
    deviates,
    difficulties,
    hit_probability,
    shifted,
    threshold,
)

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Bools = NDArray[np.bool_]

CHUNK = 2**20
"""The number of examples drawn at a time: a few MB of memory for any number of studies."""

LEAST_STUDIES = 200
"""The smallest number of studies from which chances are estimated."""

MOST_DRAWN = 200_000_000
"""The largest number of examples drawn one by one, in a second or two; of more, the sums follow the normal law."""

BITS = 2**16

OFF = 1e-3
"""The largest error of a run's expected number of successes, because thresholds are interpolated."""


@dataclass(frozen=True)
class ProportionTruth:
    """The truth behind simulated studies of a proportion, as in the config of the trainer `simulated`."""

    effects: tuple[float, ...]
    """The effect of each row, that is added to `base`."""
    own_sd: tuple[float, ...]
    """The SD of the own shift of each row's runs."""
    shared_sd: float = 0.002
    """The SD of the shift that all rows of a seed share."""
    base: float = 0.27
    """The rate of a row without an effect."""
    examples: int = 1000
    discordance: float = 0.16
    """The fraction of examples on which two runs of rate `base` disagree."""
    tails: Tails = "normal"
    """The law of the shifts."""

    def __post_init__(self) -> None:
        if len(self.own_sd) != len(self.effects):
            raise ValueError(f"{len(self.effects)} effects, but {len(self.own_sd)} SDs: one a row")
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

    @property
    def run_sd(self) -> float:
        """The SD of one run: its own shift and the part from its examples. A seed's shared shift cancels."""
        return math.sqrt(np.mean(np.square(self.own_sd)) + self.example_variance)

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
    rows = len(truth.effects)
    own = np.array(truth.own_sd)[:, None] * deviates(truth.tails, rng, (studies, rows, seeds))
    shared = truth.shared_sd * deviates(truth.tails, rng, (studies, 1, seeds))
    expected = truth.base + np.array(truth.effects)
    return shifted(expected[:, None], own + shared)


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
    for part in _parts(len(order), truth.examples):
        counts[order[part]] = np.count_nonzero(_successes(truth, cuts[order[part]], rng), axis=-1)
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
    for part in _parts(studies, truth.examples * len(truth.effects)):
        succeeds = np.stack([_successes(truth, row, rng) for row in cuts[part].T], axis=1)
        successes[part] = np.count_nonzero(succeeds, axis=-1)
        both[part] = np.count_nonzero(succeeds[:, first] & succeeds[:, second], axis=-1)
    return OneSeedStudies(successes[:, second] - both, successes[:, first] - both, successes, rates)


def thresholds(rates: Floats, rho: float, examples: int) -> Floats:
    """Return the model's threshold of each rate, both of shape (runs,): −inf for rates up to 0, inf from 1 on.

    It is interpolated in a grid of thresholds and their rates that is fine enough for OFF successes: the rate's second
    derivative by the threshold is at most 0.25·(1 + 2 / (examples·(1−ρ))), the first term for infinitely many
    examples, the second for their steps.
    """
    cuts = np.where(rates <= 0, -math.inf, math.inf)
    inner = (rates > 0) & (rates < 1)
    if inner.any():
        low, high = (threshold(float(end(rates[inner])), rho, examples) for end in (np.min, np.max))
        step = math.sqrt(8 * OFF / 0.25 / (examples + 2 / (1 - rho)))
        grid = np.linspace(low, high, 2 + math.ceil((high - low) / step))
        cuts[inner] = np.interp(rates[inner], _rates(grid, rho, examples), grid)
    return cuts


def _rates(cuts: Floats, rho: float, examples: int) -> Floats:
    """Return the mean probability of success at each of these increasing thresholds.

    Only examples near a threshold are computed: the others succeed, or fail, with a probability of practically 1.
    """
    scale = math.sqrt(rho)
    sure = 9 * math.sqrt(1 - rho)  # the probability beyond it is less than 1e-18
    sorted_difficulties = np.sort(difficulties(examples))
    first = np.searchsorted(scale * sorted_difficulties, cuts - sure)
    last = np.searchsorted(scale * sorted_difficulties, cuts + sure)
    width = int((last - first).max())
    padded = np.append(sorted_difficulties, np.full(width, math.inf))
    rates = np.empty(len(cuts))
    for part in _parts(len(cuts), width):
        near = padded[first[part, None] + np.arange(width)]
        rates[part] = first[part] + hit_probability(cuts[part, None], rho, near).sum(axis=-1)
    return np.maximum.accumulate(rates / examples)  # rounding may undo a rise of less than 1e-16


def _successes(truth: ProportionTruth, cuts: Floats, rng: np.random.Generator) -> Bools:
    """Return True for successes, shape (runs, examples), of runs with these thresholds.

    An example succeeds if a uniform number is below its probability. Its first 16 bits are compared with the
    probabilities at the lowest and the highest threshold; more bits and the run's own probability are needed only
    where these leave it open, which is as exact as drawing all of them and several times as fast.
    """
    difficulty = difficulties(truth.examples)
    ends = hit_probability(np.array([[cuts.min()], [cuts.max()]]), truth.rho, difficulty)
    low, high = np.minimum(ends * BITS, BITS - 1).astype(np.uint16)
    bits = _uint16((len(cuts), truth.examples), rng)
    succeeds: Bools = bits < low
    run, example = np.nonzero((bits >= low) & (bits <= high))
    uniform = (bits[run, example] + rng.random(len(run))) / BITS
    succeeds[run, example] = uniform < hit_probability(cuts[run], truth.rho, difficulty[example])
    return succeeds


def _uint16(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return uniform integers from 0 to BITS − 1, four out of each 64 random bits, for speed."""
    size = math.prod(shape)
    words = rng.integers(2**64, size=-(-size // 4), dtype=np.uint64)
    return words.view(np.uint16)[:size].reshape(shape)


def _parts(items: int, width: int) -> Iterator[slice]:
    """Return slices over all items, of about CHUNK numbers each if one item has `width` numbers."""
    size = max(1, CHUNK // max(width, 1))
    return (slice(start, start + size) for start in range(0, items, size))

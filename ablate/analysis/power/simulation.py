"""Many simulated studies at once, without a store, by the law of the trainer `simulated`: for power and calibration.

Hits are drawn query by query, but 16 random bits settle nearly every query. Studies of several seeds need numbers of
hits only. Studies of one seed also need pairs of rows, with hits that are paired through the queries' difficulties.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
"""The number of queries drawn at a time: a few MB of memory for any number of studies."""

BITS = 2**16

OFF = 1e-3
"""The largest error of a run's expected number of hits, because thresholds are interpolated."""


@dataclass(frozen=True)
class SimulationTruth:
    """The truth behind simulated studies, as in the config of the trainer `simulated`."""

    effects: tuple[float, ...]
    """The effect of each row, in pp, that is added to `base`."""
    own_sd: tuple[float, ...]
    """The SD of the own shift of each row's runs, in pp."""
    shared_sd: float = 0.2
    """The SD of the shift that all rows of a seed share, in pp."""
    base: float = 0.27
    """The rate of a row without an effect, in [0, 1]."""
    queries: int = 1000
    discordance: float = 0.16
    """The fraction of queries on which two runs of rate `base` disagree."""
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
        """The correlation of a query's latent values in two runs."""
        return correlation(self.queries, self.base, self.discordance)


class OneSeedStudies(NamedTuple):
    """Studies of one seed: numbers of queries, and the true rates of the checkpoints on these queries."""

    gained: Counts
    """The number of queries that the pair's first row misses and its second hits, shape (studies, pairs)."""
    lost: Counts
    """The number of queries that the first hits and the second misses, shape (studies, pairs)."""
    hits: Counts
    """The number of hits, shape (studies, rows)."""
    rates: Floats
    """The true rates, in [0, 1], shape (studies, rows)."""


def run_rates(truth: SimulationTruth, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
    """Return the true rates of runs, in [0, 1], shape (studies, rows, seeds): base + effect + own + seed's shift."""
    rows = len(truth.effects)
    own = np.array(truth.own_sd)[:, None] * deviates(truth.tails, rng, (studies, rows, seeds))
    shared = truth.shared_sd * deviates(truth.tails, rng, (studies, 1, seeds))
    expected = truth.base + np.array(truth.effects) / 100
    return shifted(expected[:, None], (own + shared) / 100)


def draw_hits(truth: SimulationTruth, seeds: int, studies: int, rng: np.random.Generator) -> Counts:
    """Return the numbers of hits of new runs, shape (studies, rows, seeds)."""
    return count_hits(truth, run_rates(truth, seeds, studies, rng), rng)


def count_hits(truth: SimulationTruth, rates: ArrayLike, rng: np.random.Generator) -> Counts:
    """Return the numbers of hits of runs with these true rates, in [0, 1]; in the shape of `rates`."""
    rates = np.asarray(rates, dtype=float)
    cuts = thresholds(rates.ravel(), truth.rho, truth.queries)
    counts = np.empty(cuts.shape, dtype=np.int64)
    order = np.argsort(cuts)  # neighbours have similar thresholds, so that 16 bits leave few of their queries open
    for part in _parts(len(order), truth.queries):
        counts[order[part]] = np.count_nonzero(_hits(truth, cuts[order[part]], rng), axis=-1)
    return counts.reshape(rates.shape)


def draw_paired(
    truth: SimulationTruth, pairs: Sequence[tuple[int, int]], studies: int, rng: np.random.Generator
) -> OneSeedStudies:
    """Return studies of one seed, with the queries gained and lost from row i to row j for each pair (i, j)."""
    rates = run_rates(truth, 1, studies, rng)[..., 0]
    cuts = thresholds(rates.ravel(), truth.rho, truth.queries).reshape(rates.shape)
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    hits = np.empty(rates.shape, dtype=np.int64)
    both = np.empty((studies, len(first)), dtype=np.int64)
    for part in _parts(studies, truth.queries * len(truth.effects)):
        hit = np.stack([_hits(truth, row, rng) for row in cuts[part].T], axis=1)
        hits[part] = np.count_nonzero(hit, axis=-1)
        both[part] = np.count_nonzero(hit[:, first] & hit[:, second], axis=-1)
    return OneSeedStudies(hits[:, second] - both, hits[:, first] - both, hits, rates)


def thresholds(rates: Floats, rho: float, queries: int) -> Floats:
    """Return the model's threshold of each rate, both of shape (runs,): −inf for rates up to 0, inf from 1 on.

    It is interpolated in a grid of thresholds and their rates that is fine enough for OFF hits: the rate's second
    derivative by the threshold is at most 0.25·(1 + 2 / (queries·(1−ρ))), the first term for infinitely many
    queries, the second for their steps.
    """
    cuts = np.where(rates <= 0, -math.inf, math.inf)
    inner = (rates > 0) & (rates < 1)
    if inner.any():
        low, high = (threshold(float(end(rates[inner])), rho, queries) for end in (np.min, np.max))
        step = math.sqrt(8 * OFF / 0.25 / (queries + 2 / (1 - rho)))
        grid = np.linspace(low, high, 2 + math.ceil((high - low) / step))
        cuts[inner] = np.interp(rates[inner], _rates(grid, rho, queries), grid)
    return cuts


def _rates(cuts: Floats, rho: float, queries: int) -> Floats:
    """Return the mean hit probability at each of these increasing thresholds.

    Only queries near a threshold are computed: the others are hit, or missed, with a probability of practically 1.
    """
    scale = math.sqrt(rho)
    sure = 9 * math.sqrt(1 - rho)  # the probability beyond it is less than 1e-18
    sorted_difficulties = np.sort(difficulties(queries))
    first = np.searchsorted(scale * sorted_difficulties, cuts - sure)
    last = np.searchsorted(scale * sorted_difficulties, cuts + sure)
    width = int((last - first).max())
    padded = np.append(sorted_difficulties, np.full(width, math.inf))
    rates = np.empty(len(cuts))
    for part in _parts(len(cuts), width):
        near = padded[first[part, None] + np.arange(width)]
        rates[part] = first[part] + hit_probability(cuts[part, None], rho, near).sum(axis=-1)
    return np.maximum.accumulate(rates / queries)  # rounding may undo a rise of less than 1e-16


def _hits(truth: SimulationTruth, cuts: Floats, rng: np.random.Generator) -> Bools:
    """Return True for hits, shape (runs, queries), of runs with these thresholds.

    A query is hit if a uniform number is below its probability. Its first 16 bits are compared with the
    probabilities at the lowest and the highest threshold; more bits and the run's own probability are needed only
    where these leave it open, which is as exact as drawing all of them and several times as fast.
    """
    difficulty = difficulties(truth.queries)
    ends = hit_probability(np.array([[cuts.min()], [cuts.max()]]), truth.rho, difficulty)
    low, high = np.minimum(ends * BITS, BITS - 1).astype(np.uint16)
    bits = _uint16((len(cuts), truth.queries), rng)
    hit: Bools = bits < low
    run, query = np.nonzero((bits >= low) & (bits <= high))
    uniform = (bits[run, query] + rng.random(len(run))) / BITS
    hit[run, query] = uniform < hit_probability(cuts[run], truth.rho, difficulty[query])
    return hit


def _uint16(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return uniform integers from 0 to BITS − 1, four out of each 64 random bits, for speed."""
    size = math.prod(shape)
    words = rng.integers(2**64, size=-(-size // 4), dtype=np.uint64)
    return words.view(np.uint16)[:size].reshape(shape)


def _parts(items: int, width: int) -> Iterator[slice]:
    """Return slices over all items, of about CHUNK numbers each if one item has `width` numbers."""
    size = max(1, CHUNK // max(width, 1))
    return (slice(start, start + size) for start in range(0, items, size))

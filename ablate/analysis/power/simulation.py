"""Many simulated studies at once, without a store: the law of the trainer `simulated`, for power and calibration.

Counts of hits are drawn query by query, but 16 random bits settle nearly every query. A study's seeds need only
counts; one seed needs pairs of rows too, whose hits are paired through the queries' difficulties.
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
"""Queries drawn at a time: some MB of memory, whatever the number of studies."""

BITS = 2**16

OFF = 1e-3
"""Hits by which a run's expected number may be off, because thresholds are interpolated."""


@dataclass(frozen=True)
class SimulationTruth:
    """What is true: rates of rows, spread of seeds, discordance of queries. As the trainer's config, a row an entry."""

    effects: tuple[float, ...]  # pp, one a row: what is added to base
    own_sd: tuple[float, ...]  # pp, one a row: SD of a run's own shift
    shared_sd: float = 0.2  # pp: SD of the shift that all rows of a seed share
    base: float = 0.27
    queries: int = 1000
    discordance: float = 0.16  # share of queries on which two runs of rate base disagree
    tails: Tails = "normal"  # law of the shifts

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
    """Studies of one seed: numbers of queries, and the true rates that the checkpoints have over these queries."""

    gained: Counts
    """Shape (studies, pairs): missed by the pair's first row and hit by its second."""
    lost: Counts
    """Shape (studies, pairs): hit by the first and missed by the second."""
    hits: Counts
    """Shape (studies, rows)."""
    rates: Floats
    """Shape (studies, rows), in [0, 1]."""


def run_rates(world: SimulationTruth, seeds: int, studies: int, rng: np.random.Generator) -> Floats:
    """Shape (studies, rows, seeds), in [0, 1]: the runs' true rates, base + effect + own shift + the seed's shift."""
    rows = len(world.effects)
    own = np.array(world.own_sd)[:, None] * deviates(world.tails, rng, (studies, rows, seeds))
    shared = world.shared_sd * deviates(world.tails, rng, (studies, 1, seeds))
    expected = world.base + np.array(world.effects) / 100
    return shifted(expected[:, None], (own + shared) / 100)


def draw_hits(world: SimulationTruth, seeds: int, studies: int, rng: np.random.Generator) -> Counts:
    """Shape (studies, rows, seeds): numbers of hits of new runs."""
    return count_hits(world, run_rates(world, seeds, studies, rng), rng)


def count_hits(world: SimulationTruth, rates: ArrayLike, rng: np.random.Generator) -> Counts:
    """Numbers of hits of runs of these true rates, in [0, 1]; of the shape of `rates`."""
    rates = np.asarray(rates, dtype=float)
    cuts = thresholds(rates.ravel(), world.rho, world.queries)
    counts = np.empty(cuts.shape, dtype=np.int64)
    order = np.argsort(cuts)  # neighbours are alike, so that few of their queries are left open
    for part in _parts(len(order), world.queries):
        counts[order[part]] = np.count_nonzero(_hits(world, cuts[order[part]], rng), axis=-1)
    return counts.reshape(rates.shape)


def draw_paired(
    world: SimulationTruth, pairs: Sequence[tuple[int, int]], studies: int, rng: np.random.Generator
) -> OneSeedStudies:
    """Studies of one seed; for each pair (i, j) of rows, what changes from i to j."""
    rates = run_rates(world, 1, studies, rng)[..., 0]
    cuts = thresholds(rates.ravel(), world.rho, world.queries).reshape(rates.shape)
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    hits = np.empty(rates.shape, dtype=np.int64)
    both = np.empty((studies, len(first)), dtype=np.int64)
    for part in _parts(studies, world.queries * len(world.effects)):
        hit = np.stack([_hits(world, row, rng) for row in cuts[part].T], axis=1)
        hits[part] = np.count_nonzero(hit, axis=-1)
        both[part] = np.count_nonzero(hit[:, first] & hit[:, second], axis=-1)
    return OneSeedStudies(hits[:, second] - both, hits[:, first] - both, hits, rates)


def thresholds(rates: Floats, rho: float, queries: int) -> Floats:
    """The model's threshold of each rate, both of shape (runs,): −inf for rates up to 0, inf from 1 on.

    Interpolated in a grid of thresholds and their rates that is fine enough for OFF hits: the rate's second
    derivative by the threshold is at most 0.25·(1 + 2 / (queries·(1−ρ))), the first term for infinitely many
    queries, the second for their steps.
    """
    found = np.where(rates <= 0, -math.inf, math.inf)
    inner = (rates > 0) & (rates < 1)
    if inner.any():
        low, high = (threshold(float(end(rates[inner])), rho, queries) for end in (np.min, np.max))
        step = math.sqrt(8 * OFF / 0.25 / (queries + 2 / (1 - rho)))
        grid = np.linspace(low, high, 2 + math.ceil((high - low) / step))
        found[inner] = np.interp(rates[inner], _rates(grid, rho, queries), grid)
    return found


def _rates(cuts: Floats, rho: float, queries: int) -> Floats:
    """The mean hit probability at each of these increasing thresholds: only of queries near it, the others are sure."""
    scale = math.sqrt(rho)
    sure = 9 * math.sqrt(1 - rho)  # less than 1e-18 is beyond
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


def _hits(world: SimulationTruth, cuts: Floats, rng: np.random.Generator) -> Bools:
    """Shape (runs, queries): whether each run, by its threshold, hits each query.

    A query is hit when a uniform number is below its probability. Its first 16 bits are compared with the
    probabilities at the lowest and the highest threshold; more bits and the run's own probability are needed only
    where these leave it open, which is as exact as drawing all of them and several times as fast.
    """
    difficulty = difficulties(world.queries)
    ends = hit_probability(np.array([[cuts.min()], [cuts.max()]]), world.rho, difficulty)
    low, high = np.minimum(ends * BITS, BITS - 1).astype(np.uint16)
    bits = _uint16((len(cuts), world.queries), rng)
    hit: Bools = bits < low
    run, query = np.nonzero((bits >= low) & (bits <= high))
    uniform = (bits[run, query] + rng.random(len(run))) / BITS
    hit[run, query] = uniform < hit_probability(cuts[run], world.rho, difficulty[query])
    return hit


def _uint16(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Uniform in 0 to BITS − 1; four of each 64 bits, for speed."""
    size = math.prod(shape)
    words = rng.integers(2**64, size=-(-size // 4), dtype=np.uint64)
    return words.view(np.uint16)[:size].reshape(shape)


def _parts(items: int, width: int) -> Iterator[slice]:
    """Slices of all items, of near CHUNK numbers where an item is as wide as this."""
    many = max(1, CHUNK // max(width, 1))
    return (slice(start, start + many) for start in range(0, items, many))

"""Successes of single examples, drawn by the model of the trainer `simulated`: fast, for many runs at once."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ablate.trainers.simulated.response_model import difficulties, hit_probability, threshold

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CHUNK = 2**20
"""The number of examples drawn at a time: a few MB of memory for any number of studies."""

BITS = 2**16

OFF = 1e-3
"""The largest error of a run's expected number of successes, because thresholds are interpolated."""


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
    for part in parts(len(cuts), width):
        near = padded[first[part, None] + np.arange(width)]
        rates[part] = first[part] + hit_probability(cuts[part, None], rho, near).sum(axis=-1)
    return np.maximum.accumulate(rates / examples)  # rounding may undo a rise of less than 1e-16


def draw_examples(cuts: Floats, rho: float, examples: int, rng: np.random.Generator) -> Bools:
    """Return True for successes, shape (runs, examples), of runs with these thresholds.

    An example succeeds if a uniform number is below its probability. Its first 16 bits are compared with the
    probabilities at the lowest and the highest threshold; more bits and the run's own probability are needed only
    where these leave it open, which is as exact as drawing all of them and several times as fast.
    """
    difficulty = difficulties(examples)
    ends = hit_probability(np.array([[cuts.min()], [cuts.max()]]), rho, difficulty)
    low, high = np.minimum(ends * BITS, BITS - 1).astype(np.uint16)
    bits = _uint16((len(cuts), examples), rng)
    succeeds: Bools = bits < low
    run, example = np.nonzero((bits >= low) & (bits <= high))
    uniform = (bits[run, example] + rng.random(len(run))) / BITS
    succeeds[run, example] = uniform < hit_probability(cuts[run], rho, difficulty[example])
    return succeeds


def _uint16(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return uniform integers from 0 to BITS − 1, four out of each 64 random bits, for speed."""
    size = math.prod(shape)
    words = rng.integers(2**64, size=-(-size // 4), dtype=np.uint64)
    return words.view(np.uint16)[:size].reshape(shape)


def parts(items: int, width: int) -> Iterator[slice]:
    """Return slices over all items, of about CHUNK numbers each if one item has `width` numbers."""
    size = max(1, CHUNK // max(width, 1))
    return (slice(start, start + size) for start in range(0, items, size))

"""The model of the trainer `simulated`: the queries that a run of a given true rate hits.

A query is hit if √ρ·difficulty + √(1−ρ)·noise lies below a threshold. Difficulties are fixed normal quantiles, so runs
are paired through them. ρ is solved for the discordance of the config, and the threshold for the rate of the run. These
are pure functions of numbers, so that statistics can be tested on the same law from which the trainer draws.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from ablate.trainers.entry import Tails
from ablate.trainers.random_streams import generator

Floats = NDArray[np.float64]


def deviates(tails: Tails, rng: np.random.Generator, size: tuple[int, ...] | None = None) -> Floats:
    """Return draws of mean 0 and SD 1: normal, or Student's t of five degrees, scaled. Without a size, one number."""
    drawn = rng.standard_t(5, size) / math.sqrt(5 / 3) if tails == "t5" else rng.standard_normal(size)
    scaled: Floats = np.asarray(drawn)[()]
    return scaled


def shifted(rate: ArrayLike, shift: ArrayLike) -> Floats:
    """Return the rate of a run with a shift, in [0, 1]; shapes broadcast.

    Near 0 and 1 the shift is cut on both sides alike, so that the mean is the expected rate.
    """
    rate = np.asarray(rate, dtype=float)
    room = np.maximum(0.0, np.minimum(rate, 1 - rate))
    cut: Floats = rate + np.clip(shift, -room, room)
    return cut


@lru_cache(maxsize=64)
def correlation(queries: int, base: float, discordance: float) -> float:
    """Return the ρ at which two runs of rate `base` disagree on a share `discordance` of the queries."""
    difficulty = difficulties(queries)
    if base in (0.0, 1.0):
        return 0.0

    def disagreement(rho: float) -> float:
        hit = hit_probability(threshold(base, rho, queries), rho, difficulty)
        return float(np.mean(2 * hit * (1 - hit)))

    low, high = 0.0, 1 - 1e-9
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if disagreement(middle) > discordance else (low, middle)
    return low


@lru_cache(maxsize=64)
def threshold(rate: float, rho: float, queries: int) -> float:
    """Return the threshold at which the mean hit probability over the queries is the rate, to 1e-12.

    Newton's method starts from the threshold for infinitely many queries, which is near. If a step leaves the bracket,
    bisection replaces it.
    """
    difficulty = difficulties(queries)
    threshold = float(ndtri(rate))
    high = abs(threshold) + 1.0
    low = -high
    for _ in range(60):
        z = (threshold - math.sqrt(rho) * difficulty) / math.sqrt(1 - rho)
        excess = float(ndtr(z).mean()) - rate
        if abs(excess) < 1e-15 or high - low < 1e-12:
            break
        low, high = (threshold, high) if excess < 0 else (low, threshold)
        slope = float(np.exp(-0.5 * z * z).mean()) / math.sqrt(2 * math.pi * (1 - rho))
        step = threshold - excess / slope if slope else low
        threshold = step if low < step < high else (low + high) / 2
    return threshold


def hit_probability(threshold: ArrayLike, rho: float, difficulty: ArrayLike) -> Floats:
    """Return the probability, over a run's noise, that a query is hit; shapes broadcast."""
    hit: Floats = ndtr((np.asarray(threshold) - math.sqrt(rho) * np.asarray(difficulty)) / math.sqrt(1 - rho))
    return hit


@lru_cache(maxsize=8)
def difficulties(queries: int) -> Floats:
    """Return normal quantiles, shape (queries,), in a random order that all runs share. Do not write to the array."""
    quantiles: Floats = ndtri((np.arange(queries) + 0.5) / queries)
    return generator(queries, "simulated/difficulties").permutation(quantiles)

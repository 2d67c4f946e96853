"""Drawing the results of a simulated run: the ranks of its queries, the losses of its examples, its score.

Each metric has its own random stream, so its values do not depend on the other requested metrics.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ablate.measurement import TEST, VALIDATION, Interim, Measurement, Result
from ablate.trainers.protocol import PARTS
from ablate.trainers.rank_results import Ranks, rank_measurements, rank_result
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.defects import spoilt
from ablate.trainers.simulated.response_model import Floats, correlation, difficulties, threshold
from ablate.trainers.simulated.truth import learned, loss_at, reached_pp, score_at, shifted_rate, stream

GALLERY = 1000
SPLITS = (VALIDATION, TEST)

Order = NDArray[np.intp] | slice
"""The order in which a run lists its examples."""


def draw_result(config: SimulatedConfig, seed: int) -> Result:
    """Return the result of a run, on both splits."""
    orders = {split: _order(config, seed, split) for split in SPLITS}
    result = Result([], sizes={} if config.metrics == ("score",) else _sizes(config))
    if "rates" in config.metrics:
        rate = shifted_rate(config, seed)
        ranks = {split: draw_ranks(config, rate, stream(config, seed, split))[orders[split]] for split in SPLITS}
        result = rank_result(ranks, dict.fromkeys(SPLITS, GALLERY))
    further = [one for split in SPLITS for one in _further(config, seed, split, orders[split])]
    measured = [*result.measurements, *further]
    if config.clusters or config.ids != "none":
        measured = [_described(config, one, orders[one.split]) for one in measured]
    return replace(result, measurements=spoilt(config, seed, measured))


def draw_interim(config: SimulatedConfig, seed: int, part: int) -> Interim:
    """Return the interim result after `part` tenths, drawn again at the level that is reached."""
    measured: list[Measurement] = []
    if "rates" in config.metrics:
        rate = shifted_rate(config, seed) * learned(part)
        measured += rank_measurements(VALIDATION, draw_ranks(config, rate, stream(config, seed, f"part {part}")))
    measured += _further(config, seed, VALIDATION, slice(None), part)
    return Interim.of(part / PARTS, spoilt(config, seed, measured))


def draw_ranks(config: SimulatedConfig, rate: float, rng: np.random.Generator) -> Ranks:
    """Return ranks, shape (queries,), with P(rank ≤ k) near 1 − (1 − rate)^∛k, the shape of the seed log's curves."""
    noise = draw_noise(config, rng)
    if rate <= 0 or rate >= 1:
        return np.full(config.queries, 1 if rate >= 1 else GALLERY, dtype=np.uint32)
    rho = correlation(config.queries, config.base, config.discordance)
    latent = math.sqrt(rho) * difficulties(config.queries) + math.sqrt(1 - rho) * noise
    below = threshold(rate, rho, config.queries)
    missed = ndtr(-(latent - below + ndtri(rate)))
    with np.errstate(divide="ignore"):
        depth = (np.log(missed) / math.log1p(-rate)) ** 3
    ranks = np.where(latent < below, 1, np.clip(np.ceil(depth), 2, GALLERY))
    return ranks.astype(np.uint32)


def draw_losses(config: SimulatedConfig, expected: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the loss of each example, shape (queries,). The difficulties, which all runs share, have mean 0."""
    rho, noise = config.loss.correlation, draw_noise(config, rng)
    spread = math.sqrt(rho) * difficulties(config.queries) + math.sqrt(1 - rho) * noise
    return (expected + config.loss.sd * spread).astype(np.float32)


def draw_noise(config: SimulatedConfig, rng: np.random.Generator) -> Floats:
    """Return a run's own noise, shape (queries,), of variance 1; examples of one cluster share a part of it."""
    if not config.clusters:
        return rng.standard_normal(config.queries)
    shared = rng.standard_normal(config.clusters)[cluster_numbers(config)]
    own = rng.standard_normal(config.queries)
    return math.sqrt(config.cluster_share) * shared + math.sqrt(1 - config.cluster_share) * own


def cluster_numbers(config: SimulatedConfig) -> NDArray[np.int64]:
    """Return the cluster of each example, shape (queries,); sizes of clusters differ by at most one."""
    return np.arange(config.queries, dtype=np.int64) % config.clusters


def _further(config: SimulatedConfig, seed: int, split: str, order: Order, part: int = PARTS) -> Iterator[Measurement]:
    """Yield the loss and the score after `part` tenths, if the config requests them."""
    if config.metrics == ("rates",):
        return
    name, pp = split if part == PARTS else f"part {part}", reached_pp(config, seed, part)
    if "loss" in config.metrics:
        losses = draw_losses(config, loss_at(config, pp), stream(config, seed, f"loss/{name}"))[order]
        yield Measurement("loss", split, float(losses.mean(dtype=np.float64)), len(losses), losses)
    if "score" in config.metrics:
        yield Measurement("score", split, score_at(config, pp))


def _sizes(config: SimulatedConfig) -> dict[str, dict[str, int]]:
    return {split: {"examples": config.queries} for split in SPLITS}


def _order(config: SimulatedConfig, seed: int, split: str) -> Order:
    if config.ids != "shuffled":
        return slice(None)
    return stream(config, seed, f"order/{split}").permutation(config.queries)


def _described(config: SimulatedConfig, one: Measurement, order: Order) -> Measurement:
    """Return a measurement with the names and the clusters of its examples."""
    if one.examples is None:
        return one
    numbers = np.arange(config.queries)[order]
    ids = None if config.ids == "none" else [f"{one.split} {number + 1}" for number in numbers.tolist()]
    clusters = cluster_numbers(config)[order] if config.clusters else None
    return replace(one, ids=ids, clusters=clusters)

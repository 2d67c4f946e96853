"""The trainer that trains nothing: it draws the ranks of queries with known true effects.

Ranks follow the model in `response_model.py`, so that the expected top-1 rate is exactly base + effects.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from ablate.measurement import Interim, Result
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import PARTS, Judge, Progress, Pruned, Stopped
from ablate.trainers.random_streams import generator
from ablate.trainers.rank_results import Ranks, rank_interim, rank_result
from ablate.trainers.simulated.config import SimulatedConfig, SimulatedEffect
from ablate.trainers.simulated.response_model import correlation, deviates, difficulties, shifted, threshold

GALLERY = 1000
SPLITS = ("validation", "test")

STEEPNESS = 4.0
"""Steepness of the learning curve: a third of the final rate after a tenth of the steps, and 0.88 of it after half."""

SLICE = 0.1
"""Seconds of pretended work between two checks for a requested stop."""


class SimulatedError(RuntimeError):
    """A failure of an attempt that `fail` drew."""


def train(
    configs: Sequence[SimulatedConfig],
    seed: int,
    attempt: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints | None = None,
    judge: Judge | None = None,
) -> list[Result]:
    """Draw the ranks of the test and validation queries, after pretending to work in ten parts."""
    config = configs[0]
    if config.seconds or judge:
        _pretend(config, seed, progress, checkpoints, judge)
    if checkpoints:
        checkpoints.clear()
    if _stream(config, seed, f"fail {attempt}").random() < config.fail:
        raise SimulatedError(f"simulated failure of attempt {attempt}")
    rate = shifted_rate(config, seed)
    ranks = {split: draw_ranks(config, rate, _stream(config, seed, split)) for split in SPLITS}
    return [rank_result(ranks, dict.fromkeys(SPLITS, GALLERY))] * len(configs)


def expected_rate(config: SimulatedConfig) -> float:
    """Return the true top-1 rate of a config, in [0, 1]: base and the effects whose conditions hold."""
    pp = sum(_size(effect, config.settings) for effect in config.effects)
    return config.base + pp / 100


def shifted_rate(config: SimulatedConfig, seed: int) -> float:
    """Return the rate of a run, in [0, 1]. Its mean over seeds is the expected rate."""
    return float(shifted(expected_rate(config), shift(config, seed)))


def learned(part: int) -> float:
    """Return a run's share of its final rate after `part` tenths: (1 − exp(−4f)) / (1 − exp(−4)), f = part / 10."""
    return math.expm1(-STEEPNESS * part / PARTS) / math.expm1(-STEEPNESS)


def interim_of(config: SimulatedConfig, seed: int, part: int) -> Interim:
    """Return the interim result after `part` tenths, drawn at `learned(part)` of the final rate."""
    rate = shifted_rate(config, seed) * learned(part)
    return rank_interim(part / PARTS, draw_ranks(config, rate, _stream(config, seed, f"part {part}")))


def shift(config: SimulatedConfig, seed: int) -> float:
    """Return a run's random shift of the top-1 rate: its own, and the one that all rows of the seed share."""
    drawn = own_sd(config) * deviates(config.tails, _stream(config, seed, "own shift"))
    shared = config.shared_seed_sd_pp * deviates(config.tails, generator(seed, "simulated/shared shift"))
    return float(drawn + shared) / 100


def own_sd(config: SimulatedConfig) -> float:
    """Return the SD of a run's own shift in pp: from the last effect that has one and whose conditions hold."""
    active = [e.seed_sd_pp for e in config.effects if e.seed_sd_pp is not None and _holds(e, config.settings)]
    return active[-1] if active else config.seed_sd_pp


def draw_ranks(config: SimulatedConfig, rate: float, rng: np.random.Generator) -> Ranks:
    """Return ranks, shape (queries,), with P(rank ≤ k) near 1 − (1 − rate)^∛k, the shape of the seed log's curves."""
    noise = rng.standard_normal(config.queries)
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


def _size(effect: SimulatedEffect, settings: Mapping[str, Any]) -> float:
    if not _holds(effect, settings):
        return 0.0
    if not effect.peak:
        return effect.pp
    distances = [(_number(settings.get(k)) - at) / effect.width[k] for k, at in effect.peak.items()]
    return effect.pp * math.exp(-0.5 * sum(d * d for d in distances))


def _holds(effect: SimulatedEffect, settings: Mapping[str, Any]) -> bool:
    return all(k in settings and _same(settings[k], value) for k, value in effect.when.items())


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.inf


def _stream(config: SimulatedConfig, seed: int, name: str) -> np.random.Generator:
    """Return a random stream of one row and seed. The settings stand for the row."""
    return generator(seed, f"simulated/{name}/{json.dumps(config.settings, sort_keys=True)}")


def _pretend(
    config: SimulatedConfig,
    seed: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints | None,
    judge: Judge | None,
) -> None:
    """Pretend to work, from the tenth of the newest checkpoint on. Raise Pruned if the judge returns False."""
    begun = int((checkpoints.newest() if checkpoints else None) or 0)
    for tenth in range(begun + 1, PARTS + 1):
        _sleep(config.seconds / PARTS, tenth - 1, checkpoints)
        progress(Progress(tenth, PARTS, begun=begun))
        ended = judge is not None and tenth < PARTS and not judge(interim_of(config, seed, tenth))
        if checkpoints and (ended or config.seconds):
            checkpoints.offer(tenth, str(tenth).encode())
        if ended:
            raise Pruned(f"at step {tenth}")


def _sleep(seconds: float, tenths: int, checkpoints: Checkpoints | None) -> None:
    """Sleep for one tenth. Raise Stopped if a stop is requested; the work on this tenth is lost then."""
    for begun in np.arange(0.0, seconds, SLICE):
        if checkpoints and checkpoints.stopping():
            raise Stopped(f"at step {tenths}")
        time.sleep(min(SLICE, seconds - begun))

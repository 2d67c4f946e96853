"""The trainer that trains nothing: per-query ranks drawn with known true effects.

What a run of a given rate hits is the model in `hits.py`, so that the expected top-1 rate is exactly base + effects.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import (
    PARTS,
    Evaluation,
    Interim,
    Judge,
    Outcome,
    Progress,
    Pruned,
    Ranks,
    Stopped,
    interim,
)
from ablate.trainers.random_streams import generator
from ablate.trainers.simulated.config import SimulatedConfig, SimulatedEffect
from ablate.trainers.simulated.response_model import correlation, deviates, difficulties, shifted, threshold

GALLERY = 1000
SPLITS = ("validation", "test")

STEEPNESS = 4.0
"""How fast the learning curve rises: after a tenth of the steps, to a third of the final rate; after half, to 0.88."""

SLICE = 0.1
"""Seconds of pretending between two looks at whether to stop."""


class SimulatedError(RuntimeError):
    """What an attempt raises when `fail` says so."""


def train(
    configs: Sequence[SimulatedConfig],
    seed: int,
    attempt: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints | None = None,
    judge: Judge | None = None,
) -> Outcome:
    """Ranks of the row's test and validation queries, after pretending to work, a tenth after another."""
    config = configs[0]
    if config.seconds or judge:
        _pretend(config, seed, progress, checkpoints, judge)
    if checkpoints:
        checkpoints.clear()
    if _stream(config, seed, f"fail {attempt}").random() < config.fail:
        raise SimulatedError(f"simulated failure of attempt {attempt}")
    rate = shifted_rate(config, seed)
    ranks = {split: draw_ranks(config, rate, _stream(config, seed, split)) for split in SPLITS}
    evaluation = Evaluation(ranks, dict.fromkeys(SPLITS, GALLERY))
    return Outcome([evaluation] * len(configs))


def expected_rate(config: SimulatedConfig) -> float:
    """The true top-1 rate of a config, in [0, 1]: base and the effects whose conditions hold."""
    pp = sum(_size(effect, config.settings) for effect in config.effects)
    return config.base + pp / 100


def shifted_rate(config: SimulatedConfig, seed: int) -> float:
    """A run's rate; its mean over seeds is the expected rate."""
    return float(shifted(expected_rate(config), shift(config, seed)))


def learned(part: int) -> float:
    """Which share of its final rate a run has after `part` tenths: (1 − exp(−4f)) / (1 − exp(−4)) of their share f."""
    return math.expm1(-STEEPNESS * part / PARTS) / math.expm1(-STEEPNESS)


def interim_of(config: SimulatedConfig, seed: int, part: int) -> Interim:
    """How a run stands after `part` tenths, by a draw of its own: in expectation at `learned` of its final rate."""
    rate = shifted_rate(config, seed) * learned(part)
    return interim(part, draw_ranks(config, rate, _stream(config, seed, f"part {part}")))


def shift(config: SimulatedConfig, seed: int) -> float:
    """A run's random shift of the top-1 rate: its own part and the one that all rows of the seed share."""
    drawn = own_sd(config) * deviates(config.tails, _stream(config, seed, "own shift"))
    shared = config.shared_seed_sd_pp * deviates(config.tails, generator(seed, "simulated/shared shift"))
    return float(drawn + shared) / 100


def own_sd(config: SimulatedConfig) -> float:
    """SD of a run's own shift in pp: that of the last effect that has one and whose conditions hold."""
    active = [e.seed_sd_pp for e in config.effects if e.seed_sd_pp is not None and _holds(e, config.settings)]
    return active[-1] if active else config.seed_sd_pp


def draw_ranks(config: SimulatedConfig, rate: float, rng: np.random.Generator) -> Ranks:
    """Shape (queries,): ranks with P(rank ≤ k) near 1 − (1 − rate)^∛k, the shape of the seed log's curves."""
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
    """A stream of one row and seed: a row is what its settings are."""
    return generator(seed, f"simulated/{name}/{json.dumps(config.settings, sort_keys=True)}")


def _pretend(
    config: SimulatedConfig,
    seed: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints | None,
    judge: Judge | None,
) -> None:
    """Goes on from the tenth that was reached, as a training from its step. Raises Pruned where the judge says so."""
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
    """Raises Stopped if that is asked for; what was done of the tenth that was begun is lost."""
    for begun in np.arange(0.0, seconds, SLICE):
        if checkpoints and checkpoints.stopping():
            raise Stopped(f"at step {tenths}")
        time.sleep(min(SLICE, seconds - begun))

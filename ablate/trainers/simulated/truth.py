"""The truth behind a simulated run: its expected level, its random shift, and the value of each metric there.

The level of a run is base + effects + shift; every metric is a function of it. The rates cut a shift near 0 and 1. The
other metrics do not, so their expected values are known everywhere:

    loss             loss.base + loss.per_pp · pp
    score            score.base + score.per_pp · pp
    score, positive  score.base · exp(score.per_pp · pp)

`pp` are the percentage points of effects and shift. So an effect of `e` pp is loss.per_pp · e, score.per_pp · e, or the
ratio exp(score.per_pp · e); and an SD of shifts of `s` pp is |per_pp| · s, of logarithms if the score is positive.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ablate.trainers.protocol import PARTS
from ablate.trainers.random_streams import generator
from ablate.trainers.simulated.config import SimulatedConfig, SimulatedEffect
from ablate.trainers.simulated.response_model import deviates, shifted

STEEPNESS = 4.0
"""Steepness of the learning curve: a third of the final level after a tenth of the steps, and 0.88 of it after half."""


def expected_rate(config: SimulatedConfig) -> float:
    """Return the true top-1 rate of a config, in [0, 1]: base and the effects whose conditions hold."""
    return config.base + effect_pp(config) / 100


def effect_pp(config: SimulatedConfig) -> float:
    """Return the sum of the effects whose conditions hold, in percentage points."""
    return sum(_size(effect, config.settings) for effect in config.effects)


def shifted_rate(config: SimulatedConfig, seed: int) -> float:
    """Return the rate of a run, in [0, 1]. Its mean over seeds is the expected rate."""
    return float(shifted(expected_rate(config), shift(config, seed)))


def reached_pp(config: SimulatedConfig, seed: int, part: int = PARTS) -> float:
    """Return the level of a run after `part` tenths less the base, in percentage points; nothing is cut."""
    pp = effect_pp(config) + 100 * shift(config, seed)
    return pp if part == PARTS else learned(part) * pp - 100 * config.base * (1 - learned(part))


def loss_at(config: SimulatedConfig, pp: float) -> float:
    """Return the expected loss at a level of `pp` percentage points above the base."""
    return config.loss.base + config.loss.per_pp * pp


def score_at(config: SimulatedConfig, pp: float) -> float:
    """Return the score at a level of `pp` percentage points above the base."""
    score = config.score
    if score.positive:
        return score.base * math.exp(score.per_pp * pp)
    return score.base + score.per_pp * pp


def learned(part: int) -> float:
    """Return a run's share of its final level after `part` tenths: (1 − exp(−4f)) / (1 − exp(−4)), f = part / 10."""
    return math.expm1(-STEEPNESS * part / PARTS) / math.expm1(-STEEPNESS)


def shift(config: SimulatedConfig, seed: int) -> float:
    """Return a run's random shift of the top-1 rate: its own, and the one that all rows of the seed share."""
    drawn = own_sd(config) * deviates(config.tails, stream(config, seed, "own shift"))
    shared = config.shared_seed_sd_pp * deviates(config.tails, generator(seed, "simulated/shared shift"))
    return float(drawn + shared) / 100


def own_sd(config: SimulatedConfig) -> float:
    """Return the SD of a run's own shift in pp: from the last effect that has one and whose conditions hold."""
    active = [e.seed_sd_pp for e in config.effects if e.seed_sd_pp is not None and holds(e.when, config.settings)]
    return active[-1] if active else config.seed_sd_pp


def stream(config: SimulatedConfig, seed: int, name: str) -> np.random.Generator:
    """Return a random stream of one row and seed. The settings stand for the row."""
    return generator(seed, f"simulated/{name}/{json.dumps(config.settings, sort_keys=True)}")


def holds(when: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Return True if all settings have the values of `when`."""
    return all(k in settings and _same(settings[k], value) for k, value in when.items())


def _size(effect: SimulatedEffect, settings: Mapping[str, Any]) -> float:
    if not holds(effect.when, settings):
        return 0.0
    if not effect.peak:
        return effect.pp
    distances = [(_number(settings.get(k)) - at) / effect.width[k] for k, at in effect.peak.items()]
    return effect.pp * math.exp(-0.5 * sum(d * d for d in distances))


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.inf

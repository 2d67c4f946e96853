"""The learning rate, as a function of the step alone."""

import math

from ablate.retrieval.config.retrieval import Schedule


def warmup(step: int, config: Schedule) -> float:
    """Factor that is 1 from step `warmup_steps` on: before, it rises linearly from `warmup_start`, or stays there."""
    if step >= config.warmup_steps:
        return 1.0
    if config.warmup_shape == "constant":
        return config.warmup_start
    return config.warmup_start + (1 - config.warmup_start) * step / config.warmup_steps


def decay(step: int, config: Schedule) -> float:
    """Factor gamma for each milestone reached, where a milestone of 100 acts from the 101st step on; or half a cosine
    from 1 at the first step towards 0 after the last (Loshchilov and Hutter, 2017, without restarts).
    """
    if config.decay == "cosine":
        return (1 + math.cos(math.pi * step / config.steps)) / 2
    reached = sum(step >= milestone for milestone in config.milestones)
    return float(config.gamma**reached)


def learning_rate(step: int, config: Schedule) -> float:
    """The rate of the optimiser's step number `step`, counted from 0."""
    return config.lr * warmup(step, config) * decay(step, config)

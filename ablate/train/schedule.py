"""The learning rate, as a function of the step alone."""

from ablate.train.config.retrieval import Schedule


def warmup(step: int, config: Schedule) -> float:
    """Factor that rises linearly from `warmup_start` at step 0 to 1 at step `warmup_steps`."""
    if step >= config.warmup_steps:
        return 1.0
    return config.warmup_start + (1 - config.warmup_start) * step / config.warmup_steps


def decay(step: int, config: Schedule) -> float:
    """Factor gamma for each milestone reached: a milestone of 100 acts from the 101st step on."""
    reached = sum(step >= milestone for milestone in config.milestones)
    return float(config.gamma**reached)


def learning_rate(step: int, config: Schedule) -> float:
    """The rate of the optimiser's step number `step`, counted from 0."""
    return config.lr * warmup(step, config) * decay(step, config)

"""A trial of the simulated trainer with an empty config."""

from ablate.study.trials.identity import ROW, Identity, Trial, digest

TRAINING = Identity("simulated", {}, 0, None, {})


def trial(**evaluate: object) -> Trial:
    """Return a queued trial whose evaluation has these settings."""
    return Trial("a", ROW, 0, {}, evaluate, TRAINING, TRAINING.key, digest([TRAINING.key, evaluate]))

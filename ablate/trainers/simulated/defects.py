"""Results that are made unusable on purpose, so that tests can see the answer to each."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ablate.measurement import Measurement
from ablate.trainers.simulated.config import SimulatedConfig, SimulatedDefect
from ablate.trainers.simulated.truth import holds

LEFT_OUT = 10
"""The defect `fewer` leaves out one example in this many, and at least one."""

DIVERGED = "diverged"
"""The defect with which a run ends as diverged; its values are not numbers."""

CONSTANT = 1.0
"""The value of all examples and runs with the defect `constant`."""


def divergence(config: SimulatedConfig, seed: int) -> str | None:
    """Return why a run diverges; None for most, which do not."""
    of_run = (defect for defect in config.broken if defect.gives == DIVERGED and _has(config, seed, defect))
    return next((f"{defect.metric or 'every metric'} is not a number" for defect in of_run), None)


def spoilt(config: SimulatedConfig, seed: int, measured: Sequence[Measurement]) -> Sequence[Measurement]:
    """Return the measurements of a run with the defects that it has."""
    for defect in config.broken:
        if _has(config, seed, defect):
            measured = [kept for one in measured for kept in _with_defect(one, defect)]
    return measured


def _has(config: SimulatedConfig, seed: int, defect: SimulatedDefect) -> bool:
    return holds(defect.when, config.settings) and (not defect.seeds or seed in defect.seeds)


def _with_defect(one: Measurement, defect: SimulatedDefect) -> Iterator[Measurement]:
    if defect.metric not in (None, one.metric):
        yield one
    elif defect.gives == "fewer":
        yield _fewer(one)
    elif defect.gives == "renamed":
        yield _renamed(one)
    elif defect.gives != "missing":
        yield _with_value(one, defect.gives)


def _with_value(one: Measurement, gives: str) -> Measurement:
    value = CONSTANT if gives == "constant" else float("nan" if gives == DIVERGED else gives)
    if one.examples is None:
        return replace(one, value=value)
    examples = one.examples.astype(np.float32)
    examples[: None if gives == "constant" else 1] = value
    return replace(one, value=value, examples=examples)


def _fewer(one: Measurement) -> Measurement:
    if one.examples is None:
        return one
    n = len(one.examples) - max(1, len(one.examples) // LEFT_OUT)
    kept = one.examples[:n]
    return replace(
        one,
        value=float(kept.mean(dtype=np.float64)) if n else float("nan"),
        n=n,
        examples=kept,
        ids=None if one.ids is None else one.ids[:n],
        clusters=None if one.clusters is None else one.clusters[:n],
    )


def _renamed(one: Measurement) -> Measurement:
    if one.examples is None:
        return one
    return replace(one, ids=[f"renamed {number + 1}" for number in range(len(one.examples))])

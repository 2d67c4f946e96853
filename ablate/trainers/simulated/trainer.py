"""The trainer that trains nothing: it draws results with known true effects.

Ranks follow the model in `response_model.py`, so that the expected top-1 rate is exactly base + effects; `truth.py` has
the formulas of the other metrics.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from ablate.measurement import Result
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.protocol import PARTS, Diverged, Judge, Progress, Pruned, Stopped
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.defects import divergence
from ablate.trainers.simulated.drawing import draw_interim, draw_result
from ablate.trainers.simulated.truth import stream

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
    """Draw the results on the test and the validation split, after pretending to work in ten parts."""
    config = configs[0]
    if config.seconds or judge:
        _pretend(config, seed, progress, checkpoints, judge)
    if checkpoints:
        checkpoints.clear()
    if stream(config, seed, f"fail {attempt}").random() < config.fail:
        raise SimulatedError(f"simulated failure of attempt {attempt}")
    results = [draw_result(config, seed)] * len(configs)
    if reason := divergence(config, seed):
        raise Diverged(reason, results)
    return results


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
        ended = judge is not None and tenth < PARTS and not judge(draw_interim(config, seed, tenth))
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

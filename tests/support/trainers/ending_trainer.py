"""A trainer whose trainings end in each of the ways that a trainer can end one, by their config."""

import sys
from collections.abc import Callable, Sequence

from ablate.measurement import TEST, Measurement, Result
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.declared.reasons import with_log
from ablate.trainers.protocol import Diverged, Judge, Lost, Progress, Stopped
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.entry import SimulatedEntry
from ablate.trainers.simulated.trainer import train as simulate

SITE = """\
from ablate.trainers.registry import TRAINERS
TRAINERS.entries["ending"] = "tests.support.trainers.ending_trainer:ENDING"
"""
"""A module `sitecustomize`, with which a worker process has the trainer too."""


class EndingEntry(SimulatedEntry):
    """The simulated trainer, unless `settings.end` names another end; from attempt `settings.works_at` on it works."""

    train = "tests.support.trainers.ending_trainer:train"


def train(
    configs: Sequence[SimulatedConfig],
    seed: int,
    attempt: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints | None = None,
    judge: Judge | None = None,
) -> list[Result]:
    settings = configs[0].settings
    end = settings.get("end") if attempt < settings.get("works_at", 1000) else None
    if end == "diverges":
        measured = [Measurement("top1", TEST, 0.25), Measurement("top5", TEST, float("nan"))]
        raise Diverged("top5 is not a number", [Result(measured)] * len(configs))
    if end == "diverges at once":
        raise Diverged("the loss is infinite at step 3")
    if end == "is lost":
        raise Lost(with_log("the script was killed by SIGKILL", "runs/attempt-1.log"))
    if end == "exits":
        sys.exit(3)
    if end in ("stops", "stops with progress"):
        if end == "stops with progress" and checkpoints:
            checkpoints.save(attempt, b"")
        raise Stopped("by itself")
    return simulate(configs, seed, attempt, progress, checkpoints, judge)


ENDING = EndingEntry()

"""A trainer whose results may ignore a setting or the seed, or differ each time."""

import random
from collections.abc import Callable, Sequence

from ablate.measurement import RATE, TEST, Direction, Kind, Measurement, Metric, Result
from ablate.trainers.checkpoints import Checkpoints
from ablate.trainers.entry import Config
from ablate.trainers.protocol import Judge, Progress
from ablate.trainers.simulated.config import SimulatedConfig
from ablate.trainers.simulated.entry import SimulatedEntry

ACC = Metric("acc", kind=Kind.PROPORTION, bounds=(0.0, 1.0), display=RATE)
LOSS = Metric("loss", Direction.MINIMIZE)
IGNORES = "ignores"
"""The setting with the name of a setting, or `seed`, that results ignore; `all` makes every result another one."""


def train(
    configs: Sequence[SimulatedConfig],
    seed: int,
    attempt: int,
    progress: Callable[[Progress], None],
    checkpoints: Checkpoints | None = None,
    judge: Judge | None = None,
) -> list[Result]:
    """Return an accuracy over 360 examples, and a loss with all its digits, of which chance decides a part."""
    settings = configs[0].settings
    ignored = settings.get(IGNORES)
    read = {name: value for name, value in sorted({**settings, "seed": seed}.items()) if name not in (IGNORES, ignored)}
    chance = random.Random() if ignored == "all" else random.Random(repr(read))
    right = 330 + 10 * read.get("lr", 0) + round(chance.gauss(0, 2))
    loss = 0.3 - 0.02 * read.get("lr", 0) + chance.gauss(0, 0.01)
    measured = [Measurement("acc", TEST, right / 360), Measurement("loss", TEST, loss)]
    return [Result(measured)] * len(configs)


class WiringEntry(SimulatedEntry):
    """Declares an accuracy and a loss."""

    train = "tests.support.wiring.trainer:train"

    def metrics(self, configs: Sequence[Config]) -> tuple[Metric, ...]:
        return (ACC, LOSS)


WIRING = WiringEntry()

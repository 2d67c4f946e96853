"""A trainer whose trainings can measure what a study file lists, and that declares metrics of each kind itself."""

from collections.abc import Sequence

from ablate.measurement import Direction, Display, Kind, Metric
from ablate.trainers.entry import Config
from ablate.trainers.simulated.entry import SimulatedEntry

LOSS = Metric(
    "loss", Direction.MINIMIZE, Kind.MEAN, "nats", (0.0, float("inf")), display=Display("", 1.0, "nats", "nats")
)
SCORE = Metric("score")
SHARE = Metric("share", kind=Kind.MEAN, bounds=(0.0, 1.0))


class ListingEntry(SimulatedEntry):
    """Declares a loss, a score and a share."""

    measures_listed = True

    def metrics(self, configs: Sequence[Config]) -> tuple[Metric, ...]:
        return (SHARE, LOSS, SCORE)


class SilentEntry(SimulatedEntry):
    """Declares no metric."""

    measures_listed = True

    def metrics(self, configs: Sequence[Config]) -> tuple[Metric, ...]:
        return ()


LISTING, SILENT = ListingEntry(), SilentEntry()

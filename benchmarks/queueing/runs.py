"""How a contender's run went, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.queueing.process import MIB, Finished

SHARES = (0.1, 0.5, 1.0)


@dataclass(frozen=True)
class Run:
    """The whole process, and the cell and the time of every trial that was run, in the order of time."""

    finished: Finished
    cells: Sequence[str]
    times: Sequence[float]
    versions: Mapping[str, str]

    @property
    def ms_between(self) -> float:
        """Milliseconds a trial between the ends of the first and of the last."""
        return 1000 * (self.times[-1] - self.times[0]) / max(1, len(self.times) - 1)

    @property
    def twice(self) -> int:
        """Runs of a trial after its first."""
        return len(self.cells) - len(set(self.cells))

    def never(self, trials: int) -> int:
        """How many of the trials were not run at all."""
        return trials - len(set(self.cells))

    @property
    def peak(self) -> float:
        """MiB: the largest sum of the resident sets of all its processes."""
        return max((sample.own + sum(sample.below) for sample in self.finished.samples), default=0) / MIB

    def memory(self) -> Mapping[float, tuple[float, float]]:
        """{share of trials done: (MiB of the process, MiB of the largest below it)}, by the nearest samples."""
        found = {}
        for share in SHARES:
            reached = self.times[max(0, round(share * len(self.times)) - 1)]
            sample = min(self.finished.samples, key=lambda one: abs(one.at - reached))
            found[share] = (sample.own / MIB, max(sample.below, default=0) / MIB)
        return found

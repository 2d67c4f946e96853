"""The speed of trainings, and the time that is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from ablate.trainers.protocol import Progress

WINDOW = 30.0
"""Seconds. A speed is measured over the last one to two windows, so that compiling and other starts drop out."""

STEADY = 5.0
"""Seconds that a speed must have been measured for before a time is estimated from it alone."""

FADE = 0.05
MEMORY = 60.0
"""The pace is a weighted mean over the last twenty trainings or the last 60 seconds, whichever is longer.

Its sums lose the share FADE at each training that ends, and at most FADE for every FADE · MEMORY seconds that pass."""

SHORTEST = 1e-3
"""Seconds. A shorter expected time counts as this."""


class StepMark(NamedTuple):
    """A step and the time at which it was reached."""

    time: float
    step: int


@dataclass
class StepSpeed:
    """Steps a second, from marks. Progress without a new step changes nothing."""

    old: StepMark | None = None
    new: StepMark | None = None
    last: StepMark | None = None

    def reached(self, mark: StepMark) -> None:
        if self.last is None or self.new is None:
            self.old = self.new = self.last = mark
        elif mark.step > self.last.step:
            self.last = mark
            if mark.time - self.new.time >= WINDOW:
                self.old, self.new = self.new, mark

    def rate(self) -> float | None:
        """Return steps a second; None before there are two marks.

        The time before the first mark is start-up, and is not counted.
        """
        if self.old is None or self.last is None or self.last.step == self.old.step:
            return None
        return (self.last.step - self.old.step) / max(self.last.time - self.old.time, 1e-9)

    def steady(self) -> bool:
        """Return True if the speed was measured for long enough to estimate a time from it."""
        return self.old is not None and self.last is not None and self.last.time - self.old.time >= STEADY


@dataclass
class LiveTraining:
    """A training that runs now. Times are seconds of the board's clock."""

    started: float
    free: float
    """When its worker had finished the training before."""
    cold: bool = False
    """True if its worker process started with it, so that its time includes the start-up."""
    progress: Progress | None = None
    speed: StepSpeed = field(default_factory=StepSpeed)
    printed_at: float = 0.0
    """When a line about it was last printed."""

    def progressed(self, now: float, progress: Progress) -> None:
        self.progress = progress
        if progress.step > progress.begun:
            self.speed.reached(StepMark(now, progress.step))

    def share(self) -> float:
        """Return the share of a whole training that this attempt runs: below 1 if it resumed from a checkpoint."""
        progress = self.progress
        return 1 - progress.begun / progress.steps if progress is not None and progress.steps > 0 else 1.0

    def left(self, now: float) -> float | None:
        """Return the seconds until its last step, by its own speed; None if that is not known yet."""
        rate, last = self.speed.rate(), self.speed.last
        if self.progress is None or last is None or not rate:
            return None
        return max((self.progress.steps - last.step) / rate - (now - last.time), 0.0)


@dataclass
class Pace:
    """The seconds that a training takes: a mean over trainings that ended, in which recent ones have more weight.

    If `expected` is given, the pace is the ratio of this run's times to the expected ones. A training that it lacks
    counts as an average one.
    """

    expected: Mapping[str, float] = field(default_factory=dict)
    """{training key: seconds}, from earlier runs."""

    def __post_init__(self) -> None:
        works = [self.work(key) for key in self.expected]
        self.typical = fmean(works) if works else 1.0
        self.spent = self.made = self.typical if works else 0.0
        self.last, self.fading = 0.0, 1.0

    def work(self, key: str) -> float:
        """Return the weight of a training: its expected seconds; 1 for each if no times are known."""
        return max(self.expected[key], SHORTEST) if key in self.expected else self.typical

    def ended(self, key: str, now: float, running: LiveTraining) -> None:
        """Add the time of a training that ended.

        A short one with which its worker started mostly measures the start-up, and is left out.
        """
        seconds = now - running.free
        if running.cold and seconds < WINDOW:
            return
        self.fading = min(self.fading + (now - self.last) / MEMORY, 1.0)  # by time, and not all at once
        fade, self.last = min(FADE, self.fading), now
        self.fading -= fade
        self.spent = (1 - fade) * self.spent + seconds
        self.made = (1 - fade) * self.made + self.work(key) * running.share()

    def each(self) -> float | None:
        """Return seconds for a unit of work; None before the first training has ended."""
        return self.spent / self.made if self.made > 0 else None

    def guess(self, running: Mapping[str, LiveTraining]) -> float | None:
        """Return the same from the speed of running trainings, before one has ended; None if no speed is known."""
        estimates = [
            (self.work(key), training.progress.steps / rate)
            for key, training in running.items()
            if training.progress and training.speed.steady() and (rate := training.speed.rate())
        ]
        return sum(seconds for _, seconds in estimates) / sum(work for work, _ in estimates) if estimates else None


def remaining(running: Sequence[float], waiting: int, seconds: float, workers: int) -> float:
    """Return the seconds until all trainings are done.

    `running` holds the seconds that each running one has left; each of the `waiting` ones takes `seconds`. The result
    is at least the longest of the running ones, and at least the time until a free worker has done a waiting one.
    """
    least = max(running, default=0.0)
    if waiting:
        free = min(running) if running and len(running) >= workers else 0.0
        least = max(least, free + seconds)
    return max(least, (sum(running) + waiting * seconds) / max(workers, 1))

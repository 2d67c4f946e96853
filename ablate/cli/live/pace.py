"""How fast trials go, and what that says of the time that is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

from ablate.trainers.protocol import Progress

WINDOW = 30.0
"""Seconds: a speed is that of the last one to two windows, so that compiling and other starts are forgotten."""

STEADY = 5.0
"""Seconds that a speed must have been watched before a time is told from it alone."""

FADE = 0.05
MEMORY = 60.0
"""What is learnt fades by this share with each trial, or by so many seconds: of the last twenty, or the last minute."""

SHORTEST = 1e-3
"""Seconds: what is expected to take less is taken for this."""


class StepMark(NamedTuple):
    """A step and when it was reached."""

    time: float
    step: int


@dataclass
class StepSpeed:
    """Steps a second, from marks. Signs of life without a step change nothing."""

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
        """None before there are two marks; the first is left out, for what came before it was a start."""
        if self.old is None or self.last is None or self.last.step == self.old.step:
            return None
        return (self.last.step - self.old.step) / max(self.last.time - self.old.time, 1e-9)

    def steady(self) -> bool:
        return self.old is not None and self.last is not None and self.last.time - self.old.time >= STEADY


@dataclass
class LiveTraining:
    """A trial that runs: since when, and how far it is.

    `free` is since when its worker had nothing else to do; `cold`: its worker started with it.
    """

    started: float
    free: float
    cold: bool = False
    progress: Progress | None = None
    speed: StepSpeed = field(default_factory=StepSpeed)
    spoken: float = 0.0

    def progressed(self, now: float, progress: Progress) -> None:
        self.progress = progress
        if progress.step > progress.begun:
            self.speed.reached(StepMark(now, progress.step))

    def share(self) -> float:
        """The share of a whole training that this attempt has to do."""
        made = self.progress
        return 1 - made.begun / made.steps if made is not None and made.steps > 0 else 1.0

    def left(self, now: float) -> float | None:
        """Seconds of steps that are left, by its own speed."""
        rate, last = self.speed.rate(), self.speed.last
        if self.progress is None or last is None or not rate:
            return None
        return max((self.progress.steps - last.step) / rate - (now - last.time), 0.0)


@dataclass
class Pace:
    """Seconds that a trial takes, from those that ended: a mean in which recent ones weigh more.

    `expected` holds seconds by training key, from other runs. Where it is given, what is learnt is how this run
    compares with them; a trial that it lacks is taken for an average one.
    """

    expected: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = [self.work(key) for key in self.expected]
        self.typical = fmean(known) if known else 1.0
        self.spent = self.made = self.typical if known else 0.0
        self.last, self.fading = 0.0, 1.0

    def work(self, key: str) -> float:
        """What a trial counts for: its expected seconds; 1 each where nothing is expected."""
        return max(self.expected[key], SHORTEST) if key in self.expected else self.typical

    def ended(self, key: str, now: float, running: LiveTraining) -> None:
        """Learns from a trial. A short one with which a worker started says more of the worker, and does not count."""
        seconds = now - running.free
        if running.cold and seconds < WINDOW:
            return
        self.fading = min(self.fading + (now - self.last) / MEMORY, 1.0)  # by time, and not all at once
        fade, self.last = min(FADE, self.fading), now
        self.fading -= fade
        self.spent = (1 - fade) * self.spent + seconds
        self.made = (1 - fade) * self.made + self.work(key) * running.share()

    def each(self) -> float | None:
        """Seconds for a unit of work; None as long as nothing was learnt."""
        return self.spent / self.made if self.made > 0 else None

    def guess(self, running: Mapping[str, LiveTraining]) -> float | None:
        """The same from the speed of what runs now, before anything ended."""
        found = [
            (self.work(key), one.progress.steps / rate)
            for key, one in running.items()
            if one.progress and one.speed.steady() and (rate := one.speed.rate())
        ]
        return sum(whole for _, whole in found) / sum(work for work, _ in found) if found else None


def remaining(running: Sequence[float], waiting: int, seconds: float, workers: int) -> float:
    """Seconds until all is done: `running` ones are left with so many each, and `waiting` ones take `seconds` each.

    No less than the longest of the running, nor than it takes a free worker to do one of the waiting.
    """
    least = max(running, default=0.0)
    if waiting:
        free = min(running) if running and len(running) >= workers else 0.0
        least = max(least, free + seconds)
    return max(least, (sum(running) + waiting * seconds) / max(workers, 1))

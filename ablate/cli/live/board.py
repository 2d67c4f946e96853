"""The state of a run, as an observer of its dispatch sees it. What ended leaves a number, and the last faults."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from ablate.cli.live.pace import LiveTraining, Pace, remaining
from ablate.trainers.protocol import Progress

NOTES = 5
"""Faults that are remembered."""

AGAIN_SECONDS = 30.0
"""How soon the same warning is shown again."""

STOPPING = "finishing or checkpointing what runs; Ctrl-C again stops now"


class BoardNote(NamedTuple):
    """A trial that failed or went back to the queue, and why."""

    what: str
    label: str
    reason: str


@dataclass
class Board:
    """Counts of trainings, and those that run. `waiting_keys` are not done, nor known to run, when it is made."""

    labels: dict[str, str]
    total: int
    done: int
    failed: int = 0
    waiting_keys: Collection[str] = ()
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], float] = time.monotonic
    elsewhere: int = 0
    running: dict[str, LiveTraining] = field(default_factory=dict)
    notes: tuple[BoardNote, ...] = ()
    stops: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        self.freed: list[float] = []
        self.warned: tuple[str, float] | None = None
        self.unstarted = len(self.waiting_keys)
        self.work = sum(self.pace.work(key) for key in self.waiting_keys)

    def started(self, key: str) -> None:
        now = self.clock()
        cold = len(self.running) >= self.workers
        free = self.freed.pop(0) if self.freed and not cold else now
        self.running[key] = LiveTraining(now, free, cold, spoken=now)
        self.workers = max(self.workers, len(self.running))
        self._wait(key, -1)
        if self.elsewhere and self._waiting() < 0:
            self.elsewhere -= 1  # it was another runner's, and came back

    def progressed(self, key: str, progress: Progress) -> None:
        if key in self.running:  # and not just taken from its worker
            self.running[key].progressed(self.clock(), progress)

    def ended(self, key: str, reason: str | None) -> None:
        running = self._over(key)
        if running is not None:
            self.pace.ended(key, self.clock(), running)
        if reason is None:
            self.done += 1
        else:
            self.failed += 1
            self._note("failed", key, reason)

    def pruned(self, key: str, reason: str) -> None:
        self._over(key)
        self.done += 1

    def added(self, key: str, label: str) -> None:
        """One more that waits, which nobody knew of when the board was made."""
        self.labels[key] = label
        self._wait(key, 1)

    def requeued(self, key: str, reason: str) -> None:
        self._over(key)
        self._wait(key, 1)
        if not self.stops:  # then it is what was asked for
            self._note("requeued", key, reason)

    def waiting(self, elsewhere: int) -> None:
        self.elsewhere = elsewhere
        self.freed.clear()  # our workers wait because there is nothing to do

    def counted(self, done: int, failed: int) -> None:
        self.done, self.failed = done, failed

    def stopping(self) -> None:
        self.stops = True

    def said(self, text: str) -> None:
        now = self.clock()
        if self.warned is None or text != self.warned[0] or now - self.warned[1] >= AGAIN_SECONDS:
            self.warned = (text, now)
            self.show(text)

    def show(self, text: str) -> None:
        """Shows a warning: where, is up to whoever shows the board."""

    def left(self) -> float | None:
        """Seconds until all is done; None where nobody can tell, and when the run will not do it."""
        running = dict(self.running)
        waiting = max(self._waiting(), 0)
        each = self.pace.each() or self.pace.guess(running)
        if self.stops or each is None or not (running or waiting):
            return None
        now = self.clock()
        rests = [self._left_of(key, one, each, now) for key, one in running.items()]
        work = self.work / self.unstarted if self.unstarted > 0 else self.pace.typical
        return remaining(rests, waiting, max(work, 0.0) * each, self.workers + self.elsewhere)

    def _over(self, key: str) -> LiveTraining | None:
        running = self.running.pop(key, None)
        if running is not None:
            self.freed.append(self.clock())
        return running

    def _left_of(self, key: str, running: LiveTraining, each: float, now: float) -> float:
        own = running.left(now)
        whole = self.pace.work(key) * running.share() * each
        return own if own is not None else max(whole - (now - running.started), 0.0)

    def _waiting(self) -> int:
        """Trainings that nobody runs yet; below zero if some run elsewhere no more."""
        return self.total - self.done - self.failed - len(self.running) - self.elsewhere

    def _wait(self, key: str, count: int) -> None:
        self.unstarted += count
        self.work += count * self.pace.work(key)

    def _note(self, what: str, key: str, reason: str) -> None:
        self.notes = (*self.notes, BoardNote(what, self.labels[key], reason[:500]))[-NOTES:]

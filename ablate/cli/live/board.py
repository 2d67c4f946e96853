"""The state of a run for display: counts, the trainings that run now, and the latest faults."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from ablate.cli.live.pace import LiveTraining, Pace, remaining
from ablate.run.observer import Observer
from ablate.trainers.protocol import Progress

NOTES = 5
"""The number of latest faults that are kept."""

AGAIN_SECONDS = 30.0
"""The shortest time between two displays of the same warning."""

STOPPING = "stopping: trainings save, or begin again later; press Ctrl-C again to stop now"


class BoardNote(NamedTuple):
    """A training that failed, diverged or went back to the queue."""

    event: str
    """`failed`, `diverged` or `requeued`."""
    label: str
    reason: str


@dataclass
class Board(Observer):
    """Counts trainings and keeps those that run now, with an estimate of the time that is left."""

    labels: dict[str, str]
    """{training key: label}."""
    total: int
    """Trainings that were requested; of a search, its budget."""
    done: int
    failed: int = 0
    waiting_keys: Collection[str] = ()
    """Keys of trainings that are neither done nor known to run when the board is made."""
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], float] = time.monotonic
    """Returns seconds; only differences count."""
    elsewhere: int = 0
    """Trainings that other runners hold."""
    running: dict[str, LiveTraining] = field(default_factory=dict)
    """{training key: progress} of the trainings that run here, the oldest first."""
    notes: tuple[BoardNote, ...] = ()
    """The latest faults, the newest last."""
    is_stopping: bool = False
    """True once a stop was requested."""
    workers: int = 0
    """The largest number of trainings that ran here at one time."""
    divergences: int = 0
    """Trainings that have diverged."""

    def __post_init__(self) -> None:
        self.freed_at: list[float] = []  # when workers became free that have not started another training yet
        self.last_message: tuple[str, float] | None = None  # its text and time
        self.unstarted = len(self.waiting_keys)
        self.unstarted_work = sum(self.pace.work(key) for key in self.waiting_keys)

    def started(self, key: str) -> None:
        now = self.clock()
        cold = len(self.running) >= self.workers
        free = self.freed_at.pop(0) if self.freed_at and not cold else now
        self.running[key] = LiveTraining(now, free, cold, printed_at=now)
        self.workers = max(self.workers, len(self.running))
        self._wait(key, -1)
        if self.elsewhere and self._waiting() < 0:
            self.elsewhere -= 1  # it was another runner's, and came back

    def progressed(self, key: str, progress: Progress) -> None:
        if key in self.running:  # else it was just taken from its worker
            self.running[key].progressed(self.clock(), progress)

    def ended(self, key: str, reason: str | None) -> None:
        self._end(key)
        if reason is None:
            self.done += 1
        else:
            self.failed += 1
            self._note("failed", key, reason)

    def diverged(self, key: str, reason: str) -> None:
        self._end(key)
        self.divergences += 1
        self._note("diverged", key, reason)

    def pruned(self, key: str, reason: str) -> None:
        self._remove(key)
        self.done += 1

    def added(self, key: str, label: str) -> None:
        self.labels[key] = label
        self._wait(key, 1)

    def requeued(self, key: str, reason: str) -> None:
        self._remove(key)
        self._wait(key, 1)
        if not self.is_stopping:  # else the user requested it
            self._note("requeued", key, reason)

    def waiting(self, elsewhere: int) -> None:
        self.elsewhere = elsewhere
        self.freed_at.clear()  # workers wait because there is nothing to do: that is no start-up time

    def counted(self, done: int, failed: int, total: int, diverged: int = 0) -> None:
        self.done, self.failed, self.total, self.divergences = done, failed, total, diverged

    def stopping(self) -> None:
        self.is_stopping = True

    def message(self, text: str) -> None:
        """Show a warning, but the same warning at most once every AGAIN_SECONDS."""
        now = self.clock()
        if self.last_message is None or text != self.last_message[0] or now - self.last_message[1] >= AGAIN_SECONDS:
            self.last_message = (text, now)
            self.show(text)

    def show(self, text: str) -> None:
        """Print a warning; a board that is on a display overrides this."""

    def over(self) -> int:
        """Return the number of trainings that have ended for good."""
        return self.done + self.failed + self.divergences

    def left(self) -> float | None:
        """Return the seconds until all trainings have ended; None if unknown, or if the run is stopping."""
        running = dict(self.running)
        waiting = max(self._waiting(), 0)
        each = self.pace.each() or self.pace.guess(running)
        if self.is_stopping or each is None or not (running or waiting):
            return None
        now = self.clock()
        of_running = [self._left_of(key, training, each, now) for key, training in running.items()]
        work = self.unstarted_work / self.unstarted if self.unstarted > 0 else self.pace.typical
        return remaining(of_running, waiting, max(work, 0.0) * each, self.workers + self.elsewhere)

    def _end(self, key: str) -> None:
        """Remove a training that has ended here, and count its time."""
        running = self._remove(key)
        if running is not None:
            self.pace.ended(key, self.clock(), running)

    def _remove(self, key: str) -> LiveTraining | None:
        running = self.running.pop(key, None)
        if running is not None:
            self.freed_at.append(self.clock())
        return running

    def _left_of(self, key: str, running: LiveTraining, each: float, now: float) -> float:
        """Return the seconds until a running training ends: by its own speed if known, else by the pace of others."""
        by_speed = running.left(now)
        by_pace = self.pace.work(key) * running.share() * each - (now - running.started)
        return by_speed if by_speed is not None else max(by_pace, 0.0)

    def _waiting(self) -> int:
        """Return the number of trainings that no runner has started; negative if some no longer run elsewhere."""
        return self.total - self.over() - len(self.running) - self.elsewhere

    def _wait(self, key: str, count: int) -> None:
        self.unstarted += count
        self.unstarted_work += count * self.pace.work(key)

    def _note(self, event: str, key: str, reason: str) -> None:
        self.notes = (*self.notes, BoardNote(event, self.labels[key], reason[:500]))[-NOTES:]

"""Plain lines for a log: the start and end of each training, or counts of them if they come too fast."""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ablate.cli.hints import typeable
from ablate.cli.live.board import STOPPING, Board
from ablate.cli.live.pace import LiveTraining
from ablate.text import duration, plural
from ablate.trainers.declared.reasons import on_one_line
from ablate.trainers.protocol import Progress

PROGRESS_SECONDS = 30.0
"""The shortest time between two progress lines of a training; longer if more than fifteen run."""

SUM_SECONDS = 5.0
"""The time that a line of counts covers."""


FAULTS = ("failed", "diverged", "requeued")
"""The events that have a limit of their own."""

ENDS = ("done", "pruned", *FAULTS)
"""The events that a line of counts lists."""


@dataclass
class RateLimit:
    """Allows a burst of events, and then a number of events a second."""

    most: float
    """Events that are allowed at once."""
    rate: float
    """Events a second that are allowed after that."""
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self.allowed, self.updated = self.most, self.clock()

    def take(self) -> bool:
        """Return True, and count the event, if it is within the limit."""
        now = self.clock()
        self.allowed, self.updated = min(self.most, self.allowed + (now - self.updated) * self.rate), now
        if self.allowed < 1:
            return False
        self.allowed -= 1
        return True


@dataclass
class EventCounts:
    """The events since the last line of counts."""

    since: float
    """When that was, by the board's clock."""
    counts: Counter[str] = field(default_factory=Counter)
    """{started, or one of ENDS: events}."""
    hidden: int = 0
    """Events that had no line of their own."""


@dataclass
class PlainBoard(Board):
    """Prints a line when a training starts, when it ends, and now and then between.

    If lines come too fast it prints counts instead, until there is no more than one event a second. Faults have a
    limit of their own.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.line_limit = RateLimit(40, 1.0, self.clock)
        self.fault_limit = RateLimit(20, 0.2, self.clock)
        self.counting: EventCounts | None = None

    def started(self, key: str) -> None:
        super().started(key)
        self._event("started", f"started  {self.labels[key]}")

    def progressed(self, key: str, progress: Progress) -> None:
        super().progressed(key, progress)
        now, running = self.clock(), self.running.get(key)
        if self.counting is not None:
            self._print_counts()
        elif running and progress.steps and now - running.printed_at > max(PROGRESS_SECONDS, 2.0 * len(self.running)):
            running.printed_at = now
            self._print(f"at {progress.step}/{progress.steps}, {_speed(running)}  {self.labels[key]}")

    def ended(self, key: str, reason: str | None) -> None:
        running = self.running.get(key)
        seconds = self.clock() - running.started if running else 0.0
        super().ended(key, reason)
        if reason is None:
            self._event("done", f"done     {self.labels[key]} in {seconds:.1f} s", rest=True)
        else:
            self._event("failed", f"failed   {self.labels[key]}: {on_one_line(reason)}")

    def diverged(self, key: str, reason: str) -> None:
        super().diverged(key, reason)
        self._event("diverged", f"diverged {self.labels[key]}: {on_one_line(reason)}")

    def pruned(self, key: str, reason: str) -> None:
        super().pruned(key, reason)
        self._event("pruned", f"pruned   {self.labels[key]}: {reason}", rest=True)

    def requeued(self, key: str, reason: str) -> None:
        super().requeued(key, reason)
        self._event("requeued", f"requeued {self.labels[key]}: {on_one_line(reason)}")

    def waiting(self, elsewhere: int) -> None:
        self._print_counts()
        if elsewhere and elsewhere != self.elsewhere and self.line_limit.take():
            self._print(f"waiting for {plural(elsewhere, 'training')} that another runner has")
        super().waiting(elsewhere)

    def stopping(self) -> None:
        super().stopping()
        self._print(STOPPING)

    def show(self, text: str) -> None:
        self._print(typeable(text))

    def close(self) -> None:
        """Print the counts that have not been printed yet."""
        self._print_counts(final=True)

    def _event(self, event: str, line: str, rest: bool = False) -> None:
        """Print a line about an event, with the time left if `rest`; beyond the limit, count it instead."""
        is_fault = event in FAULTS
        is_allowed = self.fault_limit.take() if is_fault else self.counting is None and self.line_limit.take()
        if is_allowed:
            self._print(line + (self._rest() if rest else ""))
        elif self.counting is None:
            self.counting = EventCounts(self.clock())
        if self.counting is not None:
            self.counting.counts[event] += 1
            self.counting.hidden += not is_allowed
            self._print_counts()

    def _print_counts(self, final: bool = False) -> None:
        """If it is time, print the counts, and start new ones or go back to single lines."""
        counting = self.counting
        if counting is None:
            return
        seconds = self.clock() - counting.since
        if seconds < SUM_SECONDS and not final:
            return
        counts = counting.counts
        words = [f"{counts[event]} {event}" for event in ENDS if counts[event]]
        words = words or [f"{counts['started']} started"]
        if counting.hidden:
            self._print(f"{', '.join(words)} in the last {duration(seconds)}{self._rest()}")
        is_slow = counts.total() <= seconds
        self.counting = None if is_slow else EventCounts(self.clock())

    def _rest(self) -> str:
        """Return `, about 3 min 5 s left`; empty if unknown, or less than a second."""
        left = self.left()
        return f", about {duration(left)} left" if left is not None and left >= 1 else ""

    def _print(self, line: str) -> None:
        with contextlib.suppress(OSError):  # the log's disk is full, or `2>&1 | head` has ended: the run continues
            print(f"[{self.over()}/{self.total}] {line}", file=sys.stderr, flush=True)


def _speed(running: LiveTraining) -> str:
    progress, rate = running.progress, running.speed.rate()
    loss = f"loss {progress.loss:.4f}, " if progress and progress.loss is not None else ""
    return f"{loss}{rate:.2f} steps/s" if rate else f"{loss}starting"

"""Plain lines, for whoever reads a run's log: each trial's start and end, or sums of them where they come too fast."""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ablate.cli.live.board import STOPPING, Board
from ablate.cli.live.pace import LiveTraining
from ablate.text import duration
from ablate.trainers.protocol import Progress

PROGRESS_SECONDS = 30.0
"""How often at most a trial's progress is told; less often where more than fifteen run."""

SUM_SECONDS = 5.0
"""What a sum is over."""


@dataclass
class RateLimit:
    """So many at once, and `rate` a second after that."""

    most: float
    rate: float
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        self.have, self.at = self.most, self.clock()

    def take(self) -> bool:
        now = self.clock()
        self.have, self.at = min(self.most, self.have + (now - self.at) * self.rate), now
        if self.have < 1:
            return False
        self.have -= 1
        return True


@dataclass
class EventCounts:
    """What happened since a sum was last told; `hidden` of it had no line of its own."""

    since: float
    counts: Counter[str] = field(default_factory=Counter)
    hidden: int = 0


@dataclass
class PlainBoard(Board):
    """Says a line when a trial starts, ends, and now and then between.

    Past an allowance of lines it says sums instead, until there is again no more than a line a second to say.
    Faults have an allowance of their own.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.allowance = RateLimit(40, 1.0, self.clock)
        self.faults = RateLimit(20, 0.2, self.clock)
        self.crowd: EventCounts | None = None

    def started(self, key: str) -> None:
        super().started(key)
        self._tell("started", f"started  {self.labels[key]}")

    def progressed(self, key: str, progress: Progress) -> None:
        super().progressed(key, progress)
        now, running = self.clock(), self.running.get(key)
        if self.crowd is not None:
            self._sum()
        elif running and now - running.spoken > max(PROGRESS_SECONDS, 2.0 * len(self.running)):
            running.spoken = now
            self._say(f"at {progress.step}/{progress.steps}, {_speed(running)}  {self.labels[key]}")

    def ended(self, key: str, reason: str | None) -> None:
        running = self.running.get(key)
        seconds = self.clock() - running.started if running else 0.0
        super().ended(key, reason)
        if reason is None:
            self._tell("done", f"done     {self.labels[key]} in {seconds:.1f} s", rest=True)
        else:
            self._tell("failed", f"failed   {self.labels[key]}: {reason}")

    def pruned(self, key: str, reason: str) -> None:
        super().pruned(key, reason)
        self._tell("pruned", f"pruned   {self.labels[key]}: {reason}", rest=True)

    def requeued(self, key: str, reason: str) -> None:
        super().requeued(key, reason)
        self._tell("requeued", f"requeued {self.labels[key]}: {reason}")

    def waiting(self, elsewhere: int) -> None:
        if self.crowd is not None:
            self._sum()
        if elsewhere and elsewhere != self.elsewhere and self.allowance.take():
            self._say(f"waiting for {elsewhere} that another runner has")
        super().waiting(elsewhere)

    def stopping(self) -> None:
        super().stopping()
        self._say(STOPPING)

    def show(self, text: str) -> None:
        self._say(text)

    def close(self) -> None:
        """Tells what has not been told yet."""
        if self.crowd is not None:
            self._sum(final=True)

    def _tell(self, what: str, line: str, rest: bool = False) -> None:
        """Says a line about something that happened, or counts it."""
        fault = what in ("failed", "requeued")
        allowed = self.faults.take() if fault else self.crowd is None and self.allowance.take()
        if allowed:
            self._say(line + (self._rest() if rest else ""))
        elif self.crowd is None:
            self.crowd = EventCounts(self.clock())
        if self.crowd is not None:
            self.crowd.counts[what] += 1
            self.crowd.hidden += not allowed
            self._sum()

    def _sum(self, final: bool = False) -> None:
        """Tells the sum if it is time, and begins the next one, or goes back to single lines."""
        assert self.crowd is not None
        crowd, seconds = self.crowd, self.clock() - self.crowd.since
        if seconds < SUM_SECONDS and not final:
            return
        told = [
            f"{crowd.counts[what]} {what}" for what in ("done", "pruned", "failed", "requeued") if crowd.counts[what]
        ]
        told = told or [f"{crowd.counts['started']} started"]
        if crowd.hidden:
            self._say(f"{', '.join(told)} in the last {duration(seconds)}{self._rest()}")
        slow = crowd.counts.total() <= seconds
        self.crowd = None if slow else EventCounts(self.clock())

    def _rest(self) -> str:
        left = self.left()
        return f", about {duration(left)} left" if left is not None and left >= 1 else ""

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a log on a full disk, `2>&1 | head`: the run goes on, unseen
            print(f"[{self.done + self.failed}/{self.total}] {line}", file=sys.stderr, flush=True)


def _speed(running: LiveTraining) -> str:
    progress, rate = running.progress, running.speed.rate()
    loss = f"loss {progress.loss:.4f}, " if progress and progress.loss is not None else ""
    return f"{loss}{rate:.2f} steps/s" if rate else f"{loss}starting"

"""What a run shows while it runs: a live table on a terminal, plain lines elsewhere; all on stderr."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ablate.study.trial import Trial
from ablate.train.interface import Progress

PLAIN_SECONDS = 30.0
"""How often at most a plain run speaks of a trial's progress."""


@dataclass
class _Running:
    started: float
    progress: Progress | None = None
    first: tuple[float, int] | None = None
    spoken: float = 0.0

    def rate(self) -> float | None:
        """Steps a second since the first progress, which leaves loading and compiling out."""
        if self.progress is None or self.first is None or self.progress.step <= self.first[1]:
            return None
        return (self.progress.step - self.first[1]) / max(time.monotonic() - self.first[0], 1e-9)


@dataclass
class Board:
    """The state of a run, as an observer of its dispatch sees it."""

    labels: Mapping[str, str]
    total: int
    done: int
    failed: int = 0
    elsewhere: int = 0
    running: dict[str, _Running] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    abreast: int = 1

    def started(self, key: str) -> None:
        now = time.monotonic()
        self.running[key] = _Running(now, spoken=now)
        self.abreast = max(self.abreast, len(self.running))

    def progressed(self, key: str, progress: Progress) -> None:
        running = self.running[key]
        running.progress = progress
        running.first = running.first or (time.monotonic(), progress.step)

    def ended(self, key: str, reason: str | None) -> None:
        running = self.running.pop(key)
        if reason is None:
            self.done += 1
            self.took.append(time.monotonic() - running.started)
        else:
            self.failed += 1

    def waiting(self, elsewhere: int) -> None:
        self.elsewhere = elsewhere

    def requeued(self, key: str, reason: str) -> None:
        self.running.pop(key, None)

    def stopping(self) -> None:
        pass

    def said(self, text: str) -> None:
        print(text, file=sys.stderr)

    def left(self) -> float | None:
        """Seconds until all is done, from those that are; None before the first is."""
        if not self.took or self.done + self.failed == self.total:
            return None
        each = sum(self.took) / len(self.took)
        now = time.monotonic()
        begun = sum(max(each - (now - running.started), 0.0) for running in self.running.values())
        waiting = self.total - self.done - self.failed - len(self.running)
        return (begun + waiting * each) / self.abreast


class PlainBoard(Board):
    """Says a line when a trial starts, ends, and now and then between."""

    def started(self, key: str) -> None:
        super().started(key)
        self._say(f"started  {self.labels[key]}")

    def progressed(self, key: str, progress: Progress) -> None:
        super().progressed(key, progress)
        running = self.running[key]
        if time.monotonic() - running.spoken > PLAIN_SECONDS:
            running.spoken = time.monotonic()
            self._say(f"at {progress.step}/{progress.steps}, {_speed(running)}  {self.labels[key]}")

    def ended(self, key: str, reason: str | None) -> None:
        seconds = time.monotonic() - self.running[key].started
        super().ended(key, reason)
        left = self.left()
        rest = f", about {_duration(left)} left" if left else ""
        if reason is None:
            self._say(f"done     {self.labels[key]} in {seconds:.1f} s{rest}")
        else:
            self._say(f"failed   {self.labels[key]}: {reason}")

    def waiting(self, elsewhere: int) -> None:
        if elsewhere != self.elsewhere:
            self._say(f"waiting for {elsewhere} that another runner has")
        super().waiting(elsewhere)

    def _say(self, line: str) -> None:
        print(f"[{self.done + self.failed}/{self.total}] {line}", file=sys.stderr, flush=True)


@contextmanager
def watch(trials: Sequence[Trial], states: Mapping[str, str]) -> Iterator[Board]:
    """The board of a run over these trials, shown until the run is over. `states`: how their trainings stand."""
    labels = _labels(trials)
    done = sum(state == "done" for state in states.values())
    failed = sum(state == "failed" for state in states.values())
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainBoard(labels, len(labels), done, failed)
        return
    board = Board(labels, len(labels), done, failed)
    with Live(get_renderable=lambda: render(board), console=console, refresh_per_second=4):
        yield board


def render(board: Board) -> Table:
    """The live table: what runs now, with a summary above it."""
    left = board.left()
    summary = f"{board.done} of {board.total} done" + (f", {board.failed} failed" if board.failed else "")
    summary += f", about {_duration(left)} left" if left else ""
    summary += f", {board.elsewhere} with another runner" if board.elsewhere else ""
    table = Table(title=summary, title_justify="left", box=None, padding=(0, 1), expand=True)
    table.add_column("running", ratio=1, no_wrap=True, overflow="ellipsis")
    for name in ("step", "loss", "steps/s", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    for key, running in list(board.running.items()):
        table.add_row(Text(board.labels[key]), *_cells(running))
    return table


def _cells(running: _Running) -> tuple[str, str, str, str]:
    progress, rate = running.progress, running.rate()
    if progress is None:
        return ("…", "", "", "")
    loss = f"{progress.loss:.4f}" if progress.loss is not None else ""
    left = _duration((progress.steps - progress.step) / rate) if rate else ""
    return (f"{progress.step}/{progress.steps}", loss, f"{rate:.2f}" if rate else "", left)


def _speed(running: _Running) -> str:
    progress, rate = running.progress, running.rate()
    loss = f"loss {progress.loss:.4f}, " if progress and progress.loss is not None else ""
    return f"{loss}{rate:.2f} steps/s" if rate else f"{loss}starting"


def _labels(trials: Sequence[Trial]) -> dict[str, str]:
    """{training key: what it is called}: its first row, how many more share it, and the seed if there are several."""
    several = len({trial.seed for trial in trials}) > 1
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.training_key, []).append(trial)
    return {key: _label(same, several) for key, same in found.items()}


def _label(same: Sequence[Trial], several: bool) -> str:
    names = list(dict.fromkeys(trial.label for trial in same))
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}" + (f", seed {same[0].seed}" if several else "")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"

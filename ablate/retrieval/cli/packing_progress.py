"""What packing a data set shows meanwhile: a bar on a terminal, a line now and then elsewhere; all on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ablate.text import duration

if TYPE_CHECKING:
    from ablate.retrieval.data.packing.packer import PackingObserver

SECONDS = 30.0
"""Between two lines."""


@contextmanager
def watch_packing(name: str) -> Iterator["PackingObserver"]:
    """Whom to tell how the packing of that set goes; nothing is shown before there is something to tell."""
    if not sys.stderr.isatty():
        yield PackingLines(name)
        return
    bar = PackingBar(name)
    try:
        yield bar
    finally:
        bar.progress.stop()


@dataclass
class PackingLines:
    name: str
    before: int | None = None  # how many were done when it began
    started: float = 0.0
    told: float = 0.0

    def notify(self, text: str) -> None:
        with suppress(OSError):  # if stderr is closed, packing continues
            typer.echo(text, err=True)

    def advance(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self.before is None:
            self.before, self.started, self.told = done, now, now
            self.notify(
                f"{self.name}: {_of(done, total)} done before" if done else f"{self.name}: {total:,} photographs"
            )
        elif now - self.told >= SECONDS and done > self.before:
            left = (now - self.started) / (done - self.before) * (total - done)
            self.notify(f"{self.name}: {_of(done, total)}, about {duration(left)} left")
            self.told = now


class PackingBar:
    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.progress = Progress(*columns, console=Console(stderr=True))
        self.task = self.progress.add_task(name, total=None, visible=False)

    def notify(self, text: str) -> None:
        from rich.text import Text

        self.progress.console.print(Text(text))

    def advance(self, done: int, total: int) -> None:
        self.progress.start()
        self.progress.update(self.task, completed=done, total=total, visible=True)


def _of(done: int, total: int) -> str:
    return f"{done:,} of {total:,} photographs"

"""The progress of packing a data set, on stderr: a bar on a terminal, elsewhere a line every 30 seconds."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import typer

from ablate.text import duration

if TYPE_CHECKING:
    from ablate.retrieval.data.packing.packer import PackingObserver

SECONDS = 30.0
"""Seconds between two lines."""


@contextmanager
def watch_packing(name: str) -> Iterator["PackingObserver"]:
    """Give an observer for the packing of a data set. It shows nothing before the packing begins."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield PackingLines(name)
        return
    bar = PackingBar(name)
    try:
        yield bar
    finally:
        bar.progress.stop()


@dataclass
class PackingLines:
    """Progress in lines."""

    name: str
    """Name of the data set."""
    before: int | None = None
    """Photographs that an earlier run had packed; None before the first call of `advance`."""
    started: float = 0.0
    """Time of the first call, in seconds."""
    printed: float = 0.0
    """Time of the last line, in seconds."""

    def notify(self, text: str) -> None:
        """Print a line."""
        with suppress(OSError):  # stderr is closed, and packing continues
            typer.echo(text, err=True)

    def advance(self, done: int, total: int) -> None:
        """Print the number of photographs that are done, and the time left, if the last line is old enough."""
        now = time.monotonic()
        if self.before is None:
            self.before, self.started, self.printed = done, now, now
            self.notify(
                f"{self.name}: {_of(done, total)} done before" if done else f"{self.name}: {total:,} photographs"
            )
        elif now - self.printed >= SECONDS and done > self.before:
            left = (now - self.started) / (done - self.before) * (total - done)
            self.notify(f"{self.name}: {_of(done, total)}, about {duration(left)} left")
            self.printed = now


class PackingBar:
    """Progress as a bar."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
        self.progress = Progress(*columns, console=Console(stderr=True, color_system=colours))
        self.task = self.progress.add_task(name, total=None, visible=False)

    def notify(self, text: str) -> None:
        """Print a line above the bar."""
        from rich.text import Text

        self.progress.console.print(Text(text))

    def advance(self, done: int, total: int) -> None:
        """Show the number of photographs that are done."""
        self.progress.start()
        self.progress.update(self.task, completed=done, total=total, visible=True)


def _of(done: int, total: int) -> str:
    return f"{done:,} of {total:,} photographs"

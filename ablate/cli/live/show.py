"""The observer of the command line: shows a run on stderr as long as it lasts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ablate.cli.hints import typeable
from ablate.cli.live.board import Board
from ablate.cli.live.lines import PlainBoard
from ablate.cli.live.pace import Pace
from ablate.cli.live.table import plain, render
from ablate.cli.messages import say
from ablate.cli.terminal import has_colour
from ablate.run.observer import Observer, RunOutline

SETTLED = ("done", "failed", "diverged")


def stderr_console() -> Console:
    """Return a console of stderr, without colours and other styles if they are not wanted."""
    return Console(stderr=True, color_system="auto" if has_colour(sys.stderr) else None)


@dataclass
class LiveBoard(Board):
    """A board on a terminal. Messages are printed above the table."""

    console: Console = field(default_factory=stderr_console)

    def show(self, text: str) -> None:
        self.console.print(Text(plain(typeable(text))))

    def picture(self) -> Group:
        return render(self, *self.console.size)


class TerminalObserver(Observer):
    """Prints messages to stderr, and shows a board while trainings run."""

    def message(self, text: str) -> None:
        say(text)

    @contextmanager
    def dispatching(self, outline: RunOutline) -> Iterator[Board]:
        """Show the board of these trainings until the last has ended: a table on a terminal, else plain lines."""
        states = outline.states
        done, failed, diverged = (sum(state == settled for state in states.values()) for settled in SETTLED)
        waiting = [key for key, state in states.items() if state not in SETTLED]
        expected = outline.expected_seconds
        pace = Pace({key: expected[key] for key in waiting if key in expected})
        labels = dict(outline.labels)
        console = stderr_console()
        if not (sys.stderr.isatty() and console.is_interactive):  # the latter alone would obey FORCE_COLOR in a log
            lines = PlainBoard(labels, len(labels), done, failed, waiting, pace, divergences=diverged)
            try:
                yield lines
            finally:
                lines.close()
            return
        board = LiveBoard(labels, len(labels), done, failed, waiting, pace, divergences=diverged, console=console)
        with Live(get_renderable=board.picture, console=console, refresh_per_second=4):
            yield board

"""Shows a run on stderr as long as it runs."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ablate.cli.live.board import Board
from ablate.cli.live.lines import PlainBoard
from ablate.cli.live.pace import Pace
from ablate.cli.live.table import plain, render
from ablate.study.trials.identity import Trial

NOTHING: Mapping[str, float] = MappingProxyType({})
SETTLED = ("done", "failed")


@dataclass
class LiveBoard(Board):
    """A board on a terminal: what is said goes above the table."""

    console: Console = field(default_factory=lambda: Console(stderr=True))

    def show(self, text: str) -> None:
        self.console.print(Text(plain(text)))

    def picture(self) -> Group:
        return render(self, *self.console.size)


@contextmanager
def watch(
    trials: Sequence[Trial], states: Mapping[str, str], expected: Mapping[str, float] = NOTHING
) -> Iterator[Board]:
    """The board of a run over these trials, shown until the run is over.

    `states`: how their trainings stand; `expected`: seconds that a training takes, by its key, where they are known.
    """
    labels = _labels(trials)
    done, failed = (sum(state == settled for state in states.values()) for settled in SETTLED)
    waiting = [key for key, state in states.items() if state not in SETTLED]
    pace = Pace({key: expected[key] for key in waiting if key in expected})
    console = Console(stderr=True)
    if not (sys.stderr.isatty() and console.is_interactive):  # the latter alone would heed FORCE_COLOR in a log
        lines = PlainBoard(labels, len(labels), done, failed, waiting, pace)
        try:
            yield lines
        finally:
            lines.close()
        return
    board = LiveBoard(labels, len(labels), done, failed, waiting, pace, console=console)
    with Live(get_renderable=board.picture, console=console, refresh_per_second=4):
        yield board


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

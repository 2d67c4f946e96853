"""The live table on a terminal: a summary, the running trainings, the latest faults; never higher than the terminal."""

from dataclasses import dataclass
from itertools import islice

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ablate.cli.live.board import STOPPING, Board, BoardNote
from ablate.cli.live.pace import LiveTraining
from ablate.text import duration

FAULTS = 3
"""The largest number of faults shown."""

COLUMNS = {"step": (9, 0), "loss": (6, 60), "steps/s": (7, 60), "left": (8, 40)}
"""{column next to the label: (its smallest width, the width of a terminal that has room for it)}."""

STYLES = {"failed": "red", "diverged": "yellow", "requeued": "yellow"}


def render(board: Board, width: int, height: int) -> Group:
    """Return the table, at most height − 1 lines high, as the cursor needs one."""
    room = max(height - 1, 1)
    parts: list[RenderableType] = [_line(_summary(board), "bold")]
    if board.is_stopping:
        parts.append(_line(STOPPING, "yellow"))
    notes = board.notes[max(0, len(board.notes) - min(FAULTS, room // 4)) :]
    free = room - len(parts) - len(notes)
    if board.running and free > 1:
        parts += _running(board, width, free - 1)
    return Group(*parts[:room], *(_note(note, width) for note in notes))


def _summary(board: Board) -> str:
    left = board.left()
    words = [f"{board.done} of {board.total} done"]
    words += [f"{board.failed} failed"] if board.failed else []
    words += [f"{board.divergences} diverged"] if board.divergences else []
    words += [f"{board.elsewhere} running elsewhere"] if board.elsewhere else []
    words += [f"about {duration(left)} left"] if left is not None and left >= 1 else []
    return ", ".join(words)


def _running(board: Board, width: int, rows: int) -> list[RenderableType]:
    """Return the oldest running trainings in at most `rows` lines below the header."""
    table = Table(box=None, padding=(0, 2, 0, 0), expand=True, pad_edge=False, header_style="dim")
    table.add_column("running", ratio=1, no_wrap=True)
    names = [name for name, (_, needs) in COLUMNS.items() if width >= needs]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True, min_width=COLUMNS[name][0])
    running, now = list(board.running.items()), board.clock()
    shown = rows if len(running) <= rows else rows - 1
    for key, training in islice(running, shown):
        cells = dict(zip(COLUMNS, _cells(training, now), strict=True))
        table.add_row(ElidedLabel(board.labels[key]), *(cells[name] for name in names))
    return [table, _line(f"and {len(running) - shown} more", "dim")] if len(running) > shown else [table]


def _cells(running: LiveTraining, now: float) -> tuple[str, str, str, str]:
    """Return the cells of step, loss, steps a second, and time left."""
    progress, rate, left = running.progress, running.speed.rate(), running.left(now)
    if progress is not None and not progress.steps:
        return ("running", "", "", duration(left) if left is not None else "")
    if progress is None or progress.step == 0:
        return ("starting", "", "", "")
    loss = f"{progress.loss:.4f}" if progress.loss is not None else ""
    rest = duration(left) if left is not None else ""
    rest = "testing" if progress.step == progress.steps else rest
    return (f"{progress.step}/{progress.steps}", loss, f"{rate:.2f}" if rate else "", rest)


def _note(note: BoardNote, width: int) -> Text:
    """Return `failed   LABEL: reason` on one line; a long label is shortened so that the reason has room."""
    line = _line("")
    line.append(f"{note.event:<9}", STYLES[note.event])
    return line.append(f"{shortened(plain(note.label), max(width // 3, 10))}: {plain(note.reason)}")


@dataclass(frozen=True)
class ElidedLabel:
    """A label that is shortened to the width of its column."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _line(shortened(plain(self.text), options.max_width))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, cell_len(self.text))


def _line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


def shortened(text: str, width: int) -> str:
    """Return the text, without its middle if it is wider: labels often differ at the end, such as in the seed."""
    if cell_len(text) <= width:
        return text
    tail = max((width - 1) // 2, 0)
    cut = next((at for at in range(len(text)) if cell_len(text[at:]) <= tail), len(text))
    return set_cell_size(text, max(width - 1 - cell_len(text[cut:]), 0)) + "…" + text[cut:]


def plain(text: str) -> str:
    """Return the text as one line, without control characters that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in " ".join(text.split()))

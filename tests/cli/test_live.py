"""The live table: labels are text, and the time left counts the workers."""

import io
import time

from rich.console import Console

from ablate.cli.live import Board, render
from ablate.train.interface import Progress


def drawn(board: Board) -> str:
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(render(board))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_shows_what_runs_with_loss_rate_and_time_left() -> None:
    board = Board({"a": "first [/x] row :smile:", "b": "second"}, total=10, done=3, failed=1)
    board.started("a")
    board.progressed("a", Progress(10, 100, 0.51234))
    board.running["a"].first = (time.monotonic() - 2.0, 0)
    text = drawn(board)
    assert "3 of 10 done, 1 failed" in text
    assert "first [/x] row :smile:" in text
    assert "10/100" in text
    assert "0.5123" in text
    assert "5.0" in text, "ten steps in two seconds"
    assert "18 s" in text, "ninety steps at five a second"
    assert max(map(len, text.splitlines())) <= 80


def test_the_time_left_counts_the_workers() -> None:
    board = Board(dict.fromkeys("abcdef", ""), total=6, done=0)
    for key in "ab":
        board.started(key)
    board.took = [10.0]
    board.running.pop("a")
    board.done = 1
    left = board.left()
    assert left is not None
    assert 24 < left < 26, "one running and four waiting, ten seconds each, on two workers"

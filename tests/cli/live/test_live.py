"""The live table: whatever happens in a run and whatever the labels are, it fits the terminal and tells the truth."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from ablate.cli.live.board import NOTES, STOPPING, Board
from ablate.cli.live.show import LiveBoard
from ablate.cli.live.table import render, shortened
from ablate.trainers.protocol import Progress
from tests.support.clock import Clock
from tests.support.paths import STUDIES


class Labels(dict[str, str]):
    """Counts how often a label is looked up."""

    asked = 0

    def __getitem__(self, key: str) -> str:
        self.asked += 1
        return super().__getitem__(key)


def board(count: int, clock: Clock, label: str = "row {}") -> Board:
    labels = Labels({str(number): label.format(number) for number in range(count)})
    return Board(labels, count, 0, 0, list(labels), clock=clock)


def drawn(of: Board, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(render(of, width, height))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_it_shows_what_runs_with_loss_rate_and_time_left() -> None:
    clock = Clock()
    of = board(10, clock, "first [/x] row :smile: {}")
    for key in "123":
        of.ended(key, None)
    of.ended("4", "no reason")
    of.started("0")
    assert drawn(of)[2].split()[-1] == "starting"
    of.progressed("0", Progress(5, 100, 0.9))
    clock.now += 2
    of.progressed("0", Progress(15, 100, 0.51234))
    summary, head, row, fault = drawn(of)
    assert summary == "3 of 10 done, 1 failed"
    assert head.split() == ["running", "step", "loss", "steps/s", "left"]
    assert row.startswith("first [/x] row :smile: 0 ")
    assert row.split()[-5:] == ["15/100", "0.5123", "5.00", "17", "s"], "85 steps at five a second"
    assert fault == "failed   first [/x] row :smile: 4: no reason"
    of.progressed("0", Progress(100, 100, 0.4))
    assert drawn(of)[2].split()[-1] == "testing"


def test_a_training_that_diverged_has_ended_and_is_counted_apart() -> None:
    clock = Clock()
    of = board(4, clock)
    for key in "012":
        of.started(key)
        clock.now += 60.0
        of.diverged(key, "loss is nan") if key == "1" else of.ended(key, None)
    assert drawn(of) == ["2 of 4 done, 1 diverged, about 1 min 0 s left", "diverged row 1: loss is nan"]
    of.counted(2, 0, 4, 2)
    assert drawn(of)[0] == "2 of 4 done, 2 diverged"


LONG = "se_resnet50, random_erasing=on, label_smoothing=on, warmup=on, margin=0.2, schedule=full, seed {}"
WIDE = "大きい写真の実験、つよい正則化、長い訓練、温まり{}"


@pytest.mark.parametrize("label", ["row {}", LONG, WIDE], ids=["short", "long", "wide"])
@pytest.mark.parametrize("width", [20, 80, 200])
@pytest.mark.parametrize("height", [1, 3, 10, 60])
@pytest.mark.parametrize("stops", [False, True])
def test_it_fits_the_terminal(label: str, width: int, height: int, stops: bool) -> None:
    of = board(1000, Clock(), label)
    for number in range(40):
        of.started(str(number))
        of.progressed(str(number), Progress(12345, 25000, 1.2345))
    for number in range(4):
        of.ended(str(number), "RuntimeError: it did not work\nand this is why " * 5)
        of.requeued(str(number + 4), "its worker was killed")
    of.waiting(12)
    if stops:
        of.stopping()
    lines = drawn(of, width, height)
    assert lines[0].startswith("0 of 1000 done")
    assert len(lines) <= max(height - 1, 1)
    assert max(cell_len(line) for line in lines) <= width
    running = [line for line in lines if "12345/25000" in line]
    if height >= 5:
        assert len(running) == 32 or len(lines) == height - 1, "no line is wasted as long as some do not fit"
    if 0 < len(running) < 32:
        assert f"and {32 - len(running)} more" in lines


def test_what_tells_two_rows_apart_is_seen() -> None:
    of = board(3, Clock(), LONG)
    of.started("0")
    of.started("1")
    of.ended("0", "MemoryError: none is left")
    _, _, row, fault = drawn(of)
    assert row.startswith("se_resnet50, ")
    assert "seed 1" in row
    assert "seed 0: MemoryError: none is left" in fault


@pytest.mark.parametrize("text", [LONG, WIDE, "short"], ids=["long", "wide", "short"])
def test_a_text_is_shortened_in_its_middle(text: str) -> None:
    for width in range(1, 60):
        found = shortened(text, width)
        assert cell_len(found) <= width
        assert found == text or cell_len(found) >= width - 1, "no more than a wide letter does not fit"
        head, _, tail = found.partition("…")
        assert text.startswith(head.rstrip())
        assert text.endswith(tail)


def test_nothing_that_a_terminal_would_obey_gets_there() -> None:
    of = board(2, Clock(), "row\x1b[2J\x07 {}")
    of.started("0")
    of.started("1")
    of.ended("1", "it \x1b]0;title\x07\r\n\u202efailed")
    text = "\n".join(drawn(of))
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert "row\N{REPLACEMENT CHARACTER}[2J" in text


def test_a_picture_costs_what_it_shows_however_many_have_ended() -> None:
    clock = Clock()
    of = board(20_000, clock)
    for number in range(10_000):
        of.started(str(number))
        if number >= 8:
            clock.now += 0.01
            of.ended(str(number - 8), None if number % 10 else "it failed")
    assert len(of.running) == 8
    assert len(of.notes) == NOTES
    assert len(of.freed_at) <= 8
    assert isinstance(of.labels, Labels)
    of.labels.asked = 0
    drawn(of)
    assert of.labels.asked == 8


def test_a_trial_that_goes_back_to_the_queue_is_neither_done_nor_failed() -> None:
    of = board(3, Clock())
    of.started("0")
    of.requeued("0", "its worker was killed by SIGKILL")
    assert drawn(of) == ["0 of 3 done", "requeued row 0: its worker was killed by SIGKILL"]
    of.progressed("0", Progress(1, 2))  # said before it was killed, and heard after
    assert not of.running
    of.started("0")
    of.ended("0", None)
    assert drawn(of)[0] == "1 of 3 done"


def test_a_run_that_stops_says_so() -> None:
    of = board(3, Clock())
    of.started("0")
    of.stopping()
    of.requeued("0", "stopped at step 4")
    assert drawn(of) == ["0 of 3 done", STOPPING], "what was asked for is no fault"


def test_what_other_runners_do_counts() -> None:
    of = board(11, Clock())
    of.started("0")
    of.waiting(2)
    of.counted(6, 1, of.total)
    assert drawn(of)[0] == "6 of 11 done, 1 failed, 2 running elsewhere"
    of.ended("0", None)
    assert drawn(of) == ["7 of 11 done, 1 failed, 2 running elsewhere"]
    of.started("1")
    assert drawn(of)[0].endswith("2 running elsewhere"), "there was one that nobody had"
    of.ended("1", None)
    of.started("2")  # whoever had it has lost it
    assert drawn(of)[0] == "8 of 11 done, 1 failed, 1 running elsewhere"


def test_a_warning_goes_above_the_table_and_is_not_repeated_at_once() -> None:
    clock, console = Clock(), Console(file=io.StringIO(), width=80, force_terminal=False)
    of = LiveBoard({}, 0, 0, clock=clock, console=console)
    assert isinstance(console.file, io.StringIO)
    for _ in range(100):
        of.message("the store is locked; trying [again]")
        clock.now += 0.1
    of.message("it is there\x1b again")
    of.message("the store is locked; trying [again]")
    clock.now += 60
    of.message("the store is locked; trying [again]")
    assert console.file.getvalue().splitlines() == [
        "the store is locked; trying [again]",
        "it is there\N{REPLACEMENT CHARACTER} again",
        "the store is locked; trying [again]",
        "the store is locked; trying [again]",
    ]


def output(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(descriptor, 4096)
        except OSError:  # the other side is closed
            return
        if not piece:
            return
        yield piece


@pytest.mark.slow
@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_shows_a_table_on_a_terminal_alone(tmp_path: Path, terminal: bool) -> None:
    """Whatever the environment says of colours: a log has none."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    command = [sys.executable, "-m", "ablate", "run", str(STUDIES / "simulated.yaml"), "--workers", "1"]
    environment = {**os.environ, "TERM": "xterm", "FORCE_COLOR": "1"}
    running = subprocess.Popen([*command, "--set", "config.seconds=0.1"], cwd=tmp_path, stderr=theirs, env=environment)
    os.close(theirs)
    text = b"".join(output(ours)).decode()
    os.close(ours)
    assert running.wait() == 0
    assert ("\x1b[" in text) == terminal
    assert ("steps/s" in text) == terminal
    assert ("[12/12] done     " in text) == (not terminal)
    assert "12 of 12 trainings run" in text

"""Plain lines: a line an event where there are few, sums where there are many, and nothing is lost in them."""

import re

import pytest

from ablate.cli.live.board import STOPPING
from ablate.cli.live.lines import PlainBoard
from ablate.trainers.protocol import Progress
from tests.support.clock import Clock


def board(count: int, clock: Clock) -> PlainBoard:
    labels = {str(number): f"row {number}" for number in range(count)}
    return PlainBoard(labels, count, 0, 0, list(labels), clock=clock)


def run(of: PlainBoard, clock: Clock, keys: range, seconds: float, fails: int = 0) -> None:
    """One trial after another; each `fails`-th fails."""
    for number in keys:
        of.started(str(number))
        clock.now += seconds
        of.ended(str(number), "it broke" if fails and number % fails == 0 else None)


def counted(lines: list[str], what: str) -> int:
    """How many of something the lines tell of, one by one or in sums."""
    alone = sum(line.partition("] ")[2].startswith(f"{what} ") for line in lines)
    return alone + sum(int(found) for found in re.findall(rf"(\d+) {what}\b", " ".join(lines)))


def test_a_small_run_has_a_line_for_every_start_and_end(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    of = board(4, clock)
    run(of, clock, range(2), 60.0)
    of.started("2")
    of.progressed("2", Progress(1, 10, 0.5))
    for step in range(2, 5):
        clock.now += 20.0
        of.progressed("2", Progress(step, 10, 0.25))
    of.ended("2", "RuntimeError: it broke")
    of.started("3")
    of.diverged("3", "loss is nan\nlog: results/runs/x/attempt-1.log")
    of.waiting(1)
    of.waiting(1)
    of.close()
    assert capsys.readouterr().err.splitlines() == [
        "[0/4] started  row 0",
        "[1/4] done     row 0 in 60.0 s, about 3 min 0 s left",
        "[1/4] started  row 1",
        "[2/4] done     row 1 in 60.0 s, about 2 min 0 s left",
        "[2/4] started  row 2",
        "[2/4] at 3/10, loss 0.2500, 0.05 steps/s  row 2",
        "[3/4] failed   row 2: RuntimeError: it broke",
        "[3/4] started  row 3",
        "[4/4] diverged row 3: loss is nan; log: results/runs/x/attempt-1.log",
        "[4/4] waiting for 1 training that another runner has",
    ]


@pytest.mark.parametrize("seconds", [0.0, 0.002, 0.1, 0.4])
def test_a_fast_run_of_many_says_about_a_line_a_second_and_loses_none(
    capsys: pytest.CaptureFixture[str], seconds: float
) -> None:
    clock = Clock()
    of = board(10_000, clock)
    began = clock.now
    run(of, clock, range(10_000), seconds)
    of.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) <= 42 + (clock.now - began)
    assert lines[:2] == ["[0/10000] started  row 0", f"[1/10000] done     row 0 in {seconds:.1f} s"]
    sums = [line for line in lines if "in the last" in line]
    assert sums
    assert lines[-1].startswith("[10000/10000] ")
    assert counted(lines, "done") == 10_000
    assert len([line for line in sums if "left" in line]) == len([line for line in sums if "[10000/" not in line])


def test_faults_have_their_own_lines_until_there_are_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    of = board(10_000, clock)
    run(of, clock, range(500), 0.01, fails=50)
    of.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "row 450" in line] == ["[451/10000] failed   row 450: it broke"]
    assert sum("it broke" in line for line in lines) == 10
    run(of, clock, range(500, 10_000), 0.01, fails=1)
    of.close()
    lines = capsys.readouterr().err.splitlines()
    assert 10 <= sum("it broke" in line for line in lines) <= 40
    assert sum(int(found) for found in re.findall(r"(\d+) failed in the last", " ".join(lines))) == 9500


def test_single_lines_come_back_when_there_is_time_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    of = board(1000, clock)
    run(of, clock, range(200), 0.1)
    run(of, clock, range(200, 210), 20.0)
    of.close()
    lines = capsys.readouterr().err.splitlines()
    assert "[199/1000] started  row 199" not in lines
    assert next(line for line in lines if "row 209" in line) == "[209/1000] started  row 209"
    assert counted(lines, "done") == 210


def test_a_sum_is_told_while_the_next_trial_is_long(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    of = board(1000, clock)
    run(of, clock, range(100), 0.0)
    of.started("100")
    capsys.readouterr()
    clock.now += 10
    of.progressed("100", Progress(1, 10))
    assert re.match(r"\[100/1000\] \d+ done in the last 10 s", capsys.readouterr().err)


def test_many_that_run_long_do_not_flood_it(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    of = board(60, clock)
    for number in range(60):
        of.started(str(number))
    of.close()
    capsys.readouterr()
    for _ in range(3600):
        clock.now += 1.0
        for number in range(60):
            of.progressed(str(number), Progress(int(clock.now), 10**6))
    assert 60 * 20 <= len(capsys.readouterr().err.splitlines()) <= 3600


def test_a_requeued_trial_a_stop_and_a_warning_have_lines(capsys: pytest.CaptureFixture[str]) -> None:
    of = board(2, Clock())
    of.started("0")
    of.requeued("0", "its worker was killed by SIGKILL")
    of.started("0")
    of.message("the store is locked; trying again")
    of.message("the store is locked; trying again")
    of.stopping()
    of.requeued("0", "stopped at step 40")
    assert capsys.readouterr().err.splitlines() == [
        "[0/2] started  row 0",
        "[0/2] requeued row 0: its worker was killed by SIGKILL",
        "[0/2] started  row 0",
        "[0/2] the store is locked; trying again",
        f"[0/2] {STOPPING}",
        "[0/2] requeued row 0: stopped at step 40",
    ]

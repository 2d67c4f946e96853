"""The time left: held against what then happened, in queues on a clock that the test moves."""

import heapq
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

from ablate.cli.live.board import Board
from ablate.cli.live.pace import Pace, StepMark, StepSpeed, remaining
from ablate.text import duration
from ablate.trainers.protocol import Progress
from tests.support.clock import Clock


class Guess(NamedTuple):
    """What was said at some time, what was true, and the share of all time that had passed."""

    left: float | None
    true: float
    passed: float


class Queue:
    """Trials of given lengths on some workers, with a board that watches them.

    Of a trial in `resumed`, that share was done before, and takes no time. `starts`: seconds until a worker's first
    trial begins; `between`: until each does. `silent` trials tell no progress.
    """

    def __init__(
        self,
        lengths: Sequence[float],
        workers: int,
        resumed: Mapping[int, float] | None = None,
        starts: float = 0.0,
        between: float = 0.0,
        silent: bool = False,
        expected: Mapping[str, float] | None = None,
    ) -> None:
        keys = [str(number) for number in range(len(lengths))]
        self.clock = Clock()
        self.board = Board(dict.fromkeys(keys, ""), len(keys), 0, 0, keys, Pace(expected or {}), clock=self.clock)
        self.lengths, self.workers, self.resumed = lengths, workers, resumed or {}
        self.starts, self.between, self.silent = starts, between, silent

    def guesses(self) -> list[Guess]:
        """What the board said at every start, end and tenth of a trial."""
        began, waiting, heard = self.clock.now, iter(enumerate(self.lengths)), []
        events: list[tuple[float, int, int]] = []  # (when, which trial, which tenth)
        for _ in range(self.workers):
            self._start(next(waiting, None), self.starts, events)
        while events:
            self.clock.now, number, tenth = heapq.heappop(events)
            if tenth == 10:
                self.board.ended(str(number), None)
                self.clock.now += self.between
                self._start(next(waiting, None), 0.0, events)
            elif not self.silent:
                self.board.progressed(str(number), Progress(tenth * 100, 1000, begun=self._begun(number) * 100))
            heard.append((self.clock.now, self.board.left()))
        whole = self.clock.now - began
        return [Guess(left, self.clock.now - at, (at - began) / whole if whole else 1.0) for at, left in heard]

    def _begun(self, number: int) -> int:
        return round(self.resumed.get(number, 0.0) * 10)

    def _start(self, trial: tuple[int, float] | None, late: float, events: list[tuple[float, int, int]]) -> None:
        if trial is None:
            return
        number, length = trial
        self.board.started(str(number))
        begun = self._begun(number)
        for tenth in range(begun + 1, 11):
            heapq.heappush(events, (self.clock.now + late + length * (tenth - begun) / 10, number, tenth))


def check(guesses: Sequence[Guess], within: float, after: float, until: float = 0.95) -> None:
    """What was said between two shares of all time is within a share of what was then true."""
    looked = [guess for guess in guesses if after <= guess.passed <= until]
    assert len(looked) > 5
    for guess in looked:
        assert guess.left is not None
        assert guess.left == pytest.approx(guess.true, rel=within), guess


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("silent", [False, True])
def test_equal_trials_are_told_closely_once_one_has_ended(workers: int, silent: bool) -> None:
    queue = Queue([100.0] * 48, workers, silent=silent)
    check(queue.guesses(), within=0.05, after=1.01 / (48 / workers), until=0.999)


def test_trials_of_different_lengths_are_told_by_their_mean() -> None:
    lengths = [random.Random(0).choice([10.0, 10.0, 200.0]) for _ in range(300)]
    check(Queue(lengths, 4).guesses(), within=0.5, after=0.1, until=0.9)


def test_recent_trials_say_more_than_early_ones() -> None:
    guesses = Queue([10.0] * 200 + [100.0] * 200, 4).guesses()
    check(guesses, within=0.25, after=0.25)


def test_a_trial_that_went_on_from_its_checkpoint_is_no_short_one() -> None:
    told = Queue([100.0] * 48, 4, resumed=dict.fromkeys(range(8), 0.8)).guesses()
    check(told, within=0.15, after=0.05)


@pytest.mark.slow
def test_a_worker_that_starts_slowly_does_not_make_the_queue_long() -> None:
    guesses = Queue([0.005] * 5000, 2, starts=5.0, silent=True).guesses()
    said = [guess for guess in guesses if guess.left is not None]
    assert said
    assert max(guess.left or 0.0 for guess in said) < 30
    check(said, within=0.1, after=0.5)


def test_what_passes_between_two_trials_counts_too() -> None:
    guesses = Queue([0.004] * 2000, 1, between=0.016, silent=True).guesses()
    check(guesses, within=0.05, after=0.02)


def test_waiting_for_others_is_no_time_of_a_trials_own() -> None:
    queue = Queue([10.0] * 4, 1)
    for key in "01":
        queue.board.started(key)
        queue.clock.now += 40
        queue.board.ended(key, None)
    queue.board.waiting(1)
    queue.clock.now += 3600
    queue.board.waiting(0)
    queue.board.started("2")
    queue.clock.now += 40
    queue.board.ended("2", None)
    assert queue.board.left() == pytest.approx(40)


def test_nothing_is_said_before_something_is_known() -> None:
    queue = Queue([1000.0] * 6, 2)
    of, clock = queue.board, queue.clock
    assert of.left() is None
    of.started("0")
    of.started("1")
    assert of.left() is None
    of.progressed("0", Progress(1, 1000))
    clock.now += 1
    of.progressed("0", Progress(2, 1000))
    assert of.left() is None, "a second says nothing"
    clock.now += 9
    of.progressed("0", Progress(11, 1000))
    assert of.left() == pytest.approx(3000, rel=0.02), "its speed does, before any has ended"


def test_nothing_is_said_when_nothing_will_be_done_here() -> None:
    queue = Queue([10.0] * 3, 1)
    of = queue.board
    of.started("0")
    queue.clock.now += 50
    of.ended("0", None)
    assert of.left() == pytest.approx(100)
    of.waiting(2)
    assert of.left() is None, "what other runners have is theirs to tell"
    of.waiting(0)
    of.stopping()
    assert of.left() is None


def test_other_runners_shorten_it() -> None:
    queue = Queue([10.0] * 13, 1)
    of = queue.board
    of.started("0")
    queue.clock.now += 50
    of.ended("0", None)
    alone = of.left()
    of.waiting(2)
    of.counted(4, 0, of.total)
    assert (alone, of.left()) == (pytest.approx(600), pytest.approx(7 * 50 / 3))


SHORT_THEN_LONG = [10.0] * 100 + [300.0] * 20


def test_expected_times_are_believed_before_anything_ended() -> None:
    expected = {str(number): length for number, length in enumerate(SHORT_THEN_LONG)}
    guesses = Queue(SHORT_THEN_LONG, 4, expected=expected).guesses()
    assert guesses[0].left is not None
    check(guesses, within=0.1, after=0.0)


def test_expected_times_of_another_machine_are_scaled() -> None:
    expected = {str(number): length / 3 for number, length in enumerate(SHORT_THEN_LONG)}
    check(Queue(SHORT_THEN_LONG, 4, expected=expected).guesses(), within=0.15, after=0.05)


def test_what_nothing_is_expected_of_is_taken_for_an_average_trial() -> None:
    lengths = [random.Random(1).choice([20.0, 60.0]) for _ in range(100)]
    expected = {str(number): length for number, length in enumerate(lengths) if number % 2}
    check(Queue(lengths, 4, expected=expected).guesses(), within=0.2, after=0.0, until=0.9)


def test_it_is_never_below_zero_whatever_happens() -> None:
    for seed in range(100):
        rng = random.Random(seed)
        keys = [str(number) for number in range(20)]
        clock, expected = Clock(), {key: rng.choice([0.0, 1e-9, 5.0, 1e9]) for key in keys if rng.random() < 0.3}
        of = Board(dict.fromkeys(keys, ""), 20, 0, 0, keys, Pace(expected), clock=clock)
        for _ in range(300):
            key = rng.choice(keys)
            clock.now += rng.choice([0.0, 0.001, 1.0, 1000.0])
            what = rng.choice(["start", "progress", "end", "fail", "requeue", "wait", "count"])
            if what == "start" and key not in of.running:
                of.started(key)
            elif what == "progress":
                of.progressed(key, Progress(rng.randrange(11), 10, begun=rng.randrange(11)))
            elif what == "end":
                of.ended(key, None)
            elif what == "fail":
                of.ended(key, "it broke")
            elif what == "requeue":
                of.requeued(key, "its worker died")
            elif what == "wait":
                of.waiting(rng.randrange(4))
            elif what == "count":
                of.counted(rng.randrange(20), rng.randrange(20), of.total)
            left = of.left()
            assert left is None or left >= 0


def test_a_speed_is_that_of_late() -> None:
    """Compiling, and what slowed a trial down an hour ago, are forgotten; signs without a step change nothing."""
    speed = StepSpeed()
    assert speed.rate() is None
    speed.reached(StepMark(60.0, 1))
    assert speed.rate() is None, "the first step is a start"
    for step in range(2, 12):
        speed.reached(StepMark(60.0 + 10 * step, step))
    assert speed.rate() == pytest.approx(0.1)
    for step in range(12, 800):
        speed.reached(StepMark(170.0 + step / 10, step))
    assert speed.rate() == pytest.approx(10)
    speed.reached(StepMark(1000.0, 799))
    assert speed.rate() == pytest.approx(10)


@pytest.mark.parametrize(
    ("running", "waiting", "workers", "expected"),
    [
        ([], 0, 4, 0.0),
        ([5.0, 50.0], 0, 2, 50.0),  # the longest
        ([50.0, 50.0], 4, 2, 250.0),  # all of it, shared
        ([5.0, 50.0], 1, 2, 105.0),  # one more on the worker that is free first
        ([50.0], 1, 4, 100.0),  # on a worker that is free already
        ([], 8, 0, 800.0),
    ],
)
def test_what_remains_is_shared_by_the_workers(
    running: list[float], waiting: int, workers: int, expected: float
) -> None:
    assert remaining(running, waiting, 100.0, workers) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (1000, "17 min"),
        (3599, "1 h 0 min"),
        (20_400, "5 h 40 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words

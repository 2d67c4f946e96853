"""The machine's clock is set back by an hour in the middle: nothing is lost, repeated, or shown as of another time."""

import itertools
import time
from types import SimpleNamespace

import pytest

from ablate.store.queue import claims
from tests.conftest import Ablate
from tests.support.command_line import query
from tests.support.paths import SIMULATED

HOUR = 3600.0


@pytest.mark.slow
def test_a_clock_that_is_set_back_during_a_run(ablate: Ablate, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    attempts = itertools.count()

    def jumping() -> float:
        """The queue asks when an attempt begins and when it ends: the jump is in the middle of the third."""
        return real() - (HOUR if next(attempts) > 4 else 0)

    monkeypatch.setattr(claims, "time", SimpleNamespace(time=jumping))
    assert ablate("run", SIMULATED, "--executor", "inline", "--set", "config.seconds=0.01").code == 0
    assert query("SELECT state, count(*) FROM results GROUP BY state") == [("done", 12)]
    assert query("SELECT count(*) FROM ablate_attempts") == [(12,)]
    assert query("SELECT count(*) FROM ablate_attempts WHERE ended < started") == [(1,)], "the clock was set back"
    assert query("SELECT min(seconds) >= 0 FROM results") == [(1,)], "durations are by a steady clock"
    assert "nothing to run" in ablate("run", SIMULATED, "--executor", "inline").err


@pytest.mark.slow
def test_the_study_that_was_run_last_is_so_by_any_clock(ablate: Ablate, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    ablate("run", SIMULATED, "--executor", "inline", "--only", "plain", "--set", "study=first")
    monkeypatch.setattr(time, "time", lambda: real() - HOUR)
    ablate("run", SIMULATED, "--executor", "inline", "--only", "plain", "--set", "study=second")
    assert ablate("report").out.startswith("second (")

"""Results of trials that were trained more than once, compared with those before."""

from dataclasses import replace
from math import nan

import pytest

from ablate.measurement import COST, TEST, Measurement, Result
from ablate.store import Store, plans
from ablate.store.queue import claims, maintenance
from ablate.store.results import read_repeats
from ablate.study.trials.identity import Trial
from ablate.study.wiring.repeats import Repeat
from tests.conftest import on_both_engines
from tests.support.store.queued_trial import trial

pytestmark = on_both_engines
NAMES = {"acc", "loss"}


@pytest.fixture
def queued(store: Store) -> Trial:
    made = trial()
    with store.write() as connection:
        plans.save_trials(connection, [made])
    return made


def finish(store: Store, queued: Trial, loss: float, **environment: str) -> None:
    """Train a trial, after a reset of its earlier result."""
    measured = [Measurement("acc", TEST, 0.9), Measurement("loss", TEST, loss), Measurement("seconds", COST, 1 + loss)]
    with store.write() as connection:
        maintenance.reset(connection, [queued.training_key])
        held = claims.claim(connection, queued.training_key)
        assert held is not None
        assert claims.record(connection, held, {queued.key: Result(measured, environment)}, 1.0)


def repeats(store: Store, queued: Trial) -> dict[str, Repeat]:
    with store.read() as connection:
        return read_repeats(connection, {queued.key}, NAMES)


def test_one_result_and_equal_results_are_no_difference(store: Store, queued: Trial) -> None:
    assert repeats(store, queued) == {}
    for _ in range(2):
        finish(store, queued, 0.25)
        assert repeats(store, queued) == {}


def test_the_values_then_and_now_and_the_circumstances_that_changed(store: Store, queued: Trial) -> None:
    finish(store, queued, 0.25, torch="2.1", device="cpu")
    finish(store, queued, 0.26, torch="2.2", device="cpu")
    assert repeats(store, queued) == {queued.key: Repeat({"loss": (0.25, 0.26)}, ("torch",))}
    finish(store, queued, 0.26, torch="2.2", device="cpu")
    assert repeats(store, queued) == {queued.key: Repeat({"loss": (0.25, 0.26)}, ("torch",))}


def test_a_value_that_is_no_number_differs_from_one_that_is(store: Store, queued: Trial) -> None:
    finish(store, queued, nan)
    finish(store, queued, nan)
    assert repeats(store, queued) == {}
    finish(store, queued, 0.25)
    assert [one.values["loss"][1] for one in repeats(store, queued).values()] == [0.25]


def test_a_result_that_was_reset_is_compared_with_the_next_one_only(store: Store, queued: Trial) -> None:
    finish(store, queued, 0.25)
    finish(store, queued, 0.26)
    with store.write() as connection:
        maintenance.reset(connection, [queued.training_key])
    assert repeats(store, queued) == {}
    other = replace(queued, key="of no result")
    assert repeats(store, other) == {}

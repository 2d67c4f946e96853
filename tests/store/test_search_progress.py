"""What trainings showed on their way, kept and read back."""

import math

import pytest

from ablate.measurement import Interim, Measurement
from ablate.store import Store, plans
from ablate.store.search_progress import read_interims, save_interim
from tests.conftest import on_both_engines
from tests.support.store.queued_trial import TRAINING, trial

pytestmark = on_both_engines


@pytest.fixture(autouse=True)
def saved(store: Store) -> None:
    with store.write() as connection:
        plans.save_trials(connection, [trial()])


def shown(fraction: float, **values: float) -> Interim:
    return Interim(fraction, [Measurement(name, "validation", value, 8) for name, value in values.items()])


def test_they_are_read_back_by_their_part(store: Store) -> None:
    with store.write() as connection:
        for one in (shown(0.2, top1=0.375, loss=-6.5), shown(0.1, top1=0.125, loss=math.nan)):
            save_interim(connection, TRAINING.key, one)
    with store.read() as connection:
        found = read_interims(connection, {TRAINING.key, "another"})
        assert read_interims(connection, set()) == {}
    assert list(found[TRAINING.key]) == [0.1, 0.2]
    assert found[TRAINING.key][0.2] == {"top1": 0.375, "loss": -6.5}
    assert found[TRAINING.key][0.1]["top1"] == 0.125
    assert math.isnan(found[TRAINING.key][0.1]["loss"])


def test_a_part_that_is_shown_again_takes_the_place_of_what_it_showed_before(store: Store) -> None:
    with store.write() as connection:
        save_interim(connection, TRAINING.key, shown(0.1, top1=0.125, top20=0.5))
        save_interim(connection, TRAINING.key, shown(0.2, top1=0.25))
    with store.write() as connection:
        save_interim(connection, TRAINING.key, shown(0.1, top1=0.5))
    with store.read() as connection:
        found = read_interims(connection, {TRAINING.key})
    assert found == {TRAINING.key: {0.1: {"top1": 0.5}, 0.2: {"top1": 0.25}}}

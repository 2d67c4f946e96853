"""What trainings showed on their way, kept and read back."""

import pytest

from ablate.store import Store, plans
from ablate.store.search_progress import read_interims, save_interim
from ablate.trainers.protocol import Interim
from tests.conftest import on_both_engines
from tests.support.store.queued_trial import TRAINING, trial

pytestmark = on_both_engines


@pytest.fixture(autouse=True)
def saved(store: Store) -> None:
    with store.write() as connection:
        plans.save_trials(connection, [trial()])


def test_they_are_read_back_as_rates(store: Store) -> None:
    with store.write() as connection:
        for shown in (Interim(2, {1: 3, 5: 6, 10: 8}, 8), Interim(1, {1: 1, 5: 2, 10: 4}, 8)):
            save_interim(connection, TRAINING.key, shown)
    with store.read() as connection:
        found = read_interims(connection, {TRAINING.key, "another"})
        assert read_interims(connection, set()) == {}
    assert found == {TRAINING.key: {1: {1: 0.125, 5: 0.25, 10: 0.5}, 2: {1: 0.375, 5: 0.75, 10: 1.0}}}
    assert list(found[TRAINING.key]) == [1, 2]


def test_a_part_that_is_shown_again_takes_the_place_of_what_it_showed_before(store: Store) -> None:
    with store.write() as connection:
        save_interim(connection, TRAINING.key, Interim(1, {1: 1, 20: 4}, 8))
        save_interim(connection, TRAINING.key, Interim(2, {1: 2}, 8))
    with store.write() as connection:
        save_interim(connection, TRAINING.key, Interim(1, {1: 5}, 10))
    with store.read() as connection:
        assert read_interims(connection, {TRAINING.key}) == {TRAINING.key: {1: {1: 0.5}, 2: {1: 0.25}}}

"""Rows that are queued again and checkpoints that are needed, on both engines."""

import time

import pytest
from sqlalchemy import insert, update

from ablate.run.maintenance import reset
from ablate.run.preparation import prepare
from ablate.store import Store, plans
from ablate.store.queue import claims, maintenance
from ablate.store.schema import candidates, searches
from ablate.store.trial_records import read_records
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import Trial, trials
from tests.conftest import on_both_engines
from tests.support.paths import STUDIES
from tests.support.store.plans_in_store import changed, finish
from tests.support.store.results import top_k_result

pytestmark = on_both_engines


@pytest.fixture
def wanted() -> list[Trial]:
    return trials(read_study(STUDIES / "simulated.yaml"))


def test_a_reset_of_what_was_accepted_queues_what_is_wanted_in_its_place(store: Store, wanted: list[Trial]) -> None:
    study = read_study(STUDIES / "simulated.yaml")
    prepare(store, study, wanted, wanted)
    finish(store, wanted)
    new = [changed(trial) for trial in wanted]
    prepare(store, study, new, new, accept_stale=True)
    done = reset(store, "simulated", "base", {"plain": {0: wanted[0].key, 1: wanted[1].key}})
    assert ([each.seed for each in done.queued], done.others, done.running, done.results) == ([0, 1], (), {}, 0)
    with store.read() as connection:
        records = read_records(connection, new)
        row = plans.read_plan(connection, "simulated", "base").rows[0]
        states = plans.training_states(connection, {wanted[0].training_key, new[0].training_key})
        assert plans.finished(connection, {wanted[0].key}), "where the old state comes back, its result counts"
        assert connection.exec_driver_sql("SELECT count(*) FROM ablate_results").scalar() == 12
    assert len(records.accepted) == 10
    assert (row.stale, set(row.changes)) == ({0, 1}, {2})
    assert states == {wanted[0].training_key: "done", new[0].training_key: "queued"}


def test_what_runs_is_held_until_its_runner_is_dead(store: Store, wanted: list[Trial]) -> None:
    prepare(store, read_study(STUDIES / "simulated.yaml"), wanted, wanted)
    key = wanted[0].training_key
    with store.write() as connection:
        held = claims.claim(connection, key)
    with store.read() as connection:
        assert list(maintenance.runners(connection, {key, wanted[1].training_key})) == [key]
    done = reset(store, "simulated", "base", {"plain": {0: wanted[0].key, 1: wanted[1].key}})
    assert [each.seed for each in done.queued] == [1]
    assert [each.seed for each in done.running] == [0]
    assert held is not None
    with store.write() as connection:
        result = top_k_result({1: 1, 5: 2, 10: 3}, 10)
        assert claims.record(connection, held, {wanted[0].key: result}, 1.0), "its lease is untouched"


def test_checkpoints_are_needed_while_a_plan_waits_for_the_result(store: Store, wanted: list[Trial]) -> None:
    study = read_study(STUDIES / "simulated.yaml")
    prepare(store, study, wanted, wanted)
    finish(store, wanted[:3])
    keys = {trial.training_key for trial in wanted}
    with store.read() as connection:
        needed = maintenance.needed(connection, keys | {"0" * 20})
    assert needed == {trial.training_key: trial not in wanted[:3] for trial in wanted}
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM ablate_cells")
        assert not any(maintenance.needed(connection, keys).values())
        assert claims.claim(connection, wanted[5].training_key) is not None
        assert [key for key, is_needed in maintenance.needed(connection, keys).items() if is_needed] == [
            wanted[5].training_key
        ]


def search(store: Store, number: int, of: list[Trial]) -> None:
    """A search of the study that waits for some trials."""
    named = {"study": "simulated", "profile": "base", "number": number}
    with store.write() as connection:
        plans.save_trials(connection, of, revive=False)
        made = connection.execute(
            insert(searches).values(declared={}, context="", began=time.time(), seconds=0.0, **named)
        )
        (search_id,) = made.inserted_primary_key or (0,)
        shared = {"search_id": search_id, "known": False, "point": {}, "notes": {}, "state": "running"}
        connection.execute(
            insert(candidates), [shared | {"number": n, "trial_key": trial.key} for n, trial in enumerate(of)]
        )


def test_checkpoints_are_needed_while_a_search_waits_for_the_result_and_not_once_it_has_pruned_it(
    store: Store, wanted: list[Trial]
) -> None:
    waiting, ended, finished, *_ = of_search = wanted[:3]
    search(store, 1, of_search)
    finish(store, [finished])
    with store.write() as connection:
        held = claims.claim(connection, ended.training_key)
        assert held is not None
        assert claims.prune(connection, held, "ended early at step 3", 1.0)
        connection.execute(update(candidates).where(candidates.c.trial_key == ended.key).values(state="pruned"))
    keys = {trial.training_key for trial in of_search}
    with store.read() as connection:
        assert maintenance.needed(connection, keys) == {trial.training_key: trial is waiting for trial in of_search}
    search(store, 2, wanted[3:4])
    with store.read() as connection:
        assert not any(maintenance.needed(connection, keys).values()), "another search has taken its place"
    prepare(store, read_study(STUDIES / "simulated.yaml"), wanted, wanted)
    with store.read() as connection:
        assert maintenance.needed(connection, keys) == {
            trial.training_key: trial is not finished for trial in of_search
        }

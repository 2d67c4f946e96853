"""Plans and trials in the store: saved in bulk, left alone where nothing changed, safe beside other runners."""

import threading
import time

import pytest
from sqlalchemy import event

from ablate.run.preparation import prepare
from ablate.store import Store, open_store, plans
from ablate.store.plan_document import PlanDocument
from ablate.store.trial_records import read_records, read_times
from ablate.study.model import Study
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import Trial, trials
from tests.conftest import on_both_engines
from tests.support.paths import STUDIES
from tests.support.store.plans_in_store import changed, finish

pytestmark = on_both_engines


@pytest.fixture
def study() -> Study:
    return read_study(STUDIES / "simulated.yaml")


def count(store: Store, table: str) -> int:
    with store.read() as connection:
        found: int = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        return found


def test_an_unchanged_plan_is_only_noted_as_the_latest(store: Store, study: Study) -> None:
    wanted = trials(study)
    prepare(store, study, wanted, wanted)
    written: list[str] = []
    listening = "before_cursor_execute"
    event.listen(store.engine, listening, lambda *args: written.append(args[2]))
    with store.read() as connection:
        before = plans.read_plan(connection, "simulated", "base")
    prepare(store, study, wanted, wanted)
    with store.read() as connection:
        after = plans.read_plan(connection, "simulated", "base")
    assert after.rows == before.rows
    assert after.updated > before.updated
    rewrites = [
        f"{verb} {table}" for verb in ("INSERT INTO", "DELETE FROM") for table in ("ablate_rows", "ablate_cells")
    ]
    assert [words for words in written if words.startswith(tuple(rewrites))] == []
    prepare(store, study, wanted, wanted, ["changed"])
    with store.read() as connection:
        assert plans.read_plan(connection, "simulated", "base").document.overrides == ("changed",)


def test_runners_that_start_at_once_agree(store: Store, study: Study) -> None:
    wanted = trials(study)
    together = threading.Barrier(4)
    failed: list[BaseException] = []

    def start(order: int) -> None:
        own = open_store(str(store.path or store.url))
        together.wait()
        try:
            for _ in range(3):
                mine = wanted[::order]
                with own.write() as connection:
                    plans.save_trials(connection, mine)
                prepare(own, study, wanted, mine)
        except BaseException as fault:
            failed.append(fault)
        finally:
            own.close()

    threads = [threading.Thread(target=start, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [count(store, f"ablate_{name}") for name in ("plans", "rows", "cells")] == [1, 4, 12]
    assert [count(store, f"ablate_{name}") for name in ("trainings", "trials", "declarations")] == [12, 12, 12]


def test_ten_thousand_cells_are_saved_within_seconds(store: Store, study: Study) -> None:
    rows = [
        plans.StoredRow(f"row {number}", "row", {"x": number}, dict.fromkeys(range(10), "key"), stale={3})
        for number in range(1_000)
    ]
    trial = Trial("a", "row", 0, {}, {}, trials(study)[0].training, trials(study)[0].training_key, "key")
    plan = plans.StoredPlan("big", "base", PlanDocument("simulated", "top1", 0.5, 0.05), False, rows)
    started = time.monotonic()
    with store.write() as connection:
        plans.save_trials(connection, [trial])
        plans.save_plan(connection, plan)
    assert time.monotonic() - started < 10
    with store.read() as connection:
        assert plans.read_plan(connection, "big", "base").rows == rows


def test_the_times_are_those_of_attempts_that_began_at_the_start(store: Store, study: Study) -> None:
    wanted = trials(study)
    prepare(store, study, wanted, wanted)
    finish(store, wanted[:2])
    finish(store, wanted[2:3], seconds=0.5, resumed_at=9)
    shape = str(wanted[0].shape)
    with store.read() as connection:
        assert read_times(connection, {shape}) == {shape: [2.0, 2.0]}
        assert read_times(connection, {"other"}) == {}
    expected = prepare(store, study, wanted, wanted).expected
    assert expected == {trial.training_key: 2.0 for trial in wanted[3:]}


def test_a_training_of_an_older_version_learns_its_shape(store: Store, study: Study) -> None:
    wanted = trials(study)
    prepare(store, study, wanted, wanted)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ablate_trainings SET shape = NULL")
        connection.exec_driver_sql("DELETE FROM ablate_declarations")
    prepare(store, study, wanted, wanted)
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ablate_trainings WHERE shape IS NULL").scalar() == 0
    assert count(store, "ablate_declarations") == 12


def test_what_was_accepted_ends_with_its_result(store: Store, study: Study) -> None:
    """A kept result that is reset for another study's sake stands for nothing any more."""
    old = trials(study)
    prepare(store, study, old, old)
    finish(store, old)
    new = [changed(trial) for trial in old]
    prepare(store, study, new, new, accept_stale=True)
    with store.read() as connection:
        assert len(read_records(connection, new).accepted) == 12
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ablate_trials SET attempt_id = NULL")
    with store.read() as connection:
        found = read_records(connection, new)
    assert (found.accepted, found.older) == ({}, {})


def test_accepting_again_after_a_further_change_is_no_fault(store: Store, study: Study) -> None:
    old = trials(study)
    prepare(store, study, old, old)
    finish(store, old)
    new = [changed(trial) for trial in old]
    for _ in range(2):
        done = prepare(store, study, new, new, accept_stale=True)
        assert {item.state for item in done.planned} == {"accepted"}
        assert (done.before, done.trials) == ({}, [])
    assert count(store, "ablate_acceptances") == 12
    with store.read() as connection:
        (row, *_) = plans.read_plan(connection, "simulated", "base").rows
    assert row.changes == {seed: ["base: 0.27 -> 0.5"] for seed in range(3)}
    assert not row.stale

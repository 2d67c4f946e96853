"""Looks in the store: each is there once, whoever took it first, and none is ever changed."""

import threading
from dataclasses import replace

import pytest

from ablate.run.preparation import prepare
from ablate.store import Store, open_store
from ablate.store.looks import LookRow, latest_family, read_looks, record_look, seeds_planned
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import trials
from tests.conftest import on_both_engines
from tests.support.paths import STUDIES

pytestmark = on_both_engines

RULES = {"looks": [2, 3, 5], "alpha": 0.05, "delta_pp": 0.5, "primary": "top1", "family": [["a", "b"]]}
SEEN = [{"name": ["a", "b"], "seeds": 2, "effect": 0.1 + 0.2, "p": 5e-324, "verdict": "undecided", "interval": None}]
TRIALS = {"a": {"levels": {"x": False, "y": 1e-5}, "seeds": {"0": ["0" * 20, 3], "1": ["1" * 20, None]}}}
LOOK = LookRow(1, 1, 2, RULES, None, SEEN, {"a": 3, "b": 2}, TRIALS, 1.5)


def record(store: Store, look: LookRow, profile: str = "base") -> None:
    with store.write() as connection:
        record_look(connection, "made", profile, look)


def read(store: Store, profile: str = "base") -> list[LookRow]:
    with store.read() as connection:
        return read_looks(connection, "made", profile)


def test_a_look_is_read_as_it_was_recorded(store: Store) -> None:
    assert read(store) == []
    record(store, LOOK)
    assert read(store) == [LOOK]
    assert read(store, "other") == []


def test_the_first_of_two_stands(store: Store) -> None:
    record(store, LOOK)
    record(store, replace(LOOK, asked={"a": 9}, taken=2.5))
    assert read(store) == [LOOK]


def test_families_and_looks_are_in_order(store: Store) -> None:
    later = [replace(LOOK, family=2, number=number, why="rows added: c") for number in (2, 1, 10)]
    for look in (*later, replace(LOOK, number=2), LOOK):
        record(store, look)
    record(store, LOOK, "other")
    assert [(look.family, look.number) for look in read(store)] == [(1, 1), (1, 2), (2, 1), (2, 2), (2, 10)]
    assert [look.number for look in latest_family(read(store))] == [1, 2, 10]


def test_runners_that_finish_at_the_same_moment(store: Store) -> None:
    """Each in a connection of its own, let go together, over and over."""
    count, faults = 4, list[BaseException]()
    together = threading.Barrier(count)

    def take(runner: int) -> None:
        try:
            own = open_store(store.url)
            for number in range(1, 11):
                together.wait()
                record(own, replace(LOOK, number=number, taken=float(runner)))
        except BaseException as fault:
            faults.append(fault)
            together.abort()

    runners = [threading.Thread(target=take, args=(runner,)) for runner in range(count)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert faults == []
    assert [look.number for look in read(store)] == list(range(1, 11))


@pytest.mark.parametrize("seeds", [1, 4])
def test_how_many_seeds_a_plan_has(store: Store, seeds: int) -> None:
    settings = [f"seeds={seeds}", "references={low: {base: 0.2}}"]
    study = read_study(STUDIES / "simulated.yaml", settings=settings)
    wanted = trials(study)
    prepare(store, study, wanted, wanted)
    with store.read() as connection:
        assert seeds_planned(connection, "simulated", "base") == seeds
        assert seeds_planned(connection, "simulated", "other") == 0

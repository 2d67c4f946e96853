"""The queue's guarantees, on a real store: claimed once, written once, nothing lost."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from ablate.errors import StoreError
from ablate.measurement import COST, Measurement, Result
from ablate.packed_arrays import unpack
from ablate.store import Store, plans
from ablate.store.examples import read_artifact, read_example_set, read_examples
from ablate.store.plan_document import PlanDocument
from ablate.store.queue import claims, maintenance
from ablate.store.queue.lease_expiry import LEASE_SECONDS, LeaseWatch
from ablate.store.results import read_trials, read_values, with_reasons
from ablate.study.trials.identity import ROW, Trial
from ablate.trainers.rank_results import rank_result
from tests.conftest import on_both_engines
from tests.support.store.queued_trial import TRAINING, trial

pytestmark = on_both_engines


RANKS = np.array([1, 3, 0, 7, 200], dtype=np.uint32)


SPLITS = ("validation", "test")


def ranked(precisions: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}) -> Result:
    found = rank_result(dict.fromkeys(SPLITS, RANKS), dict.fromkeys(SPLITS, 50), precisions)
    return replace(found, environment={"torch": "2"}, curve=[(1, 0.5)])


def outcome(of: Trial) -> dict[str, Result]:
    return {of.key: ranked()}


@pytest.fixture
def queued(store: Store) -> Trial:
    with store.write() as connection:
        plans.save_trials(connection, [trial()])
    return trial()


def state(store: Store) -> str:
    with store.read() as connection:
        return plans.training_states(connection, {TRAINING.key})[TRAINING.key]


def claim(store: Store) -> claims.Claim | None:
    with store.write() as connection:
        return claims.claim(connection, TRAINING.key)


def held(store: Store) -> claims.Claim:
    found = claim(store)
    assert found is not None
    return found


def test_a_training_is_claimed_once(store: Store, queued: Trial) -> None:
    assert held(store).attempt == 1
    assert claim(store) is None


def test_a_result_is_written_and_read_back(store: Store, queued: Trial) -> None:
    mine = held(store)
    with store.write() as connection:
        assert claims.record(connection, mine, outcome(queued), 1.5)
    with store.read() as connection:
        reading = read_trials(connection, {queued.key})[queued.key]
        ranks = read_artifact(connection, queued.key, "ranks/validation")
        hit = dict(read_examples(connection, {queued.key}, "top5"))[queued.key]
        curve = connection.exec_driver_sql("SELECT curve FROM ablate_attempts").scalar()
    assert reading.values is not None
    assert {name: (one.value, one.n) for name, one in reading.values.items()} == {
        "top1": (0.2, 5),
        "top5": (0.4, 5),
        "top10": (0.6, 5),
    }
    assert reading.sizes == {"queries": 5, "gallery": 50}
    assert hit.tolist() == [1, 1, 0, 0, 0]
    assert "0.5" in str(curve)
    assert (reading.state, reading.seconds, reading.environment) == ("done", 1.5, {"torch": "2"})
    assert ranks is not None
    assert np.array_equal(unpack(ranks), RANKS)


def test_a_diverged_training_keeps_its_measurements_and_gives_no_result(store: Store, queued: Trial) -> None:
    """Also of a training with another evaluation that has a result: that one stays as it is."""
    other = trial(knn=5)
    record(store, outcome(queued))
    with store.write() as connection:
        plans.save_trials(connection, [queued, other])
    mine = held(store)
    values = (("top1", 0.5), ("loss", float("nan")), ("score", float("-inf")))
    found = Result([Measurement(name, "test", value) for name, value in values], environment={"torch": "3"})
    with store.write() as connection:
        assert claims.diverge(connection, mine, "loss is not a number", {queued.key: found, other.key: found}, 2.0)
        assert not claims.diverge(connection, mine, "again", {}, 2.0), "its lease is over"
    assert state(store) == "diverged"
    with store.read() as connection:
        read = with_reasons(connection, read_trials(connection, {queued.key, other.key}))
        kept = connection.exec_driver_sql(
            f"SELECT metric, value FROM ablate_measurements WHERE trial_key = '{other.key}' ORDER BY metric"
        ).all()
    assert (read[other.key].done, read[other.key].state, read[other.key].reason) == (
        False,
        "diverged",
        "loss is not a number",
    )
    assert [tuple(row) for row in kept] == [("loss", None), ("score", None), ("top1", 0.5)]
    before = read[queued.key].values
    assert before is not None
    assert (before["top1"].value, read[queued.key].reason) == (0.2, "")


def test_only_a_reset_queues_a_diverged_training_again(store: Store, queued: Trial) -> None:
    mine = held(store)
    with store.write() as connection:
        claims.diverge(connection, mine, "the loss is infinite at step 3", {}, 2.0)
        assert not maintenance.needed(connection, {TRAINING.key})[TRAINING.key], "nothing continues from its checkpoint"
        claims.retry(connection, [TRAINING.key])
        claims.queue_pruned(connection, [TRAINING.key])
        plans.save_trials(connection, [queued])
    assert (state(store), claim(store)) == ("diverged", None)
    with store.write() as connection:
        assert maintenance.reset(connection, {TRAINING.key}) == 0
    assert state(store) == "queued"


AVERAGE = np.array([1, 1 / 3, 0, 0.1, 1e-8], dtype=np.float32)
AT_R = np.array([1, 0, 0, 0, 0], dtype=np.float32)


def precise(of: Trial) -> dict[str, Result]:
    """The outcome with precisions of the test split alone."""
    return {of.key: ranked({"test": (AVERAGE, AT_R)})}


def record(store: Store, found: dict[str, Result]) -> None:
    mine = held(store)
    with store.write() as connection:
        assert claims.record(connection, mine, found, 1.0)


def precisions(store: Store, key: str, split: str = "test") -> dict[str, NDArray[np.float32]]:
    with store.read() as connection:
        found = {name: dict(read_examples(connection, {key}, name, split)) for name in ("map", "map_at_r")}
    return {name: of_trial[key] for name, of_trial in found.items() if key in of_trial}


def means(store: Store, key: str, split: str = "test") -> dict[str, float]:
    with store.read() as connection:
        values = read_trials(connection, {key}, split)[key].values or {}
    return {name: one.value for name, one in values.items() if name in ("map", "map_at_r")}


def test_precisions_are_kept_to_the_bit_with_their_means(store: Store, queued: Trial) -> None:
    record(store, precise(queued))
    kept = precisions(store, queued.key)
    assert means(store, queued.key, "validation") == precisions(store, queued.key, "validation") == {}
    exactly = sum(map(Fraction, AVERAGE.tolist())) / 5  # the query without a correct item counts 0
    assert means(store, queued.key) == {"map": float(exactly), "map_at_r": 0.2}
    assert {name: values.tobytes() for name, values in kept.items()} == {
        "map": AVERAGE.tobytes(),
        "map_at_r": AT_R.tobytes(),
    }
    assert kept["map"].dtype == np.float32


def test_precisions_that_were_not_recorded_are_not_known(store: Store, queued: Trial) -> None:
    record(store, outcome(queued))
    assert means(store, queued.key) == precisions(store, queued.key) == {}


def test_a_result_whose_values_cannot_be_written_is_not_written_at_all(store: Store, queued: Trial) -> None:
    mine, found = held(store), precise(queued)
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE ablate_measurements RENAME COLUMN value TO average")
    with pytest.raises(StoreError), store.write() as connection:
        claims.record(connection, mine, found, 1.0)
    assert state(store) == "running"
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM ablate_results").scalar() == 0
        assert plans.finished(connection, {queued.key}) == set()


def test_precisions_of_an_earlier_attempt_do_not_count(store: Store, queued: Trial) -> None:
    record(store, precise(queued))
    with store.write() as connection:
        maintenance.reset(connection, [TRAINING.key])
    assert means(store, queued.key) == {}
    record(store, outcome(queued))
    assert means(store, queued.key) == precisions(store, queued.key) == {}
    with store.read() as connection:
        assert read_trials(connection, {queued.key})[queued.key].done
        history = "SELECT count(*) FROM ablate_measurements WHERE metric IN ('map', 'map_at_r')"
        assert connection.exec_driver_sql(history).scalar() == 2


def test_the_view_has_the_means_and_null_where_there_are_none(store: Store, queued: Trial) -> None:
    with store.write() as connection:
        plans.save_trials(connection, [trial(neck="after")])
        row = plans.StoredRow("a", ROW, {}, {0: queued.key, 1: trial(neck="after").key})
        plans.save_plan(
            connection, plans.StoredPlan("s", "p", PlanDocument("simulated", "top1", 0.5, 0.05), False, [row])
        )
    record(store, precise(queued) | outcome(trial(neck="after")))
    with store.read() as connection:
        found = connection.exec_driver_sql("SELECT * FROM results ORDER BY seed").mappings().all()
    assert [*found[0]][-4:] == ["top10", "seconds", "map", "map_at_r"]
    assert [(one["top1"], one["map"], one["map_at_r"]) for one in found] == [
        (0.2, float(sum(map(Fraction, AVERAGE.tolist())) / 5), 0.2),
        (0.2, None, None),
    ]


def test_a_late_result_of_a_lost_lease_is_refused(store: Store, queued: Trial) -> None:
    late = held(store)
    with store.write() as connection:
        claims.release(connection, late, "interrupted")
    current = held(store)
    with store.write() as connection:
        assert not claims.record(connection, late, outcome(queued), 1.0)
        assert not claims.fail(connection, late, "no", "", 1.0)
    assert state(store) == "running"
    with store.write() as connection:
        assert claims.record(connection, current, outcome(queued), 1.0)
    assert state(store) == "done"


def test_failures_stay_on_record_when_retried(store: Store, queued: Trial) -> None:
    with store.write() as connection:
        mine = claims.claim(connection, TRAINING.key)
        assert mine is not None
        claims.fail(connection, mine, "ValueError: no", "Traceback ...", 0.1)
    assert state(store) == "failed"
    assert claim(store) is None
    with store.write() as connection:
        claims.retry(connection, [TRAINING.key])
    assert held(store).attempt == 2
    with store.read() as connection:
        query = "SELECT number, state, reason, traceback FROM ablate_attempts ORDER BY number"
        found = connection.exec_driver_sql(query).all()
    assert found == [(1, "failed", "ValueError: no", "Traceback ..."), (2, "running", None, None)]


def test_whatever_an_error_says_is_recorded(store: Store, queued: Trial) -> None:
    with store.write() as connection:
        mine = claims.claim(connection, TRAINING.key)
        assert mine is not None
        assert claims.fail(connection, mine, "no file 'a\udcffb\0c'", "…\ud800", 0.1)
    with store.read() as connection:
        found = connection.exec_driver_sql("SELECT reason, traceback FROM ablate_attempts").all()
    assert found == [("no file 'a\\udcffb\\x00c'", "…\\ud800")]


def test_a_new_evaluation_of_a_finished_training_queues_it_again(store: Store, queued: Trial) -> None:
    mine = held(store)
    with store.write() as connection:
        claims.record(connection, mine, outcome(queued), 1.0)
        plans.save_trials(connection, [queued])
    assert state(store) == "done"
    with store.write() as connection:
        plans.save_trials(connection, [queued, trial(neck="after")])
    assert state(store) == "queued"
    again = held(store)
    both = outcome(queued) | outcome(trial(neck="after"))
    with store.write() as connection:
        assert claims.record(connection, again, both, 1.0)
        assert plans.finished(connection, {queued.key, trial(neck="after").key}) == set(both)


def test_the_trial_of_a_dead_process_is_free_at_once(store: Store, queued: Trial) -> None:
    code = (
        "from ablate.store import open_store\nfrom ablate.store.queue import claims\n"
        f"store = open_store({store.url!r})\n"
        f"with store.write() as c: assert claims.claim(c, {TRAINING.key!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert state(store) == "running"
    assert free(store, LeaseWatch()) == 1
    assert state(store) == "queued"


def test_the_trial_of_a_living_process_is_not(store: Store, queued: Trial) -> None:
    held(store)
    assert free(store, LeaseWatch()) == 0


def test_a_number_that_another_process_has_by_now_is_that_of_a_dead_one(store: Store, queued: Trial) -> None:
    held(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ablate_trainings SET process = process || '0'")  # it began at another time
    assert free(store, LeaseWatch()) == 1


def test_a_silent_runner_elsewhere_loses_its_lease(store: Store, queued: Trial) -> None:
    mine = held(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ablate_trainings SET process = 'another-host 1 1'")
    clock = Clock()
    watch = LeaseWatch(clock)
    assert looks(store, watch, clock, LEASE_SECONDS - 1) == 0
    with store.write() as connection:
        assert claims.beat(connection, [mine.lease]) == []
    assert looks(store, watch, clock, LEASE_SECONDS - 1) == 0
    assert looks(store, watch, clock, 3) == 1
    assert state(store) == "queued"
    with store.write() as connection:
        assert claims.beat(connection, [mine.lease]) == [mine.lease], "its runner learns that it has lost it"


def test_silence_while_nobody_could_look_does_not_count(store: Store, queued: Trial) -> None:
    """A store that was locked for an hour, a laptop that slept, a wall clock that was set: no lease ends."""
    held(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ablate_trainings SET process = 'another-host 1 1'")
    clock = Clock()
    watch = LeaseWatch(clock)
    assert free(store, watch) == 0
    clock.now += 3600
    assert free(store, watch) == 0


MOST_LOSSES = claims.MOST_BLAME // claims.BLAME["lost"]


def lose(store: Store, reached: int = 0, resumed_at: int = 0, ending: str = "lost") -> str | None:
    with store.write() as connection:
        mine = claims.claim(connection, TRAINING.key, resumed_at)
        assert mine is not None
        lost = claims.lose(connection, mine, ending, "killed", reached)
    return lost[0] if lost else None


def test_a_training_that_is_lost_again_and_again_fails(store: Store, queued: Trial) -> None:
    states = [lose(store) for _ in range(MOST_LOSSES)]
    assert states == ["queued"] * (MOST_LOSSES - 1) + ["failed"]
    with store.write() as connection:
        reason = connection.exec_driver_sql("SELECT reason FROM ablate_attempts ORDER BY number DESC").scalar()
        assert f"so ended {MOST_LOSSES} attempts in a row" in str(reason)
        claims.retry(connection, [TRAINING.key])
    assert lose(store) == "queued", "a retry starts the count anew"


def test_losses_with_progress_between_them_do_not_count(store: Store, queued: Trial) -> None:
    """On a machine that is taken away every hour, a training still comes to its end."""
    for step in range(3 * MOST_LOSSES):
        assert lose(store, resumed_at=10 * step, reached=10 * step + 10) == "queued"


def test_dead_runners_weigh_little_yet_not_for_ever(store: Store, queued: Trial) -> None:
    states = [lose(store, ending="abandoned") for _ in range(claims.MOST_BLAME)]
    assert states == ["queued"] * (claims.MOST_BLAME - 1) + ["failed"]


def test_interruptions_are_no_losses(store: Store, queued: Trial) -> None:
    for _ in range(MOST_LOSSES - 1):
        assert lose(store) == "queued"
        with store.write() as connection:
            mine = claims.claim(connection, TRAINING.key)
            assert mine is not None
            assert claims.release(connection, mine, "interrupted")
    assert lose(store) == "failed"


ATTEMPTS = [  # how each ended, the step from which it continued, and its seconds, None if its runner noted none
    [("release", 0, 3.0)],
    [("release", 0, 3.0), ("lose", 10, 4.0)],
    [("release", 0, 3.0), ("release", 0, 5.0), ("fail", 20, 0.5)],
    [("release", 0, 3.0), ("silent", 10, None), ("release", 10, 1.0)],
]


@pytest.mark.parametrize(("ends", "earlier"), list(zip(ATTEMPTS, [3.0, 7.0, 5.5, 4.0], strict=True)))
def test_a_claim_knows_the_time_of_the_attempts_that_it_continues(
    store: Store, queued: Trial, ends: list[tuple[str, int, float | None]], earlier: float
) -> None:
    """Attempts before the last one that began from the start are no part of the result, and do not count."""
    for end, resumed_at, seconds in ends:
        with store.write() as connection:
            mine = claims.claim(connection, TRAINING.key, resumed_at)
            assert mine is not None
            if end == "fail":
                claims.fail(connection, mine, "why", "", seconds or 0.0)
                claims.retry(connection, [TRAINING.key])
            elif end == "release":
                claims.release(connection, mine, "why", seconds)
            else:
                claims.lose(connection, mine, "lost", "why", resumed_at + 1, seconds)
    with store.write() as connection:
        again = claims.claim(connection, TRAINING.key, 30)
        assert again is not None
        assert again.earlier_seconds == earlier
        claims.release(connection, again, "why", 1.0)
        anew = claims.claim(connection, TRAINING.key, 0)
        assert anew is not None
        assert anew.earlier_seconds == 0.0


def test_the_time_of_a_killed_runner_is_what_it_noted_last(store: Store, queued: Trial) -> None:
    mine = held(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ablate_attempts SET started = started - 60")
        claims.note(connection, mine, 5, 10)
        claims.lose(connection, mine, "abandoned", "its runner is gone", 5)
        again = claims.claim(connection, TRAINING.key, 5)
    assert again is not None
    assert 60 <= again.earlier_seconds < 61


def test_costs_belong_to_no_split_and_a_result_always_has_a_test(store: Store, queued: Trial) -> None:
    with store.write() as connection:
        mine = claims.claim(connection, TRAINING.key)
        assert mine is not None
        assert claims.record(connection, mine, {queued.key: Result([Measurement("seconds", COST, 2.5)])}, 1.0)
        splits = connection.exec_driver_sql("SELECT split FROM ablate_results").scalars().all()
    assert splits == ["test"]
    with store.read() as connection:
        assert read_values(connection, [queued.key], COST)[queued.key]["seconds"].value == 2.5
        found = read_trials(connection, [queued.key])[queued.key]
    assert found.done
    assert found.values == {}


def test_each_metric_has_examples_of_its_own(store: Store, queued: Trial) -> None:
    ones = np.ones(3, dtype=np.float32)
    measured = [
        Measurement("a", "test", 1.0, 3, ones, ids=["x", "y", "z"]),
        Measurement("b", "test", 1.0, 2, ones[:2], ids=["y", "z"], clusters=np.array([5, 5])),
        Measurement("c", "test", 1.0, 3, ones, ids=["x", "y", "z"]),
        Measurement("d", "test", 1.0, 3, ones),
    ]
    with store.write() as connection:
        mine = claims.claim(connection, TRAINING.key)
        assert mine is not None
        assert claims.record(connection, mine, {queued.key: Result(measured)}, 1.0)
    with store.read() as connection:
        values = read_values(connection, [queued.key])[queued.key]
        keys = {name: value.example_set for name, value in values.items()}
        assert keys["a"] == keys["c"] is not None
        assert keys["d"] is None
        assert read_example_set(connection, str(keys["a"])) == (["x", "y", "z"], None)
        names, clusters = read_example_set(connection, str(keys["b"]))
    assert (names, None if clusters is None else clusters.tolist()) == (["y", "z"], [5, 5])


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def free(store: Store, watch: LeaseWatch) -> int:
    with store.write() as connection:
        return watch.free(connection, lambda key: 0)


def looks(store: Store, watch: LeaseWatch, clock: Clock, seconds: float) -> int:
    """How many leases are taken away by looks a second apart."""
    freed = 0
    for _ in range(round(seconds)):
        clock.now += 1
        freed += free(store, watch)
    return freed


def test_an_evaluation_that_came_while_the_training_ran_is_not_forgotten(store: Store, queued: Trial) -> None:
    """Another runner's file has a row more, and it waits for this runner's training."""
    mine, added = held(store), trial(neck="after")
    with store.write() as connection:
        plans.save_trials(connection, [queued, added])
        assert claims.record(connection, mine, outcome(queued), 1.0)
    assert state(store) == "done"
    with store.write() as connection:
        assert plans.queue_unevaluated(connection, [queued]) == set()
        assert plans.queue_unevaluated(connection, [queued, added]) == {TRAINING.key}
    assert state(store) == "queued"


def pruned(store: Store) -> claims.Claim:
    """The training, ended early."""
    mine = held(store)
    with store.write() as connection:
        assert claims.prune(connection, mine, "ended early at step 3", 1.5)
    return mine


def test_what_is_pruned_rests_and_says_where(store: Store, queued: Trial) -> None:
    late = pruned(store)
    assert state(store) == "pruned"
    assert claim(store) is None
    with store.write() as connection:
        assert not claims.prune(connection, late, "ended early at step 4", 2.0), "its lease is gone"
        claims.retry(connection, [TRAINING.key])
    assert state(store) == "pruned", "it has not failed"
    with store.read() as connection:
        query = "SELECT state, reason, seconds, ended IS NOT NULL FROM ablate_attempts"
        assert [tuple(row) for row in connection.exec_driver_sql(query)] == [
            ("pruned", "ended early at step 3", 1.5, True)
        ]


def test_pruned_trainings_queue_again_when_somebody_says_so(store: Store, queued: Trial) -> None:
    with store.write() as connection:
        claims.queue_pruned(connection, [])
    mine = held(store)
    with store.write() as connection:
        claims.queue_pruned(connection, [TRAINING.key])
    assert state(store) == "running", "only what is pruned"
    with store.write() as connection:
        assert claims.prune(connection, mine, "", 1.0)
        claims.queue_pruned(connection, [TRAINING.key])
    assert held(store).attempt == 2


def test_whoever_wants_the_result_revives_what_is_pruned_but_not_the_search_itself(store: Store, queued: Trial) -> None:
    pruned(store)
    with store.write() as connection:
        plans.save_trials(connection, [queued], revive=False)
    assert state(store) == "pruned"
    with store.write() as connection:
        plans.save_trials(connection, [queued])
    assert state(store) == "queued"


def test_a_search_too_has_finished_trainings_evaluated_again(store: Store, queued: Trial) -> None:
    mine = held(store)
    with store.write() as connection:
        claims.record(connection, mine, outcome(queued), 1.0)
        plans.save_trials(connection, [trial(neck="after")], revive=False)
    assert state(store) == "queued"


def test_a_pruned_attempt_ends_a_row_of_lost_ones(store: Store, queued: Trial) -> None:
    """It was well when it was ended: a worker that dies afterwards is the first one."""
    for _ in range(4):
        with store.write() as connection:
            mine = claims.claim(connection, TRAINING.key)
            assert mine is not None
            assert claims.lose(connection, mine, "lost", "killed", 0) == ("queued", "killed")
    pruned(store)
    with store.write() as connection:
        claims.queue_pruned(connection, [TRAINING.key])
        mine = claims.claim(connection, TRAINING.key)
        assert mine is not None
        assert claims.lose(connection, mine, "lost", "killed", 0) == ("queued", "killed")

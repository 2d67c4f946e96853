"""The states of planned trials, the reasons for staleness, and the estimate of time: pure functions."""

from ablate.study.plan.staleness_reasons import UNKNOWN, IdentityChange, changes
from ablate.study.plan.time_estimate import estimate, to_evaluate, to_train
from ablate.study.plan.trial_states import PlannedTrial, PreviousResult, StoredRecords, resolve
from ablate.study.trials.identity import ROW, Identity, Trial, digest

CONFIG = {"base": 0.3, "schedule": {"lr": 0.001, "steps": 10}}


def identity(
    seed: int = 0, data: str | None = "d" * 64, code: dict[str, str] | None = None, **config: object
) -> Identity:
    return Identity("simulated", {**CONFIG, **config}, seed, data, {"a.py": "1"} if code is None else code)


def trial(label: str = "a", shape: str = "s", training: Identity | None = None, **evaluate: object) -> Trial:
    training = training or identity()
    key = training.key
    return Trial(label, ROW, training.seed, {}, evaluate, training, key, digest([key, evaluate]), label, shape)


OLDER = PreviousResult("old", (IdentityChange("config", "base", "0.2", "0.3"),))


def texts(old: Identity, old_evaluate: dict[str, object], new: Trial) -> tuple[str, ...]:
    return tuple(change.text for change in changes(old, old_evaluate, new))


def states(trials: list[Trial], records: StoredRecords) -> list[str]:
    return [item.state for item in resolve(trials, records)]


def test_how_a_trial_stands() -> None:
    one, after, other = trial(), trial("b", neck="after"), trial("c", training=identity(seed=1))
    assert states([one, after, other], StoredRecords()) == ["pending", "shared", "pending"]
    running = {one.training_key: "running", other.training_key: "failed"}
    assert states([one, after, other], StoredRecords(running)) == ["running", "running", "failed"]
    assert states([one, after], StoredRecords({one.training_key: "pruned"})) == ["pending", "shared"], (
        "it is trained on"
    )
    done = StoredRecords({one.training_key: "done"}, {one.key})
    assert states([after, one, other], done) == ["shared", "done", "pending"], "only its evaluation is left"


def test_a_result_counts_more_than_what_was_accepted_and_that_more_than_what_is_stale() -> None:
    one = trial()
    older, accepted = {one.key: OLDER}, {one.key: PreviousResult("kept", (IdentityChange("data", "", "ab", "cd"),))}
    assert states([one], StoredRecords(older=older)) == ["stale"]
    (item,) = resolve([one], StoredRecords(older=older, accepted=accepted))
    assert (item.state, item.key, item.older) == ("accepted", "kept", accepted[one.key])
    (item,) = resolve([one], StoredRecords({one.training_key: "done"}, {one.key}, older, accepted))
    assert (item.state, item.key, item.older) == ("done", one.key, None)
    (item,) = resolve([one], StoredRecords({one.training_key: "failed"}, older=older))
    assert (item.state, item.key, item.older) == ("failed", one.key, OLDER), "what it may be accepted by is known"


def test_changes_name_fields_data_files_and_evaluation() -> None:
    old = identity(data="ab" * 32, code={"a.py": "1", "b.py": "1"}, gone={"x": 1})
    schedule = {"lr": 0.002, "steps": 10, "erasing": {"p": 0.5}}
    new = trial(training=identity(code={"a.py": "2", "c.py": "1"}, schedule=schedule, base=True), neck="after")
    assert texts(old, {"neck": "before"}, new) == (
        "base: 0.3 -> on",
        "schedule.lr: 0.001 -> 0.002",
        "schedule.erasing: is new, {p: 0.5}",
        "gone: is gone, was {x: 1}",
        "evaluate.neck: before -> after",
        "data: its content changed (fingerprint abababab -> dddddddd)",
        "code: a.py changed",
        "code: b.py is gone",
        "code: c.py is new",
    )


def test_numbers_and_booleans_are_not_the_same() -> None:
    assert texts(identity(base=1), {}, trial(training=identity(base=True))) == ("base: 1 -> on",)
    section = texts(identity(schedule={"on": 1}), {}, trial(training=identity(schedule={"on": 1.0})))
    assert section == ("schedule.on: 1 -> 1.0",)
    assert changes(identity(), {}, trial()) == (UNKNOWN,), "a stale trial is never without a reason"


def test_many_changed_files_are_one_reason() -> None:
    """As after a reorganisation of the package: the reason is read in one line."""
    old = {f"old/{number}.py": "1" for number in range(30)} | {f"{number}.py": "1" for number in range(12)}
    new = {f"new/{number}.py": "1" for number in range(31)} | {f"{number}.py": "2" for number in range(12)}
    found = texts(identity(code=old), {}, trial(training=identity(code=new)))
    assert found == ("code: 12 files changed, 31 new, 30 gone (0.py, ...)",)
    moved = texts(identity(code={f"a{n}.py": "1" for n in range(5)}), {}, trial(training=identity(code={"b.py": "1"})))
    assert moved == ("code: 1 file new, 5 gone (a0.py, ...)",)
    few = texts(identity(code={f"a{n}.py": "1" for n in range(5)}), {}, trial(training=identity(code={})))
    assert few == tuple(f"code: a{number}.py is gone" for number in range(5))


def test_a_change_is_kept_as_text_and_read_again() -> None:
    subjects = {
        "schedule.lr: 0.1 -> 0.2": "config.schedule.lr",
        "base: is new, 3": "config.base",
        "gone: is gone, was {x: 1}": "config.gone",
        "path: a -> b -> c": "config.path",
        "data: its content changed (fingerprint abababab -> null)": "data content",
        "code: a b.py is new": "a b.py",
        "code: a.py is gone": "a.py",
        "code: a.py changed": "a.py",
        "code: 12 files changed, 31 new, 30 gone (0.py, ...)": "code files",
        UNKNOWN.text: "config.identity",
    }
    read = [IdentityChange.from_text(text) for text in subjects]
    assert [change.text for change in read] == list(subjects)
    assert [change.subject for change in read] == list(subjects.values())
    assert read[-1] == UNKNOWN
    old, new = identity(code={"a.py": "1", "b.py": "1"}, x=1), trial(training=identity(code={"a.py": "2"}, y=2))
    for change in changes(old, {}, new):
        assert IdentityChange.from_text(change.text) == change


def planned(*trials: Trial, state: str = "pending", trained: bool = False) -> list[PlannedTrial]:
    return [PlannedTrial(one, state, trained=trained) for one in trials]


def test_the_time_is_that_of_workers_who_take_the_next_training_when_they_are_free() -> None:
    of_seeds = [trial(training=identity(seed=seed), shape="long" if seed == 3 else "short") for seed in range(4)]
    shared = trial("again", training=identity(seed=3), neck="after", shape="long")
    times = {"short": [1.0, 9.0, 10.0, 11.0, 1000.0], "long": [60.0], "other": [5.0]}
    cost = estimate(planned(*of_seeds, shared), times, 2)
    assert (cost.seconds, cost.known, cost.finished, cost.unknown) == (70.0, 4, 6, 0)
    assert estimate(planned(*of_seeds), times, 1).seconds == 90.0
    assert estimate(planned(*of_seeds), {"short": [1.0]}, 9).seconds == 1.0
    unknown = estimate(planned(*of_seeds), {"short": [1.0]}, 1)
    assert (unknown.seconds, unknown.unknown, unknown.shapes) == (3.0, 1, 1)


def test_what_is_done_or_running_costs_nothing_and_an_evaluation_no_training() -> None:
    one = trial()
    for state in ("done", "running", "failed", "accepted"):
        assert not to_train(planned(one, state=state))
    assert list(to_train(planned(one, state="stale"))) == [one.training_key]
    assert not to_train(planned(one, state="shared", trained=True))
    assert to_evaluate(planned(one, state="shared", trained=True)) == {one.training_key}

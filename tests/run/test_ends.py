"""The ends of a training that its trainer decides, each through a whole run."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ablate.api.run import RunSummary, run_study
from ablate.run.dispatch.requeue_limit import MOST_REQUESTS, SHORTEST_SECONDS, RequeueLimit
from ablate.run.job import JobReport
from ablate.run.observer import Observer
from ablate.store.queue.claims import BLAME, MOST_BLAME
from ablate.trainers.registry import TRAINERS
from tests.support.command_line import query

STUDY = """\
study: ends
trainer: ending
config: {queries: 20, settings: SETTINGS}
factors: {end: {sets: settings.end, levels: [none, END]}, b: {sets: settings.b, levels: [1, 2]}}
design: [{rows: {special: {end: END}, plain: {end: none}, other: {end: none, b: 2}}}]
seeds: 1
delta: 20
"""


class Recorder(Observer):
    """Keeps the events of a run in order."""

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self.events: list[tuple[str, str]] = []

    def dispatching(self, outline):  # type: ignore[no-untyped-def]
        self.labels = dict(outline.labels)
        return super().dispatching(outline)

    def started(self, key: str) -> None:
        self.events.append(("started", self.labels[key]))

    def ended(self, key: str, reason: str | None) -> None:
        self.events.append(("done" if reason is None else f"failed: {reason}", self.labels[key]))

    def diverged(self, key: str, reason: str) -> None:
        self.events.append((f"diverged: {reason}", self.labels[key]))

    def requeued(self, key: str, reason: str) -> None:
        self.events.append((f"requeued: {reason}", self.labels[key]))

    def waiting(self, elsewhere: int) -> None:
        self.events.append(("waiting", str(elsewhere)))


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setitem(TRAINERS.entries, "ending", "tests.support.trainers.ending_trainer:ENDING")
    return Recorder()


def ran(recorder: Recorder, end: str, settings: Mapping[str, object] = {}) -> RunSummary:
    """Run a study whose first row, `special`, ends so; the others are done."""
    text = STUDY.replace("SETTINGS", json.dumps(settings)).replace("END", end)
    Path("ends.yaml").write_text(text, encoding="utf-8")
    return run_study(Path("ends.yaml"), executor="inline", observer=recorder)


def special() -> list[tuple[object, ...]]:
    """Return (state, reason) of each attempt of the row `special`."""
    return query(
        "SELECT a.state, a.reason FROM ablate_attempts a JOIN ablate_trials e ON e.training_key = a.training_key "
        "JOIN ablate_cells c ON c.trial_key = e.key JOIN ablate_rows r ON r.id = c.row_id "
        "WHERE r.label = 'special' ORDER BY a.number"
    )


def test_a_training_that_stops_by_itself_is_queued_again_behind_all_others(recorder: Recorder) -> None:
    summary = ran(recorder, "stops", {"works_at": 3})
    assert set(summary.states.values()) == {"done"}
    requeued = ("requeued: stopped by itself", "special")
    assert recorder.events == [
        ("started", "special"),
        requeued,
        ("started", "plain"),
        ("done", "plain"),
        ("started", "other"),
        ("done", "other"),
        ("started", "special"),
        requeued,
        ("started", "special"),
        ("done", "special"),
    ], "at no time does another runner have it"
    assert [state for state, _ in special()] == ["interrupted", "interrupted", "done"]


def test_a_training_that_stops_by_itself_for_ever_fails(recorder: Recorder) -> None:
    summary = ran(recorder, "stops")
    assert (summary.failed, sorted(summary.states.values())) == (1, ["done", "done", "failed"])
    attempts = special()
    assert [state for state, _ in attempts] == ["interrupted"] * (MOST_REQUESTS - 1) + ["failed"]
    counted = f"so ended {MOST_REQUESTS} attempts in a row, each within 1 s and without progress"
    assert str(attempts[-1][1]).startswith(f"stopped by itself; {counted}; ")


def test_a_training_with_a_newer_checkpoint_each_time_may_stop_as_often_as_it_likes(recorder: Recorder) -> None:
    works_at = MOST_REQUESTS + 2
    summary = ran(recorder, "stops with progress", {"works_at": works_at})
    assert set(summary.states.values()) == {"done"}
    assert len(special()) == works_at


def test_only_short_stops_in_a_row_count() -> None:
    limit = RequeueLimit()

    def judged(seconds: float, state: str = "interrupted") -> str:
        return limit.judged("key", JobReport(state, seconds), lambda key: 0).state

    for _ in range(2):
        assert {judged(0.1) for _ in range(MOST_REQUESTS - 1)} == {"interrupted"}
        assert judged(SHORTEST_SECONDS) == "interrupted"
    assert {judged(0.1) for _ in range(MOST_REQUESTS - 1)} == {"interrupted"}
    assert judged(0.1) == "failed"
    assert judged(0.1) == "interrupted", "--retry-failed begins a new count"
    assert {judged(0.1, "lost") for _ in range(2 * MOST_REQUESTS)} == {"lost"}, "these have a limit of their own"


def test_a_training_that_is_killed_is_queued_again_and_fails_in_the_end(recorder: Recorder) -> None:
    most = MOST_BLAME // BLAME["lost"]
    assert set(ran(recorder, "is lost", {"works_at": most}).states.values()) == {"done"}
    assert [state for state, _ in special()] == ["lost"] * (most - 1) + ["done"]


def test_a_training_that_is_killed_each_time_fails(recorder: Recorder) -> None:
    most = MOST_BLAME // BLAME["lost"]
    assert ran(recorder, "is lost").failed == 1
    attempts = special()
    assert [state for state, _ in attempts] == ["lost"] * (most - 1) + ["failed"]
    counted = f"so ended {most} attempts in a row, without a newer checkpoint"
    assert attempts[-1][1] == f"the script was killed by SIGKILL; {counted}\nlog: runs/attempt-1.log", "the log last"


def test_a_diverged_training_is_an_outcome_with_the_values_that_were_measured(recorder: Recorder) -> None:
    summary = ran(recorder, "diverges")
    assert (summary.failed, summary.diverged, sorted(summary.states.values())) == (0, 1, ["diverged", "done", "done"])
    assert ("diverged: top5 is not a number", "special") in recorder.events
    assert special() == [("diverged", "top5 is not a number")]
    of_attempt = "FROM ablate_measurements m JOIN ablate_attempts a ON a.id = m.attempt_id WHERE a.state = 'diverged'"
    values = dict(query(f"SELECT metric, value {of_attempt}"))
    assert (values["top1"], values["top5"]) == (0.25, None)
    assert values["seconds"] > 0, "it cost as much as another"
    assert query("SELECT state, top1, seconds FROM results WHERE label = 'special'") == [("diverged", None, None)]
    assert query("SELECT count(*) FROM metrics WHERE label = 'special'") == [(0,)], "they are not among the results"


def test_nothing_runs_a_diverged_training_again(recorder: Recorder) -> None:
    ran(recorder, "diverges at once")
    before = query("SELECT count(*) FROM ablate_attempts")
    for retry in (False, True):
        summary = run_study(Path("ends.yaml"), executor="inline", observer=recorder, retry_failed=retry)
        assert (summary.ran, summary.diverged) == (0, 1)
    assert query("SELECT count(*) FROM ablate_attempts") == before


def test_a_trainer_that_ends_its_process_has_failed(recorder: Recorder) -> None:
    assert ran(recorder, "exits").failed == 1
    assert special() == [("failed", "the trainer called sys.exit(3) before it returned a result")]
    assert [event for event, _ in recorder.events].count("done") == 2

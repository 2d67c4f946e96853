"""Searches of metrics of any direction: samplers, pruners, finalists, and candidates without a score."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState

from ablate.adaptive.search import finalists
from ablate.adaptive.search.dashboard_export import DashboardExport
from ablate.adaptive.search.driver import SearchDriver, begin
from ablate.adaptive.search.optuna_sampler import OptunaSampler, outcome
from ablate.errors import StudyError
from ablate.measurement import COST, VALIDATION, Direction, Interim, Measurement, Metric, Result
from ablate.run.observer import Observer
from ablate.store import Store, searches
from ablate.store.queue import claims
from ablate.store.schema import DONE, PRUNED, RUNNING
from ablate.store.searches import Candidate
from ablate.study.reading.study_reader import read_study
from ablate.study.search_space.candidates import Candidates
from ablate.study.search_space.space import RangeDimension, SearchSpec
from ablate.trainers.costs import SECONDS

HIGHER, LOWER = Direction.MAXIMIZE, Direction.MINIMIZE
LOSS, SCORE = Metric("loss", LOWER), Metric("score", HIGHER)
SPACE = (RangeDimension("margin", "settings.margin", 0.0, 1.0), RangeDimension("omega", "settings.omega", 0.0, 1.0))


def spec(*metrics: Metric, sampler: str = "tpe", pruner: str | None = None) -> SearchSpec:
    return SearchSpec(SPACE, {}, sampler, pruner, metrics, 40, None, 3, 5)


def negated(metric: Metric) -> Metric:
    return replace(metric, direction=LOWER if metric.direction is HIGHER else HIGHER)


def proposed(search: SearchSpec, signs: Sequence[int], count: int) -> list[Mapping[str, Any]]:
    """The points that a search proposes, and which of them its pruner stops; each metric times its sign."""
    sampling, seen = OptunaSampler(search, 0), []
    for number in range(count):
        point, notes = sampling.suggest()
        height = round(8 * (point["margin"] + (point["omega"] - 0.5) ** 2)) / 8  # coarse: some level, sums exact
        values = {each.name: sign * height for each, sign in zip(search.metrics, signs, strict=True)}
        parts = range(1, 10) if search.pruner else ()  # a loss falls with each of them
        ended = [part for part in parts if not sampling.is_worth(number, part, signs[0] * (height + 10 - part))]
        state = PRUNED if ended else DONE
        sampling.tell(Candidate(number, False, point, "", notes, state, None if ended else values, number))
        seen.append({**point, "pruned": ended})
    return seen


@pytest.mark.parametrize("pruner", [None, "median", "hyperband"])
def test_negating_a_metric_and_its_direction_changes_no_proposal(pruner: str | None) -> None:
    plain = proposed(spec(LOSS, pruner=pruner), [1], 16)
    assert proposed(spec(negated(LOSS), pruner=pruner), [-1], 16) == plain
    assert any(point["pruned"] for point in plain) == (pruner is not None)
    assert proposed(spec(negated(LOSS), pruner=pruner), [1], 16) != plain, "the direction counts"


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["gp", "cmaes"])
def test_no_other_sampler_either(sampler: str) -> None:
    plain = proposed(spec(LOSS, sampler=sampler), [1], 14)
    assert proposed(spec(negated(LOSS), sampler=sampler), [-1], 14) == plain
    assert proposed(spec(negated(LOSS), sampler=sampler), [1], 14) != plain


def test_nor_with_a_second_metric() -> None:
    plain = proposed(spec(SCORE, SECONDS), [1, 1], 16)
    assert proposed(spec(SCORE, negated(SECONDS)), [1, -1], 16) == plain


def test_the_median_pruner_stops_the_higher_losses() -> None:
    """Five have finished with 1 to 5 after each part: the median is 3."""
    for value, is_worth in ((2.9, True), (3.1, False), (inf, False), (-inf, False), (nan, False)):
        sampling = OptunaSampler(spec(LOSS, pruner="median"), 0)
        for number in range(5):
            point, notes = sampling.suggest()
            assert all(sampling.is_worth(number, part, number + 1.0) for part in (1, 2, 3))
            sampling.tell(Candidate(number, False, point, "", notes, DONE, {"loss": number + 1.0}, number))
        sampling.suggest()
        assert sampling.is_worth(5, 3, value) is is_worth


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_hyperband_keeps_no_note_that_json_cannot_have(value: float) -> None:
    sampling = OptunaSampler(spec(LOSS, pruner="hyperband"), 0)
    sampling.suggest()
    assert not sampling.is_worth(0, 9, value)
    json.dumps(sampling.notes(0), allow_nan=False)


def done(number: int, **scores: float) -> Candidate:
    return Candidate(number, False, {"margin": 0.1, "omega": 0.2}, f"key {number}", {}, DONE, scores, number)


def test_finalists_have_the_lowest_losses() -> None:
    rows = [done(0, loss=0.5), done(1, loss=0.2), done(2, loss=0.9), done(3, loss=0.2), done(4), done(5, loss=0.3)]
    assert [one.number for one in finalists.best(rows, spec(LOSS), "key 1")] == [3, 5, 0]
    assert finalists.baseline_is_best(rows, spec(LOSS), "key 1")
    assert not finalists.baseline_is_best(rows, spec(LOSS), "key 5")


def test_of_a_score_and_a_time_finalists_are_first_those_that_none_beats() -> None:
    rows = [done(0, score=0.5, seconds=10), done(1, score=0.6, seconds=20), done(2, score=0.5, seconds=12)]
    assert [one.number for one in finalists.best(rows, spec(SCORE, SECONDS), "")] == [1, 0, 2]


def test_negating_a_metric_and_its_direction_changes_no_finalist() -> None:
    values = np.random.default_rng(2).integers(0, 6, (40, 2)).tolist()
    plain = [done(number, loss=a, score=b) for number, (a, b) in enumerate(values)]
    turned = [done(number, loss=-a, score=b) for number, (a, b) in enumerate(values)]
    chosen = finalists.best(plain, replace(spec(LOSS, SCORE), top=12), "")
    again = finalists.best(turned, replace(spec(negated(LOSS), SCORE), top=12), "")
    assert [one.number for one in again] == [one.number for one in chosen]


@pytest.mark.parametrize("scores", [{}, {"loss": nan}, {"loss": inf}, {"other": 0.3}])
def test_a_candidate_without_a_finite_score_has_no_value(scores: Mapping[str, float]) -> None:
    assert outcome(done(0, **scores), spec(LOSS), {}) == (TrialState.PRUNED, None)


def test_tpe_avoids_the_points_without_a_score() -> None:
    """Half of the space diverges. Without the results, half of the proposals would be there."""
    sampling = OptunaSampler(spec(LOSS), 0)
    for number in range(40):
        point, notes = sampling.suggest()
        scores = {} if point["margin"] > 0.5 else {"loss": point["omega"]}
        sampling.tell(Candidate(number, False, point, "", notes, DONE, scores, number))
        if number >= 20:
            assert point["margin"] < 0.6


def test_a_pruned_candidate_has_its_last_value_unless_that_is_not_finite() -> None:
    pruned = replace(done(0), state=PRUNED, scores=None)
    assert outcome(pruned, spec(LOSS), {1: 0.9, 3: 0.7}) == (TrialState.PRUNED, [0.7])
    assert outcome(pruned, spec(LOSS), {1: 0.9, 3: nan}) == (TrialState.PRUNED, None)
    assert outcome(replace(pruned, state=RUNNING), spec(LOSS), {1: 0.9}) == (TrialState.RUNNING, None)


def test_the_copy_for_the_dashboard_has_the_directions(tmp_path: Path) -> None:
    copy = DashboardExport(tmp_path, "walk", "base", spec(SCORE, SECONDS))
    copy.add({0: done(0, score=0.5, seconds=3.0), 1: done(1, score=0.5)})
    assert copy.storage is not None
    assert [direction.name for direction in copy.storage.get_study_directions(copy.id)] == ["MAXIMIZE", "MINIMIZE"]
    assert [(one.state.name, one.values) for one in copy.storage.get_all_trials(copy.id)] == [
        ("COMPLETE", [0.5, 3.0]),
        ("PRUNED", None),
    ]
    copy.close()


STUDY = """study: walk
trainer: simulated
primary: loss
delta: 0.02
config: {metrics: [loss, score]}
factors:
  margin: {sets: settings.margin, levels: [0.6, 0.2]}
search:
  space: {margin: {low: 0.0, high: 1.0}}
  metric: METRIC
  trials: 4
"""


class Messages(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


def driver_of(store: Store, path: Path, text: str) -> tuple[SearchDriver, Messages]:
    path.write_text(text)
    study, messages = read_study(path), Messages()
    points = Candidates(study)
    return SearchDriver(store, study, points, begin(store, study, points, path.name), messages), messages


def record(store: Store, key: str, trial_key: str, *measured: Measurement) -> None:
    with store.write() as connection:
        held = claims.claim(connection, key, 0)
        assert held is not None
        assert claims.record(connection, held, {trial_key: Result(measured)}, 0.0)


def test_a_cost_of_the_training_is_a_score_and_others_are_shown_as_missing(store: Store, tmp_path: Path) -> None:
    driver, _ = driver_of(store, tmp_path / "study.yaml", STUDY.replace("METRIC", "[score, seconds]"))
    for number in range(4):
        (trial,) = driver.more()
        score = Measurement("score", VALIDATION, nan if number == 1 else inf if number == 2 else 0.5)
        measured = [score, Measurement("seconds", COST, 7.0), Measurement("score", "test", 0.9)]
        record(store, trial.training_key, trial.key, *measured[: 1 if number == 3 else 3])
        driver.ended(trial.training_key)
    assert not driver.more()
    assert driver.is_over()
    with store.read() as connection:
        rows = searches.read_candidates(connection, driver.row.id)
    assert [(one.state, one.scores) for one in rows] == [
        (DONE, {"score": 0.5, "seconds": 7.0}),
        (DONE, {"seconds": 7.0}),
        (DONE, {"seconds": 7.0}),
        (DONE, {"score": 0.5}),
    ]
    assert [one.number for one in finalists.best(rows, driver.search, "")] == [0]


@pytest.mark.parametrize("pruner", ["", "\n  pruner: median"])
def test_what_another_search_has_pruned_is_judged_anew(store: Store, tmp_path: Path, pruner: str) -> None:
    """Also: a point that this very search has pruned stays so."""
    text = STUDY.replace("METRIC", "loss\n  sampler: grid\n  pruner: median").replace(
        "high: 1.0", "high: 1.0, step: 0.5"
    )
    first, _ = driver_of(store, tmp_path / "study.yaml", text)
    (trial,) = first.more()
    with store.write() as connection:
        held = claims.claim(connection, trial.training_key, 0)
        assert held is not None
        assert claims.prune(connection, held, "ended early", 0.0)
    first.ended(trial.training_key)
    assert trial.key not in {one.key for _ in range(2) for one in first.more()}
    again = text.replace("\n  pruner: median", pruner).replace("study: walk", "study: again")
    second, _ = driver_of(store, tmp_path / "again.yaml", again)
    assert [one.key for one in second.more()] == [trial.key]
    record(store, trial.training_key, trial.key, Measurement("loss", VALIDATION, 0.5))
    second.ended(trial.training_key)
    second.more()
    with store.read() as connection:
        states = [searches.read_candidates(connection, driver.row.id)[0].state for driver in (first, second)]
    assert states == [PRUNED, DONE]


def test_a_metric_without_interim_results_is_never_pruned_and_that_is_said_once(store: Store, tmp_path: Path) -> None:
    text = STUDY.replace("METRIC", "loss\n  pruner: median")
    driver, messages = driver_of(store, tmp_path / "study.yaml", text)
    (trial,) = driver.more()
    for part in range(1, 10):
        interim = Interim(part / 10, [Measurement("score", VALIDATION, 0.0)])
        assert driver.is_worth(trial.training_key, interim)
    assert messages.texts == [
        "warning: walk: trial 0 reports no loss during its training, so pruner median stops nothing"
    ]


def test_a_direction_that_changes_is_refused(store: Store, tmp_path: Path) -> None:
    text = STUDY.replace("METRIC", "score")
    driver_of(store, tmp_path / "study.yaml", text)
    with pytest.raises(StudyError) as refused:
        driver_of(store, tmp_path / "study.yaml", text.replace("score]", "score], score: {better: lower}"))
    assert "study.yaml: score: higher was better when this search began, and lower is now" in str(refused.value)


def test_pruning_by_a_cost_is_refused_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace("METRIC", "seconds\n  pruner: median"))
    with pytest.raises(StudyError) as refused:
        read_study(path)
    assert "seconds is known at the end of a training only; leave the pruner out" in str(refused.value)

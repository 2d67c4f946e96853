"""Trainings that diverge during looks and searches: neither waits for them, and neither runs them again."""

import json
from pathlib import Path

import pytest

from ablate.adaptive.search.optuna_sampler import OptunaSampler
from ablate.api.results import analyse_study
from ablate.api.run import run_study
from ablate.measurement import Direction, Metric
from ablate.report.figures.search_map import CandidateMark, by_kind, failure_words
from ablate.store import Store
from ablate.store.looks import read_looks
from ablate.store.schema import DIVERGED, DONE, FAILED
from ablate.store.searches import Candidate
from ablate.study.reading.study_reader import read_study
from tests.conftest import Ablate
from tests.support.command_line import INLINE, query

LOOKS = """
study: made
trainer: simulated
primary: loss
delta: 0.02
config:
  metrics: [loss]
  effects: [{when: {k: 1}, pp: 2}]
  broken: [{when: {k: 1}, seeds: [1], gives: diverged}, {when: {k: 2}, gives: diverged}]
factors: {k: {sets: settings.k, levels: [0, 1, 2]}}
design: [add_one: {from: {}}]
seeds: {looks: [2, 3, 4]}
"""
SEARCH = """
study: peak
trainer: simulated
primary: loss
delta: 0.02
config:
  metrics: [loss]
  broken: [{when: {lr: 0.3}, gives: diverged}, {when: {lr: 0.2}, seeds: [1], gives: diverged}]
factors: {lr: {sets: settings.lr, levels: [0.1, 0.2, 0.3]}}
design: [{rows: {plain: {}}}]
search:
  space: {lr: {choices: [0.1, 0.2, 0.3]}}
  sampler: grid
  metric: loss
  trials: 3
  finalists: {top: 1, seeds: 2}
"""


def test_a_look_is_taken_without_the_seeds_that_diverged(store: Store, tmp_path: Path) -> None:
    """A row that diverges in every seed gets no more of them, and the run ends with all looks in one family."""
    path = tmp_path / "made.yaml"
    path.write_text(LOOKS)
    summary = run_study(path, store, until_decided=True, executor="inline")
    with store.read() as connection:
        taken = read_looks(connection, "made", "base")
    assert [(look.family, look.number) for look in taken] == [(1, 1), (1, 2), (1, 3)]
    rows = {row.label: row for row in analyse_study("made", store).results.rows}
    assert (rows["k=1"].seeds, rows["k=1"].diverged) == ((0, 2, 3), (1,))
    assert (rows["k=2"].seeds, rows["k=2"].diverged) == ((), (0, 1))
    assert summary.diverged == 3
    assert (summary.failed, list(summary.states.values()).count("diverged")) == (0, 3)
    again = run_study(path, store, until_decided=True, executor="inline")
    assert again.ran == 0


@pytest.fixture
def peak(tmp_path: Path) -> Path:
    path = tmp_path / "peak.yaml"
    path.write_text(SEARCH)
    return path


def test_a_candidate_that_diverged_is_no_finalist_and_is_named(ablate: Ablate, peak: Path) -> None:
    result = ablate("search", peak, *INLINE)
    assert result.code == 0, result.err
    states = dict(query("SELECT state, count(*) FROM ablate_candidates GROUP BY state"))
    assert states == {"done": 2, "diverged": 1}
    assert "1 diverged" in result.err
    assert "1 of 4 trainings of the finalists and the baseline diverged" in result.err, "seed 1 of the finalist 0.2"
    status = ablate("status").out
    assert "peak (base), its search: 1 diverged, 2 done" in status
    assert "seed 0, attempt 1: every metric is not a number" in status
    again = ablate("search", peak, *INLINE, "--retry-failed")
    assert again.code == 0, again.err
    attempts = query("SELECT count(*) FROM ablate_attempts WHERE state = 'diverged'")
    assert attempts == [(2,)], "neither the candidate nor the finalist runs again"


@pytest.mark.slow
def test_the_report_of_a_search_names_candidates_that_diverged(ablate: Ablate, peak: Path) -> None:
    ablate("search", peak, *INLINE)
    report = " ".join(ablate("report", "peak").out.split())
    assert "(2 finished and 1 diverged)" in report
    assert "it counts as worse than all other candidates. `ablate status` shows why." in report


@pytest.mark.parametrize(
    ("states", "words"),
    [((DONE,), ""), ((DIVERGED, DONE), "diverged"), ((FAILED,), "failed"), ((DIVERGED, FAILED), "failed or diverged")],
)
def test_the_legend_of_figures_names_them(states: tuple[str, ...], words: str) -> None:
    marks = [CandidateMark(at, state, False, None, None, ()) for at, state in enumerate(states)]
    assert failure_words(marks) == words
    crossed = by_kind(marks, Metric("loss", Direction.MINIMIZE)).get(FAILED, [])
    assert [mark.state for mark in crossed] == [state for state in states if state != DONE]


def test_a_search_of_which_every_candidate_diverged_ends_without_a_comparison(ablate: Ablate, peak: Path) -> None:
    peak.write_text(SEARCH.replace("{lr: 0.3}", "{}"))
    result = ablate("search", peak, *INLINE)
    assert result.code == 1
    assert "no candidate has a score, so there is nothing to compare" in result.err
    assert "--retry-failed" not in result.err


def test_tpe_avoids_points_that_diverged_and_not_those_that_failed(tmp_path: Path) -> None:
    """Upper halves of the space that diverge are left; if they fail, nothing is known about them."""
    path = tmp_path / "walk.yaml"
    path.write_text(
        "study: walk\ntrainer: simulated\nfactors: {x: {sets: settings.x, levels: [0.5, 0.1]}}\n"
        "search: {space: {x: {low: 0.0, high: 1.0}}, sampler: tpe, trials: 60}\n"
    )
    search = read_study(path).search
    assert search is not None
    upper = {}
    for state in ("diverged", "failed"):
        sampling = OptunaSampler(search, 0)
        proposed = []
        for number in range(60):
            point, notes = sampling.suggest()
            proposed.append(point["x"])
            is_upper = point["x"] > 0.5
            scores = None if is_upper else {search.names[0]: 0.5}
            ended = Candidate(number, False, point, "", notes, state if is_upper else "done", scores, number)
            sampling.tell(ended)
        upper[state] = sum(x > 0.5 for x in proposed[30:])
    assert upper["diverged"] < upper["failed"], json.dumps(upper)

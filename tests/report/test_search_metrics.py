"""Reports and figures of searches of a loss, of ratios, of two metrics, and of scores that are no numbers."""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from ablate.analysis.analysis import Analysis
from ablate.analysis.search.results import SearchResults
from ablate.api.results import analyse_study
from ablate.api.search import search_study
from ablate.report.figures import canvas
from ablate.report.figures.rows import draw_all
from ablate.report.figures.search_history import draw_history
from ablate.report.figures.search_map import by_kind, candidate_marks, draw_map, score_limits, search_map
from ablate.report.formats import json as json_report
from ablate.report.formats import latex, markdown, terminal
from ablate.run.observer import Observer
from ablate.store import open_store
from ablate.store.schema import DONE, PRUNED

LOSS = """study: losing
trainer: simulated
primary: loss
delta: 0.02
config:
  metrics: [loss]
  effects: [{pp: 12, peak: {margin: 0.2, omega: 0.7}, width: {margin: 0.3, omega: 0.4}}]
factors:
  margin: {sets: settings.margin, levels: [0.8, 0.5]}
  omega: {sets: settings.omega, levels: [0.1, 0.5]}
search:
  space: {margin: {low: 0.0, high: 1.0}, omega: {low: 0.0, high: 1.0}}
  trials: 30
  pruner: median
  finalists: {top: 3, seeds: 3}
"""
BROKEN = """study: broken
trainer: simulated
primary: score
delta: 1.02
config:
  metrics: [score]
  seed_sd_pp: 0
  shared_seed_sd_pp: 0
  score: {positive: on, per_pp: 0.02, base: 30, better: lower}
  effects: [{pp: -12, when: {k: 1}}]
  broken:
    - {when: {k: 2}, metric: score, gives: nan}
    - {when: {k: 3}, metric: score, gives: missing}
    - {when: {k: 1}, seeds: [3], metric: score, gives: inf}
metrics: {score: {scale: log}}
factors: {k: {sets: settings.k, levels: [0, 1, 2, 3]}}
search: {space: {k: {choices: [0, 1, 2, 3]}}, sampler: grid, finalists: {top: 2, seeds: 3}}
"""
TWO = """study: two
trainer: simulated
config:
  metrics: [rates, score]
  seed_sd_pp: 0
  discordance: 0
  score: {better: lower, per_pp: 0.5}
  effects: [{pp: 6, when: {k: 1}}, {pp: 3, when: {k: 2}}]
factors: {k: {sets: settings.k, levels: [0, 1, 2, 3]}}
search: {space: {k: {choices: [0, 1, 2, 3]}}, metric: [top1, score], sampler: grid, finalists: {top: 2, seeds: 2}}
"""


class Messages(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


Searched = tuple[Analysis, list[str]]


def searched(folder: Path, text: str) -> Searched:
    """The analysis of a search, and its messages."""
    path, observer = folder / "study.yaml", Messages()
    path.write_text(text)
    name = text.partition("study: ")[2].partition("\n")[0]
    with closing(open_store(str(folder / "ablate.db"))) as store:
        search_study(path, store, executor="inline", observer=observer)
        return analyse_study(name, store), observer.texts


@pytest.fixture(scope="module")
def loss(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return searched(tmp_path_factory.mktemp("loss"), LOSS)[0]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    return searched(tmp_path_factory.mktemp("broken"), BROKEN)


def of(analysis: Analysis) -> SearchResults:
    assert analysis.search is not None
    return analysis.search


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.slow
def test_the_lowest_loss_is_found_near_the_true_optimum(loss: Analysis) -> None:
    """The truth: 2 − 0.02 · 12 · a bell of height 1. The baseline lies at its foot."""
    search = of(loss)
    winner = search.finalists[0]
    point = search.candidates[winner.number].point
    height = np.exp(-((point["margin"] - 0.2) ** 2) / (2 * 0.3**2) - (point["omega"] - 0.7) ** 2 / (2 * 0.4**2))
    assert height > 0.9
    assert winner.number == min(search.finished, key=lambda one: one.scores["loss"]).number
    assert any(one.state == PRUNED for one in search.candidates)
    worst = max(one.scores["loss"] for one in search.finished)
    assert all((one.value("loss") or 0) > search.front[0].scores["loss"] for one in search.candidates if one.interim)
    (row,) = (row for row in loss.results.rows if row.label == winner.label)
    estimate = loss.against_baseline[row.number].estimate
    assert estimate.verdict == "better"
    assert (estimate.effect or 0) < 0
    assert worst > 1.9


@pytest.mark.slow
def test_the_report_of_a_loss_has_its_unit_and_direction(loss: Analysis) -> None:
    search = of(loss)
    text = flat(terminal.render(loss, False, 80))
    assert "Candidates are scored by loss (lower is better) on the validation split, with one seed each." in text
    assert "Finalists: scores on validation and test in nats" in text
    assert "optimism: re-run − search." in text
    rerun = search.finalists[0].reruns["loss"]
    assert (rerun.optimism or 0) == pytest.approx((rerun.mean or 0) - (rerun.score or 0))
    assert f"In the search the winner had loss {rerun.score:.3f} nats with one seed" in text
    assert f"3 fresh seeds give {rerun.mean:.3f} nats" in text
    assert " pp" not in text.partition("Rows:")[0]
    assert "%" not in text.partition("Finalists")[2].partition("Importance")[0].replace("(95 %)", "")
    document = json.loads(json_report.render(loss))["search"]
    assert (document["metrics"], document["directions"], document["units"]) == (
        ["loss"],
        {"loss": "minimize"},
        {"loss": "nats"},
    )
    shown = document["finalists"][0]["validation"]["loss"]
    assert (shown["direction"], shown["unit"], shown["optimism"]) == ("minimize", "nats", rerun.optimism)
    assert not [key for key in shown if key.endswith("_pp")]


@pytest.mark.slow
def test_a_lower_loss_is_brighter_also_in_grey(loss: Analysis) -> None:
    search = of(loss)
    axes = canvas.axes_between(1, 1, 3, 1, 1)
    drawn = search_map(search, search.metric)
    draw_map(axes, drawn)
    (spots,) = (one for one in axes.collections if one.get_gid() == "finished")
    assert isinstance(spots, PathCollection)
    colours = {
        tuple(at): colour[:3] for at, colour in zip(spots.get_offsets().tolist(), spots.get_facecolor(), strict=True)
    }
    order = sorted(search.finished, key=lambda one: -one.scores["loss"])
    grey = [float(np.dot(colours[one.point["margin"], one.point["omega"]], (0.299, 0.587, 0.114))) for one in order]
    assert grey == sorted(grey)
    assert grey[-1] - grey[0] > 0.5
    last = by_kind(drawn.marks, search.metric)["finished"][-1]
    assert last.rank == 1 or last.rank in (2, 3), "finalists are drawn on top"


@pytest.mark.slow
def test_the_history_of_a_loss_falls_and_has_pruned_candidates_above(loss: Analysis) -> None:
    search = of(loss)
    marks = candidate_marks(search, search.metric)
    axes = canvas.axes_between(1, 1, 3, 1, 1)
    axes.set_ylim(score_limits([mark.score for mark in marks if mark.state == DONE and mark.score is not None]))
    draw_history(axes, marks, search.best_so_far("loss"), search.metric)
    (line,) = (one for one in axes.lines if one.get_gid() == "best-so-far")
    finished = [one.scores["loss"] for one in search.finished]
    assert line.get_ydata()[:-1] == pytest.approx(np.minimum.accumulate(finished))
    _, high = axes.get_ylim()
    (above,) = (one for one in axes.collections if one.get_gid() == "pruned-above")
    expected = [mark.number for mark in marks if mark.state == PRUNED and (mark.score or 0) > high]
    assert sorted(np.asarray(above.get_offsets()).tolist()) == [[number, high] for number in expected]
    assert expected


def test_scores_that_are_no_numbers_are_shown_as_what_they_are(broken: Searched, tmp_path: Path) -> None:
    analysis, messages = broken
    search = of(analysis)
    assert {one.number: one.unscored for one in search.unscored} == {2: {"score": "nan"}, 3: {"score": "missing"}}
    assert [one.number for one in search.finalists] == [1]
    assert (
        "warning: broken: trial 2 and trial 3 have no finite score, so they count as worse than all others" in messages
    )
    for text in (terminal.render(analysis, False, 80), markdown.render(analysis), latex.render(analysis)):
        words = flat(text).replace("\\", "")
        assert "trial 2 (score not a number) and trial 3 (score not reported) have finished" in words
        assert "Fresh seeds without a finite score, which no mean contains: trial 1 (1)." in words
    document = json.loads(json_report.render(analysis))["search"]
    assert [one["unscored"] for one in document["candidates"]] == [{}, {}, {"score": "nan"}, {"score": "missing"}]
    assert document["finalists"][0]["validation"]["score"]["without_score"] == 1
    assert draw_all(analysis, tmp_path)


def test_fresh_seeds_that_agree_have_no_interval_and_the_report_says_why(broken: Searched) -> None:
    analysis, _ = broken
    rerun = of(analysis).finalists[0].reruns["score"]
    assert rerun.values == pytest.approx([30 * np.exp(-0.02 * 12)] * 2)
    assert (rerun.optimism, rerun.interval) == (pytest.approx(0), None)
    text = flat(terminal.render(analysis, False, 80))
    assert "Finalists: scores on validation and test, differences as ratios" in text
    assert (
        "trial 1: all fresh seeds have the same score, and its resolution is not known, so there is no interval" in text
    )
    assert "optimism: re-run ÷ search" in text
    assert json.loads(json_report.render(analysis))["search"]["finalists"][0]["validation"]["score"]["ci"] is None


@pytest.mark.slow
def test_two_metrics_of_two_directions_and_units(tmp_path: Path) -> None:
    """Effects of 6 and 3 pp raise both metrics: of top-1 the higher is better, of the score the lower."""
    analysis, _ = searched(tmp_path, TWO)
    search = of(analysis)
    assert (
        search.candidates[1].scores["top1"] > search.candidates[2].scores["top1"] > search.candidates[0].scores["top1"]
    )
    assert [one.number for one in search.front] == [0, 1, 2], "3 is level with 0"
    text = flat(terminal.render(analysis, False, 80))
    assert "scored by top-1 and score (lower is better) on the validation split" in text
    assert "Finalists: scores in the unit of each metric; test in %, differences in pp" in text
    assert "trial 1: top-1, %" in markdown.render(analysis)
    assert "optimism: how much better search is than re-run, in the direction of each metric." in text
    assert "by score on validation" in text
    paths = {path.name for path in draw_all(analysis, tmp_path / "figures")}
    assert {"search-map.svg", "search-map-score.svg", "search-history-score.svg"} <= paths
    assert (
        (tmp_path / "figures" / "search-map.csv").read_text().startswith("number,state,known,top1_validation_percent,")
    )
    assert (
        (tmp_path / "figures" / "search-map-score.csv").read_text().startswith("number,state,known,score_validation,")
    )


TIMED = """study: timed
trainer: simulated
config: {effects: [{pp: 9, when: {size: large}}, {pp: -9, when: {size: slow}}]}
factors:
  size:
    sets: [settings.size, seconds]
    levels: {small: [small, 0.0], large: [large, 0.2], slow: [slow, 0.2]}
search:
  space: {size: {choices: [small, large, slow]}}
  metric: [top1, seconds]
  sampler: grid
  finalists: {top: 2, seeds: 1}
"""


@pytest.mark.slow
def test_accuracy_and_seconds_are_two_objectives(tmp_path: Path) -> None:
    analysis, _ = searched(tmp_path, TIMED)
    search = of(analysis)
    assert [one.number for one in search.front] == [0, 1], "the third is as slow as the second, and worse"
    assert search.candidates[1].scores["seconds"] > 0.2 > search.candidates[0].scores["seconds"]
    assert search.finalists[0].number == 1, "the first is the baseline"
    text = flat(terminal.render(analysis, False, 80))
    assert "scored by top-1 on the validation split and seconds (lower is better) of the training" in text
    assert draw_all(analysis, tmp_path / "figures")
    assert "seconds of the training of 3 candidates" in (tmp_path / "figures" / "search-map-seconds.svg").read_text()


COST = """study: cost
trainer: simulated
primary: seconds
delta: 1.2
metrics: {seconds: {scale: log}}
factors: {size: {sets: [settings.size, seconds], levels: {small: [small, 0.0], large: [large, 0.1]}}}
search: {space: {size: {choices: [small, large]}}, sampler: grid, finalists: {top: 1, seeds: 2}}
"""


@pytest.mark.slow
def test_a_search_of_a_cost_says_nothing_of_validation(tmp_path: Path) -> None:
    analysis, _ = searched(tmp_path, COST)
    text = flat(terminal.render(analysis, False, 80)).partition("Importance of each")[0]
    assert "Finalists: scores and test in s, differences as ratios" in text
    assert "validation" not in text
    for path in draw_all(analysis, tmp_path / "figures"):
        if path.name.startswith("search-") and path.suffix in (".svg", ".csv"):
            assert "validation" not in path.read_text()


@pytest.mark.slow
def test_long_intervals_leave_room_for_the_names_of_finalists(tmp_path: Path) -> None:
    text = TWO.replace("{better: lower, per_pp: 0.5}", "{better: lower, base: 0.0002, per_pp: 0.0000912}")
    text = text.replace("  seed_sd_pp: 0\n  discordance: 0\n", "  queries: 100\n")
    text += "primary: score\ndelta: 0.001\n"
    analysis, _ = searched(tmp_path, text.replace("metric: [top1, score]", "metric: [score, top1]"))
    lines = terminal.render(analysis, False, 80).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("Finalists"))
    rule = next(number for number, line in enumerate(lines) if number > at and "──" in line)
    assert " finalist " in lines[rule - 1], "the word is whole"
    assert max(map(len, lines[at : rule + 12])) <= 80

"""The words of a search: the baseline among its candidates, fewer finalists than requested, ties, and levels."""

import csv
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ablate.analysis.analysis import Analysis
from ablate.api.results import analyse_study
from ablate.api.search import search_study
from ablate.report.figures.search_history import history_figure
from ablate.report.figures.search_map import map_figure
from ablate.report.formats import json as json_report
from ablate.report.formats import markdown, terminal
from ablate.run.observer import Observer
from ablate.store import open_store

NOTHING_BETTER = "the best candidate is the baseline itself; nothing tried was better"
Searched = Callable[..., tuple[Analysis, list[str]]]


class Messages(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def searched(tmp_path: Path) -> Searched:
    """A function that searches a study of the simulated trainer and returns its analysis and its messages."""

    def call(text: str, *settings: str) -> tuple[Analysis, list[str]]:
        path = tmp_path / "study.yaml"
        path.write_text("study: words\ntrainer: simulated\n" + text)
        observer = Messages()
        with closing(open_store(str(tmp_path / "ablate.db"))) as store:
            search_study(path, store, settings=settings, executor="inline", observer=observer)
            return analyse_study("words", store), observer.texts

    return call


def weights(effects: str, top: int = 2, seeds: int = 2, choices: str = "[0.9, 0.5, 0.1]") -> str:
    return f"""
config: {{queries: 2000, seed_sd_pp: 0.0, effects: {effects}}}
factors: {{weight: {{sets: settings.weight, levels: [0.9, 0.5, 0.1]}}}}
search:
  space: {{weight: {{choices: {choices}}}}}
  sampler: grid
  finalists: {{top: {top}, seeds: {seeds}}}
"""


WORSE = "[{when: {weight: 0.5}, pp: -6}, {when: {weight: 0.1}, pp: -9}]"
BETTER = "[{when: {weight: 0.5}, pp: 6}, {when: {weight: 0.1}, pp: -9}]"


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_best_candidate_is_the_baseline_itself(searched: Searched, tmp_path: Path) -> None:
    analysis, messages = searched(weights(WORSE))
    assert analysis.search is not None
    assert f"words: {NOTHING_BETTER}" in messages
    for text in (terminal.render(analysis, False, 80), markdown.render(analysis)):
        assert NOTHING_BETTER in flat(text).lower()
        assert "winner" not in text
        assert "The best other candidate, trial 1 (weight=0.5), against the baseline: " in flat(text)
    found = json.loads(json_report.render(analysis))["search"]
    assert (found["baseline_candidate"], found["baseline_is_best"], found["best"]) == (0, True, [0])
    (svg, _) = map_figure(analysis, analysis.search, analysis.search.metric, tmp_path / "map")
    assert NOTHING_BETTER in flat(svg.read_text()).lower()
    assert "winner" not in svg.read_text()
    (svg, _) = history_figure(analysis, analysis.search, analysis.search.metric, tmp_path / "history")
    assert "nothing tried was better" in svg.read_text()


def test_a_better_candidate_is_the_winner_and_the_baseline_is_mentioned(searched: Searched) -> None:
    analysis, messages = searched(weights(BETTER))
    text = flat(markdown.render(analysis))
    assert "The winner, trial 1 (weight=0.5), against the baseline: " in text
    assert "The baseline was a candidate too (trial 0, " in text
    assert "chosen among 2 finished candidates (without the baseline)" in text
    assert not any("baseline itself" in message for message in messages)
    assert json.loads(json_report.render(analysis))["search"]["baseline_is_best"] is False


def test_fewer_finalists_than_requested_are_explained(searched: Searched) -> None:
    analysis, messages = searched(weights(BETTER, top=5))
    assert "2 of 5 requested finalists: apart from the baseline and from repeated values" in flat(
        markdown.render(analysis)
    )
    assert any("(5 requested; no more have a result)" in message for message in messages)


def test_a_candidate_of_the_baselines_score_is_named(searched: Searched) -> None:
    analysis, _ = searched(weights("[{when: {weight: 0.1}, pp: -9}]"), "config.discordance=0")
    assert analysis.search is not None
    one, other = (analysis.search.candidates[at].scores["top1"] for at in (0, 1))
    assert one == other
    text = flat(markdown.render(analysis)).lower()
    assert f"{NOTHING_BETTER} (trial 0, " in text
    assert "; trial 1 has the same score)" in text


def test_only_the_baseline_has_a_result(searched: Searched) -> None:
    analysis, _ = searched(weights(WORSE, choices="[0.9, 0.5]"), "search.trials=1")
    text = flat(terminal.render(analysis, False, 80))
    assert "Only the baseline has a result, so that there are no finalists to compare with it." in text
    assert "winner" not in text
    assert "No finalists yet" not in text


def test_nothing_else_was_tried(searched: Searched) -> None:
    analysis, messages = searched(weights(WORSE, choices="[0.9, 0.5]"), "search.trials=1")
    assert "nothing tried was better" not in flat(terminal.render(analysis, False, 80)).lower()
    assert not any(NOTHING_BETTER in message for message in messages)


def test_the_message_before_fresh_seeds_names_the_rows_that_run(searched: Searched) -> None:
    _, messages = searched(weights(BETTER))
    assert "words: the baseline and the best 2 other candidates, with fresh seeds" in messages
    _, messages = searched(
        weights(BETTER, top=1, choices="[0.5, 0.1]").replace("words", "elsewhere"), "study=elsewhere"
    )
    assert "elsewhere: the baseline and the best candidate, with fresh seeds" in messages


def test_equal_results_have_the_same_words_in_both_tables(searched: Searched) -> None:
    """A rate so near to 100 % that every query is a hit: no difference can show."""
    settings = ("config.base=0.9995", "config.queries=30", "config.discordance=0", "config.shared_seed_sd_pp=0")
    analysis, _ = searched(weights("[]"), *settings)
    assert analysis.constant == 1.0
    assert "against the other finalists: trial 2, every result equal." in flat(markdown.render(analysis))
    lines = [line.split("|") for line in markdown.render(analysis).splitlines() if "every result equal |" in line]
    assert len(lines) == 7, "two finalists, their rows and three contrasts"
    assert all("+0.00" in [cell.strip() for cell in line] for line in lines)
    text = flat(terminal.render(analysis, False, 80))
    assert "2 fresh seeds give 100.00 %, the same (optimism" in text
    assert "p Holm and simultaneous intervals are adjusted" not in text


@pytest.mark.slow
def test_every_candidate_failed(searched: Searched) -> None:
    analysis, _ = searched(weights(WORSE), "config.fail=1")
    text = flat(terminal.render(analysis, False, 80))
    assert "No candidate has a result, so that there are no finalists. `ablate status` shows why." in text
    assert "(0 finished and 3 failed)" in text


def test_a_grid_ends_with_its_last_combination(searched: Searched) -> None:
    analysis, _ = searched(weights(WORSE))
    assert "Budget used: 3 of 3 trials (3 finished)." in flat(markdown.render(analysis))


@pytest.mark.parametrize("seeds", [1, 2])
def test_columns_are_explained_if_they_have_values(searched: Searched, seeds: int) -> None:
    analysis, _ = searched(weights(WORSE, seeds=seeds))
    text = flat(markdown.render(analysis))
    assert ("Its interval (95 %) is Student's t over the fresh seeds" in text) == (seeds > 1)


LEVELS = """
config: {queries: 200}
factors: {flag: {sets: settings.flag, levels: [on, off]}}
search:
  space: {flag: {choices: [off, on]}, settings.x: {choices: [off, on, 1, a]}}
  sampler: grid
  finalists: {top: 1, seeds: 2}
"""


@pytest.mark.slow
def test_levels_are_printed_as_study_files_write_them(searched: Searched, tmp_path: Path) -> None:
    analysis, messages = searched(LEVELS)
    assert analysis.search is not None
    texts = [terminal.render(analysis, False, 80), markdown.render(analysis), *messages]
    (svg, _) = map_figure(analysis, analysis.search, analysis.search.metric, tmp_path / "map")
    with (tmp_path / "map.csv").open(newline="") as file:
        values = [(line["flag"], line["settings.x"]) for line in csv.DictReader(file)]
    assert set(values) == {(flag, x) for flag in ("off", "on") for x in ("off", "on", "1", "a")}
    for text in [*texts, svg.read_text()]:
        assert "False" not in text
        assert "True" not in text
    assert "off, on, 1, a" in texts[0]
    points = [one["point"] for one in json.loads(json_report.render(analysis))["search"]["candidates"]]
    assert {type(point["flag"]) for point in points} == {bool}  # JSON stays data


def test_a_search_whose_space_changed_prints_levels_in_its_faults(searched: Searched) -> None:
    from ablate.errors import StudyError

    searched(LEVELS)
    with pytest.raises(StudyError) as caught:
        searched(LEVELS.replace("[off, on, 1, a]", "[off, on]"))
    assert "search.space.settings.x: was {choices: [off, on, 1, a]} when this search began" in str(caught.value)
    assert "is {choices: [off, on]} now" in str(caught.value)


def test_a_choice_that_never_varied_has_no_share(searched: Searched) -> None:
    from ablate.analysis.search.importance import importance
    from ablate.study.search_space.origin import SearchedDimension

    axes = [SearchedDimension("a", 0.0, 1.0), SearchedDimension("b", choices=("on", 1))]
    points: list[dict[str, Any]] = [{"a": n / 10, "b": True} for n in range(10)]
    found = importance(axes, points, [n / 10 for n in range(10)])
    assert found.constant == ("b",)
    mixed: list[dict[str, Any]] = [{"a": 0.5, "b": [True, 1][n % 2]} for n in range(10)]
    assert importance(axes, mixed, [float(n % 2) for n in range(10)]).constant == ("a",), "on is not 1"


def test_a_searched_key_outside_the_identity_finds_the_baseline_too(searched: Searched) -> None:
    """`fail` changes no result, so that the trainer marks it; here it is searched, and the file writes 0 itself."""
    text = (
        weights("[]")
        .replace("config: {", "config: {fail: 0.0, ")
        .replace("weight: {choices: [0.9, 0.5, 0.1]}", "fail: {choices: [0, 0.1]}")
    )
    analysis, _ = searched(text, "search.finalists.top=1")
    assert analysis.search is not None
    own = analysis.search.baseline_candidate
    assert own is not None
    assert own.point == {"fail": 0}

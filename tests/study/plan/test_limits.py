"""What follows from the limits of tests for a study's claims."""

import json
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from ablate.measurement import RATE, Direction, Display, Kind, Metric, Scale
from ablate.study.model import Study
from ablate.study.plan.limits import RowLimits, limit_faults, limit_warnings, row_limits
from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import trials
from ablate.trainers.limits import QUERY_NOUNS, SplitLimits, Unanswerable
from tests.conftest import Ablate

STUDY = """\
study: limits
trainer: simulated
primary: {primary}
delta: {delta}
config: {{base: {base}, discordance: 0, queries: {queries}, effects: [{{when: {{trick: on}}, pp: {pp}}}]}}
factors:
  trick: {{sets: settings.trick, levels: [off, on]}}
design: [{{add_one: {{from: {{}}}}}}]
search: {{space: {{trick: {{choices: [off, on]}}}}, trials: 2}}
"""


def written(folder: Path, primary: str = "top1", **values: float) -> Path:
    path = folder / "limits.yaml"
    path.write_text(STUDY.format(**{"primary": primary, "delta": 0.5, "base": 0.5, "queries": 1000, "pp": 1, **values}))
    return path


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return read_study(written(tmp_path))


LOST = Unanswerable("the gallery has no image of their item", 3, "list.csv, line 7", "add images")


def on_split(queries: int, *lost: Unanswerable, split: str = "test", **ranges: tuple[float, float]) -> SplitLimits:
    because, remedy = "a query searches 4 gallery images at most", "add more"
    return SplitLimits(split, "made-up", queries, lost, ranges, because, remedy, QUERY_NOUNS)


def faults(study: Study, *splits: SplitLimits, searching: bool = False) -> list[str]:
    return list(limit_faults(study, RowLimits(("plain",), splits), searching))


def warnings(study: Study, *splits: SplitLimits, searching: bool = False) -> list[str]:
    return list(limit_warnings(study, RowLimits(("plain",), splits), searching))


def test_a_test_without_limits_is_fine(study: Study) -> None:
    for splits in ([], [on_split(1000)], [on_split(200), on_split(1, split="validation")]):
        assert faults(study, *splits) == warnings(study, *splits) == []


def test_one_query_is_held_beside_delta(study: Study) -> None:
    (warning,) = warnings(study, on_split(199))
    assert "the test split of made-up has 199 queries, so one query is 0.503 pp, more than delta (0.5 pp)" in warning


def test_a_range_no_wider_than_delta_is_a_fault(study: Study) -> None:
    """An effect beyond delta could not come out, so its absence is no news."""
    lost = Unanswerable("no box", 996, "", "find boxes")
    (fault,) = faults(study, on_split(1000, lost, top1=(0.0, 0.004)))
    assert "top1 can only be from 0 % to 0.4 % on the test split of made-up" in fault
    assert "no more than delta (0.5 pp)" in fault
    assert faults(study, on_split(1000, lost, top1=(0.0, 0.006))) == []


def test_the_validation_counts_for_a_search_only(study: Study) -> None:
    fixed = on_split(4, split="validation", top1=(1.0, 1.0))
    assert faults(study, on_split(1000), fixed) == []
    (warning,) = warnings(study, on_split(1000), fixed)
    (fault,) = faults(study, on_split(1000), fixed, searching=True)
    assert warning == f"{fault}; until then `ablate search` is refused"
    assert fault.startswith("top1 is 100 % on the validation split of made-up, whatever is trained, as a query")


def test_reasons_come_with_their_numbers_and_remedies(study: Study) -> None:
    other = Unanswerable("no box stands for them", 1, "", "find boxes")
    (fault,) = faults(study, on_split(4, LOST, other, top1=(0.0, 0.0)))
    assert fault == (
        "none of the 4 queries of the test split of made-up can be answered, so every rate is 0 %, whatever is "
        "trained: for 3 of them, the gallery has no image of their item (the first is list.csv, line 7); add images; "
        "for 1 of them, no box stands for them; find boxes"
    )
    warning = warnings(study, on_split(1000, other, top1=(0.0, 0.999)))[0]
    assert warning.startswith("1 of 1,000 queries of the test split of made-up cannot be answered, so top1 is at most")


def limits_of(study: Study) -> Iterator[tuple[tuple[str, ...], tuple[float, float]]]:
    configs = {trial.label: trial.config for trial in trials(study)}
    for shared in row_limits(study.entry, configs):
        limits = shared.on("test")
        assert limits is not None
        yield shared.rows, limits.ranges.get("top1", (0.0, 1.0))


def test_simulated_rates_at_a_bound_cannot_vary(tmp_path: Path) -> None:
    within = read_study(written(tmp_path, base=0.9, pp=9.9))
    assert list(limits_of(within)) == [(("baseline", "trick=on"), (0.0, 1.0))]
    beyond = read_study(written(tmp_path, base=0.9, pp=10))
    assert list(limits_of(beyond)) == [(("baseline",), (0.0, 1.0)), (("trick=on",), (1.0, 1.0))]


def test_the_limits_of_a_stored_plan_are_read_again(tmp_path: Path) -> None:
    limits = RowLimits(("a", "b"), (on_split(4, LOST, top1=(0.0, 0.25)), on_split(9, split="validation")))
    assert RowLimits.from_json(json.loads(json.dumps(limits.to_json()))) == limits


@pytest.mark.parametrize(("base", "pp", "row"), [(0, 1, "'baseline'"), (0.99, 2, "'trick=on'")])
@pytest.mark.parametrize("command", ["run", "search"])
def test_a_simulated_row_that_cannot_vary_is_refused(
    ablate: Ablate, tmp_path: Path, command: str, base: float, pp: float, row: str
) -> None:
    result = ablate(command, written(tmp_path, base=base, pp=pp))
    assert result.code == 2
    assert f"row {row}: top1 is {'0' if base == 0 else '100'} % on the test split, whatever is trained" in result.err
    assert "choose a base and effects" in result.err


def test_queries_that_cannot_be_missed_are_a_floor(study: Study) -> None:
    (warning,) = warnings(study, on_split(1000, top1=(0.25, 1.0)))
    assert "top1 is at least 25 % on the test split of made-up, whatever is trained" in warning
    assert warnings(study, on_split(1000, top1=(0.005, 1.0))) == [], "a floor within delta"


def test_each_choice_of_a_search_is_held_against_its_own_test(ablate: Ablate, tmp_path: Path) -> None:
    """No row has the effect that takes a candidate to the end of the scale."""
    path = written(tmp_path, base=0.9, pp=20)
    path.write_text(path.read_text().replace("design: [{add_one: {from: {}}}]\n", ""))
    result = ablate("search", path)
    assert result.code == 2
    assert result.err.startswith("search.space: candidates with trick=on: top1 is 100 % on the test split")
    assert "search.space: candidates with trick=off" not in result.err
    planned = ablate("plan", path)
    assert planned.code == 0
    assert "warning: search.space: candidates with trick=on: top1 is 100 %" in planned.err


def test_a_search_whose_candidates_all_score_alike_says_that_it_chose_nothing(ablate: Ablate, tmp_path: Path) -> None:
    path = tmp_path / "level.yaml"
    path.write_text(
        "study: level\ntrainer: simulated\n"
        "config: {queries: 1, base: 0.999999, discordance: 0, seed_sd_pp: 0, shared_seed_sd_pp: 0}\n"
        "factors: {k: {sets: settings.k, levels: [1, 2]}}\n"
        "search: {space: {k: {low: 1, high: 9}}, sampler: random, trials: 3, finalists: {top: 1, seeds: 2}}\n"
    )
    result = ablate("search", path, "--executor", "inline")
    assert result.code == 0
    assert "all 3 candidates have the same score, so the search could not tell them apart" in result.err
    report = " ".join(ablate("report", "level").out.split())
    assert "all other candidates have the same score, so the search could not tell them apart" in report
    assert "every result is 100.00 %, which shows neither an effect nor its absence" in report


@pytest.mark.slow
@pytest.mark.parametrize("family", ["direct", "effects"])
def test_looks_end_at_results_that_show_nothing(ablate: Ablate, tmp_path: Path, family: str) -> None:
    path = tmp_path / "level.yaml"
    path.write_text(
        f"study: level\ntrainer: simulated\nfamily: {family}\n"
        "config: {queries: 1, base: 0.999999, discordance: 0, seed_sd_pp: 0, shared_seed_sd_pp: 0}\n"
        "factors: {k: {sets: settings.k, levels: [1, 2]}}\n"
        "design: [{add_one: {from: {}}}]\nseeds: {looks: [2, 3, 5]}\n"
    )
    for _ in range(2):
        result = ablate("run", path, "--until-decided", "--executor", "inline")
        assert result.code == 0
        assert "look 2 of 3" not in result.err
    assert "every result is 100.00 %, which shows neither an effect" in " ".join(ablate("report", "level").out.split())


LOSS = Metric(
    "loss", Direction.MINIMIZE, unit="nats", bounds=(0.0, inf), display=Display(unit="nats", difference_unit="nats")
)
CORRECT = Metric("correct", kind=Kind.PROPORTION, bounds=(0.0, 1.0), display=RATE)


def about(study: Study, metric: Metric, delta: float) -> Study:
    return replace(study, metrics=(metric, CORRECT), primary=metric.name, delta=delta)


def of_examples(examples: int, **ranges: tuple[float, float]) -> SplitLimits:
    return SplitLimits("test", "", examples, (), ranges, "its labels are constant", "add labels")


@pytest.mark.parametrize("metric", [LOSS, replace(LOSS, scale=Scale.LOG)])
@pytest.mark.parametrize("delta", [1.05, 300])
def test_a_metric_without_limits_is_fine_whatever_its_unit(study: Study, metric: Metric, delta: float) -> None:
    """150 is no share of 1, and one example is no step of a number that is no proportion."""
    assert faults(about(study, metric, delta), of_examples(3)) == []
    assert warnings(about(study, metric, delta), of_examples(3)) == []


def test_ranges_and_steps_are_printed_in_the_unit_of_their_metric(study: Study) -> None:
    (narrow,) = faults(about(study, LOSS, 0.5), of_examples(9, loss=(1.25, 1.5)))
    assert narrow.startswith(
        "loss can only be from 1.25 nats to 1.5 nats on the test split, which is no more than delta (0.5 nats), so it"
    )
    (ratio,) = faults(about(study, replace(LOSS, scale=Scale.LOG), 1.25), of_examples(9, loss=(1.25, 1.5)))
    assert "no more than delta (1.25)" in ratio
    assert faults(about(study, replace(LOSS, scale=Scale.LOG), 1.19), of_examples(9, loss=(1.25, 1.5))) == []
    (fixed,) = faults(about(study, LOSS, 0.5), of_examples(9, loss=(0.0, 0.0)))
    assert fixed == (
        "loss is 0 nats on the test split, whatever is trained, as its labels are constant, so it shows no difference; "
        "judge by correct, which can vary, or add labels"
    )
    (coarse,) = warnings(about(study, CORRECT, 0.5), of_examples(50))
    assert coarse == (
        "the test split has 50 examples, so one example is 2 pp, more than delta (0.5 pp): rows that differ by one "
        "example differ by more than delta; use more examples, or a larger delta"
    )


def test_a_test_without_examples_is_refused_in_the_words_of_its_trainer(study: Study) -> None:
    (fault,) = faults(about(study, LOSS, 0.5), of_examples(0))
    assert fault == "the test split has no examples, so nothing can be found in it; add labels"


def test_limits_of_an_older_version_are_those_of_queries() -> None:
    group = {"reason": LOST.reason, "queries": 3, "first": LOST.first, "remedy": LOST.remedy}
    split = {"split": "test", "data": "made-up", "queries": 4, "unanswerable": [group], "ranges": {"top1": [0, 0.25]},
             "because": "a query searches 4 gallery images at most", "remedy": "add more"}  # fmt: skip
    stored = {"rows": ["a"], "splits": [split]}
    assert RowLimits.from_json(stored) == RowLimits(("a",), (on_split(4, LOST, top1=(0.0, 0.25)),))


def test_a_floor_of_another_metric_than_the_primary_one_is_not_held_against_delta(study: Study) -> None:
    """Delta is 300 nats of the loss; the search judges a rate."""
    assert study.search
    about_loss = replace(about(study, LOSS, 300), search=replace(study.search, metrics=(CORRECT,)))
    validation = replace(of_examples(1000, correct=(0.25, 1.0)), split="validation")
    (warning,) = warnings(about_loss, validation, searching=True)
    assert warning.startswith("correct is at least 25 % on the validation split")

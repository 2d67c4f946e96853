"""What the rest of the tool is told about the config of the simulated trainer."""

from typing import Any

import pytest

from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import Trial, trials
from ablate.trainers.registry import TRAINERS

STUDY = """\
study: s
trainer: simulated
config: {config}
factors: {{a: {{sets: settings.a, levels: [off, on]}}}}
design: [{{rows: {{plain: {{}}, changed: {{a: on}}}}}}]
delta: 0.5
seeds: 1
"""


@pytest.fixture
def planned(tmp_path):
    def plan(config: str) -> list[Trial]:
        path = tmp_path / "s.yaml"
        path.write_text(STUDY.format(config=config))
        return trials(read_study(path))

    return plan


def warnings(config: dict[str, Any]) -> list[str]:
    entry = TRAINERS["simulated"]
    plain = entry.config.model_validate({**config, "settings": {"a": True}}, strict=False).model_dump(mode="json")
    return list(entry.study_warnings([plain], []))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{metrics: [loss, rates]}", "{metrics: [rates, loss]}"),
        ("{metrics: [score], score: {better: lower}}", "{metrics: [score]}"),
        ("{loss: {base: 7}, score: {positive: on}}", "{}"),
        ("{metrics: [score], queries: 7, ids: ordered, discordance: 0.1}", "{metrics: [score]}"),
        ("{metrics: [loss], discordance: 0.1, score: {base: 3}}", "{metrics: [loss]}"),
        ("{cluster_share: 0.9}", "{}"),
    ],
)
def test_what_a_config_does_not_read_makes_no_other_trial(planned, one: str, other: str) -> None:
    assert [trial.key for trial in planned(one)] == [trial.key for trial in planned(other)]


@pytest.mark.parametrize(
    "one",
    [
        "{metrics: [rates, loss]}",
        "{ids: ordered}",
        "{clusters: 5}",
        "{broken: [{metric: top1}]}",
        "{broken: [{metric: top1, seeds: [1]}]}",
    ],
)
def test_what_a_config_reads_makes_another_trial(planned, one: str) -> None:
    assert planned(one)[0].key != planned("{}")[0].key


def test_a_loss_that_is_not_asked_for_is_said_to_be_unread(planned) -> None:
    assert planned("{loss: {base: 7}}")[0].unread["loss.base"] == "metrics has no loss"
    assert planned("{metrics: [score], queries: 7}")[0].unread["queries"] == "metrics has no rates and no loss"
    assert "loss.base" not in planned("{metrics: [loss]}")[0].unread


def test_misspelt_names_in_broken_are_warned_of() -> None:
    broken = [{"when": {"b": True}, "metric": "top1"}]
    assert warnings({"broken": broken}) == [
        "an entry of broken depends on the setting 'b', which nothing sets; set are: a"
    ]
    assert warnings({"broken": [{"when": {"a": False}}]}) == [
        "an entry of broken depends on a = off, which no row has, so it never acts; rows have: on"
    ]
    assert warnings({"broken": [{"metric": "lost"}], "metrics": ["loss", "score"]}) == [
        "an entry of broken names the metric 'lost', which no run has; did you mean 'loss'? runs have: loss, score"
    ]
    assert warnings({"broken": [{"when": {"a": True}, "metric": "loss"}], "metrics": ["loss"]}) == []


def test_a_rate_without_room_limits_rates_only() -> None:
    entry = TRAINERS["simulated"]
    plain = [
        entry.config.model_validate({"base": 0.0, "discordance": 0.0, "metrics": metrics}, strict=False).model_dump()
        for metrics in (["rates"], ["loss"], ["score"])
    ]
    rates, loss, score = entry.limits(plain)
    assert rates[0].is_fixed("top1")
    assert [(one.split, one.counted, one.ranges) for one in loss] == [
        ("validation", "1,000 examples", {}),
        ("test", "1,000 examples", {}),
    ]
    assert score == ()

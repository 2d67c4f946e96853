"""Logs of studies about any metric: they give back the values of all metrics, with their units and directions."""

import json
from pathlib import Path

import pytest

from ablate.errors import LogError
from ablate.study.logfile.parser import parse_log
from ablate.study.logfile.rows import named_rows
from tests.conftest import Ablate
from tests.support.study_text import filled

STUDY = """\
study: own
trainer: simulated
config: {queries: 60, metrics: <measured>, score: {positive: on}}
metrics: <listed>
primary: <primary>
delta: <delta>
factors: {trick: {sets: settings.trick, levels: [off, on]}}
design: [{add_one: {from: {}}}]
seeds: <seeds>
"""


def slow(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("measured", "listed", "primary", "delta", "seeds"),
    [
        ("[rates, loss, score]", "{score: {scale: log, unit: points}}", "score", "1.05", "3"),
        ("[loss]", "{}", "loss", "0.02", "{looks: [2, 3]}"),
        slow("[loss, score]", "{}", "score", "2", "1"),
        slow("[rates, score]", "{}", "top5", "0.5", "2"),
    ],
)
def test_a_log_gives_back_the_values_and_the_rules_of_every_metric(
    ablate: Ablate, tmp_path: Path, measured: str, listed: str, primary: str, delta: str, seeds: str
) -> None:
    text = filled(STUDY, measured=measured, listed=listed, primary=primary, delta=delta, seeds=seeds)
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    ablate("run", "study.yaml", "--executor", "inline", *(["--until-decided"] if "looks" in seeds else []))
    ablate("report", "own", "--format", "log", "--output", "own.md")
    assert ablate("import", "own.md", "--study", "again").code == 0
    own, again = (json.loads(ablate("report", name, "--format", "json").out) for name in ("own", "again"))
    assert again["primary"] == own["primary"] == primary
    for key in ("delta", "direction", "unit", "scale", "family"):
        assert again[key] == own[key]
    declared, declared_again = (
        [{key: value for key, value in metric.items() if key != "effects"} for metric in one["metrics"]]
        for one in (own, again)
    )
    assert declared_again == declared or primary == "top5"
    values, values_again = ([row["metrics"][primary]["values"] for row in one["rows"]] for one in (own, again))
    assert values_again == values
    if seeds != "1":  # then single examples decide, which logs lack
        assert again["contrasts"] == own["contrasts"]
        assert again["metrics"] == own["metrics"] or primary == "top5"
    assert (own["looks"] is None) == (again["looks"] is None)
    assert ablate("report", "again", "--format", "log").out == (tmp_path / "own.md").read_text(encoding="utf-8")


METRIC = (
    '{"name": "loss", "direction": "minimize", "kind": "scalar", "unit": "", "bounds": [0, null], "scale": "linear", '
)
LOG = (
    '# setting\nlr: 1\n\n# study\n\nprimary: "loss"\n\ndelta: 0.02\n\nmetrics: ['
    + METRIC
    + '"display": {}}]\n\nalpha: 0.05\n\nfactors: []\n\n# a\n\nx: 1\n\nresults:\n\n    seeds: 0, 1\n'
    '    values: {"loss": [2.5, 2.25]}\n    examples: {"loss": [100, 100]}\n'
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[2.5, 2.25]", "[2.5]", "values has 1 values for 2 seeds"),
        ("[2.5, 2.25]", '[2.5, "low"]', "accepted: a JSON object, a list of numbers for each metric"),
        ("[2.5, 2.25]", "[2.5, true]", "accepted: a JSON object, a list of numbers for each metric"),
        ('    values: {"loss": [2.5, 2.25]}\n', "", "need `queries:` and `hits top-k:` lines, or `values:`"),
        ("[100, 100]", "[100]", "examples has 1 values for 2 seeds"),
        ("[100, 100]", "[100, 0.5]", "accepted: a JSON object, a list of whole numbers or null for each metric"),
        ("delta: 0.02\n\n", "", "has no `delta_pp:` line"),
        ("delta: 0.02", "delta: -1", "found -1 for delta; accepted: a number from 0"),
        ('primary: "loss"', 'primary: "los"', "unknown primary metric 'los'; did you mean 'loss'?"),
        ('"minimize"', '"down"', "found another form of `metrics:` than `--format log` writes"),
    ],
)
def test_a_log_of_metrics_that_was_changed_by_hand_has_its_faults(old: str, new: str, words: str) -> None:
    assert old in LOG
    named_rows(parse_log(LOG))
    with pytest.raises(LogError) as caught:
        named_rows(parse_log(LOG.replace(old, new)))
    assert words in str(caught.value)

"""Reports about values that cannot be used: they are named with the reason, and nothing false is said about them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ablate

STUDY = """\
study: unusable
trainer: simulated
config:
  queries: 100
  metrics: [loss, score]
  effects: [{when: {a: on}, pp: 20}]
  MORE
factors:
  a: {sets: settings.a, levels: [off, on]}
  b: {sets: settings.b, levels: [off, on]}
design: [{grid: {a: [off, on], b: [off, on]}}]
primary: METRIC
delta: 0.03
seeds: SEEDS
"""
LAST = "when: {a: on, b: on}"
pytestmark = pytest.mark.usefixtures("undrawn")


def run(ablate: Ablate, more: str, metric: str, seeds: int) -> str:
    """Run the study, and return its report in one line."""
    text = STUDY.replace("MORE", more).replace("METRIC", metric).replace("SEEDS", str(seeds))
    Path("unusable.yaml").write_text(text, encoding="utf-8")
    assert ablate("run", "unusable.yaml", "--executor", "inline").code == 0
    report = ablate("report")
    assert report.code == 0, report.err
    return " ".join(report.out.split())


def of_json(ablate: Ablate) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(ablate("report", "--format", "json").out)
    return report


@pytest.mark.parametrize(
    ("gives", "reason"),
    [
        ("nan", "loss is not a number"),
        ("inf", "loss is infinite"),
        ("missing", "loss was not reported"),
    ],
)
def test_a_seed_that_cannot_be_used_is_named_and_costs_its_row_this_seed_only(
    ablate: Ablate, gives: str, reason: str
) -> None:
    text = run(ablate, f"broken: [{{{LAST}, seeds: [1], metric: loss, gives: {gives}}}]", "loss", 3)
    assert f"row a=on, b=on, seed 1: {reason}" in text
    contrasts = {(one["from"], one["to"]): one for one in of_json(ablate)["contrasts"]}
    assert contrasts["b=on", "a=on, b=on"]["seeds"] == 2
    assert contrasts["b=on", "a=on, b=on"]["undeclared"] == []
    assert contrasts["baseline", "a=on"]["seeds"] == 3


def test_a_row_without_any_usable_value_is_named_as_the_reason(ablate: Ablate) -> None:
    text = run(ablate, f"broken: [{{{LAST}, metric: score, gives: missing}}]", "score", 2)
    assert "(rows 2 → 4): row 4 has no score that can be used" in text
    assert "seed in common" not in text
    assert "every other row with a result" in text


@pytest.mark.parametrize(
    ("more", "metric", "reason"),
    [
        ("seed_sd_pp: 0.1", "score", "one number a row does not show how much runs vary"),
        ("clusters: 1", "loss", "the examples do not show how much they vary"),
        ("broken: [{metric: loss, gives: constant}]", "loss", "the examples do not show how much they vary"),
    ],
)
def test_without_any_test_no_row_is_marked_as_the_best(ablate: Ablate, more: str, metric: str, reason: str) -> None:
    text = run(ablate, more, metric, 1)
    assert f"{reason}, so nothing is claimed" in text
    assert "no intervals" in text
    assert not re.search(r"\*|bold|intervals cover|generalise", text)


def test_rows_on_other_examples_are_named_with_their_numbers(ablate: Ablate) -> None:
    text = run(ablate, "broken: [{when: {a: on}, metric: loss, gives: fewer}]", "loss", 1)
    assert "Rows 1, 2: loss on 100 test examples. Rows 3, 4: loss on 90 test examples." in text
    assert "cannot be ranked" in text
    assert "these rows cannot be compared example by example: b off → on (rows 3 → 4)" in text
    assert "one number a row" not in text


def test_a_reference_of_one_seed_has_the_interval_of_its_own_examples(ablate: Ablate) -> None:
    run(ablate, "seed_sd_pp: 0.1\nreferences: {untrained: {base: 0.1}}", "loss", 1)
    report = of_json(ablate)
    (reference,) = report["references"]
    low, high = reference["metrics"]["loss"]["ci"]
    assert low < reference["metrics"]["loss"]["mean"] < high


def test_ratios_of_rates_of_one_seed_claim_nothing_and_say_why(ablate: Ablate) -> None:
    study = STUDY.replace("[loss, score]", "[rates]").replace("0.03", "1.03\nmetrics: {top1: {scale: log}}")
    Path("unusable.yaml").write_text(
        study.replace("MORE", "seed_sd_pp: 0.1").replace("METRIC", "top1").replace("SEEDS", "1"),
        encoding="utf-8",
    )
    assert ablate("run", "unusable.yaml", "--executor", "inline").code == 0
    text = " ".join(ablate("report").out.split())
    assert "One seed per row, and ratios are compared over two seeds or more, so nothing is claimed." in text
    assert "no intervals" in text
    assert "query by query" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "broken",
    [
        f"{{{LAST}, seeds: [1], metric: loss, gives: missing}}",
        f"{{{LAST}, metric: loss, gives: missing}}",
        "{when: {a: on}, metric: loss, gives: renamed}",
        "{when: {a: on}, seeds: [0], metric: loss, gives: nan}",
    ],
)
def test_a_log_keeps_what_cannot_be_used_and_the_verdicts(ablate: Ablate, broken: str) -> None:
    run(ablate, f"broken: [{broken}]", "loss", 3)
    own = of_json(ablate)
    assert ablate("report", "--format", "log", "--output", "own.md").code == 0
    assert ablate("import", "own.md", "--study", "again", "--store", "again.db").code == 0
    again = json.loads(ablate("report", "again", "--format", "json", "--store", "again.db").out)
    for key in ("contrasts", "effects", "tied_best", "findings"):
        assert again[key] == own[key], key


def test_intervals_of_single_numbers_are_never_said_to_be_for_new_examples(ablate: Ablate) -> None:
    run(ablate, "seed_sd_pp: 0.5", "score", 3)
    text = " ".join(ablate("report", "--population", "examples-and-seeds").out.split())
    assert "No interval is for new examples: score is one number a run" in text
    assert "intervals cover new seeds" in text
    assert "new examples and new seeds" not in text

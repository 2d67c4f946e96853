"""Rows that were tested on different examples: said of each, never ranked, never paired, and without a verdict."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from ablate.analysis.analysis import analyse
from ablate.analysis.contrasts import CONFOUNDED, DIRECT
from ablate.analysis.results import TESTED_ON
from tests.conftest import Ablate
from tests.support.analysis.analysis_rows import N, results, row

LEVELS = {"list": ["a", "b"], "margin": [1, 2]}
HITS = np.arange(N) < 500


def study(tests: str):
    """Return two lists by two margins, one seed each; `tests` names what each row is tested on, a letter a row."""
    cells = [{"list": one, "margin": margin} for one in "ab" for margin in (1, 2)]
    made = [
        row(number, levels, {0: 500}, environments={0: {TESTED_ON: on}})
        for number, (levels, on) in enumerate(zip(cells, tests, strict=True), start=1)
    ]
    hits = {f"{one.number}/0": np.roll(HITS, one.number) for one in made}
    return analyse(results(LEVELS, made, hits))


def test_other_examples_are_an_undeclared_difference_even_of_equal_number() -> None:
    analysis = study("xxyy")
    found = {(each.before.number, each.after.number): each for each in analysis.contrasts}
    assert found[1, 3].undeclared == (TESTED_ON,)
    assert (found[1, 3].identified, found[1, 3].estimate.verdict) == (CONFOUNDED, "confounded")
    assert found[1, 3].estimate.method == "newcombe", "never query by query"
    assert analysis.pairing(found[1, 3]) is None
    assert (found[1, 2].identified, found[1, 2].estimate.method) == (DIRECT, "bonett-price")
    assert [effect.identified for effect in analysis.effects] == ["none", "direct"]


def test_rows_on_the_same_examples_are_compared_query_by_query_whatever_they_were_trained_on() -> None:
    analysis = study("xxxx")
    found = {(each.before.number, each.after.number): each for each in analysis.contrasts}
    assert (found[1, 3].identified, found[1, 3].estimate.method) == (DIRECT, "bonett-price")
    assert analysis.best


def test_rows_on_other_examples_are_not_ranked_and_no_run_is_suggested_to_separate_them() -> None:
    analysis = study("xxyy")
    assert analysis.best == frozenset()
    assert not [run for run in analysis.suggestions if "list" in run.resolves]


STUDY = """
study: sizes
trainer: simulated
factors:
  size: {sets: queries, levels: [400, 300]}
  trick: {sets: settings.trick, levels: [off, on]}
design: [{grid: {size: [400, 300], trick: [off, on]}}]
"""


@pytest.fixture
def sizes(ablate: Ablate) -> Ablate:
    Path("study.yaml").write_text(STUDY)
    assert ablate("run", "study.yaml", "--executor", "inline").code == 0
    return ablate


def test_each_row_shows_its_own_test(sizes: Ablate) -> None:
    report = json.loads(sizes("report", "--format", "json").out)
    assert [each["data"]["queries"] for each in report["rows"]] == [400, 400, 300, 300]
    assert report["data"]["queries"] is None
    assert report["tied_best"] == []
    confounded = [each for each in report["contrasts"] if "test examples" in each["undeclared"]]
    assert [(each["from"], each["to"]) for each in confounded] == [
        ("baseline", "size=300"),
        ("baseline", "size=300, trick=on"),
        ("trick=on", "size=300"),
        ("trick=on", "size=300, trick=on"),
    ]
    text = " ".join(sizes("report", "--format", "latex").out.replace("%", "").split())
    tests = ["Rows 1, 2: 400 test queries, gallery of 1,000.", "Rows 3, 4: 300 test queries, gallery of 1,000."]
    assert f"Data: not the same for all rows. {' '.join(tests)}" in text
    assert "Rows that were tested on different examples cannot be ranked" in text
    rows = list(csv.DictReader(io.StringIO(sizes("report", "--format", "csv").out)))
    assert [row["n"] for row in rows] == ["400", "400", "300", "300"]
    assert [row["gallery"] for row in rows] == ["1000"] * 4

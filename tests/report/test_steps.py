"""Steps belong to the parts of a design whose rows have an order; the rows of others are compared with the baseline."""

import csv
import io
import json
from pathlib import Path

import pytest

from ablate.analysis.analysis import analyse
from ablate.analysis.loading import load
from ablate.report.figures.forest import CONFOUNDED, forest
from ablate.report.figures.rows import ladder
from ablate.report.formats import terminal
from ablate.store import find_store
from tests.conftest import Ablate
from tests.support.analysis.analysis_rows import results, row
from tests.support.study_text import filled, read

pytestmark = pytest.mark.usefixtures("undrawn")

STUDY = """\
study: ordered
trainer: simulated
config: {queries: 100}
factors:
  a: {sets: settings.a, levels: [off, on]}
  b: {sets: settings.b, levels: [off, on]}
  c: {sets: settings.c, levels: [off, on]}
design:
  <design>
seeds: 2
"""
WITHOUT_ORDER = {
    "add_one": "- add_one: {from: {}}",
    "leave_one_out": "- leave_one_out: {from: {a: on, b: on, c: on}}",
    "pairs": "- pairs: {from: {}, factors: [a, b, c]}",
    "grid": "- grid: {a: [off, on], b: [off, on]}",
    "fractional": "- fractional: {from: {}, factors: [a, b, c], resolution: 3}",
}


@pytest.mark.parametrize(
    "kind", [kind if kind == "add_one" else pytest.param(kind, marks=pytest.mark.slow) for kind in WITHOUT_ORDER]
)
def test_rows_without_an_order_have_no_steps(ablate: Ablate, tmp_path: Path, kind: str) -> None:
    (tmp_path / "study.yaml").write_text(filled(STUDY, design=WITHOUT_ORDER[kind]))
    ablate("run", "study.yaml", "--executor", "inline")
    for form in ("terminal", "markdown", "latex"):
        text = ablate("report", "--format", form).out
        assert "row above" not in text
        assert "the step" not in text
    assert "Against the baseline, row 1: change of top-1" in ablate("report").out or kind == "leave_one_out"
    assert json.loads(ablate("report", "--format", "json").out)["steps"] == []
    lines = list(csv.DictReader(io.StringIO(ablate("report", "--format", "csv").out)))
    assert not any(line["change_pp"] for line in lines)
    analysis = analyse(load(find_store("results/ablate.db"), "ordered"))  # type: ignore[arg-type]
    assert all(entry.kind != CONFOUNDED for entry in forest(analysis))
    assert [rung.builds_on for rung in ladder(analysis)] == [None] * len(lines)
    assert sum(rung.change == "" for rung in ladder(analysis)) == 1, "all others have their change from the baseline"


def test_a_ladder_and_rows_have_steps_and_the_rows_beside_them_have_none(tmp_path: Path) -> None:
    design = "- ladder: {from: {}, add: [a, b]}\n  - rows: {x: {c: on}, y: {c: on, a: on}}\n  - add_one: {from: {}}"
    study = read(tmp_path, filled(STUDY, design=design))
    assert study.steps == (("baseline", "a=on"), ("a=on", "a=on, b=on"), ("x", "y"))
    assert [r.label for r in study.rows] == ["baseline", "a=on", "a=on, b=on", "x", "y", "b=on"]


def test_a_second_ladder_starts_from_its_own_first_row(ablate: Ablate, tmp_path: Path) -> None:
    design = "- ladder: {from: {}, add: [a, b]}\n  - ladder: {from: {}, add: [c]}"
    (tmp_path / "study.yaml").write_text(filled(STUDY, design=design))
    ablate("run", "study.yaml", "--executor", "inline")
    steps = json.loads(ablate("report", "--format", "json").out)["steps"]
    assert steps == [["baseline", "a=on"], ["a=on", "a=on, b=on"], ["baseline", "c=on"]]
    text = ablate("report").out
    table = text[text.index("Steps: ") : text.index("Against the baseline")]
    assert " 1 → 4 " in table
    assert "confounded" not in table
    assert "the other rows have no order" not in " ".join(text.split()), "each row is in a ladder"


def test_rows_that_are_in_no_step_are_explained() -> None:
    rows = [row(n, {"a": level}, {0: 200 + n, 1: 210 + n}) for n, level in enumerate("xyz", start=1)]
    for steps, is_said in (([["row 1", "row 2"]], True), ([["row 1", "row 3"], ["row 3", "row 2"]], False)):
        text = terminal.render(analyse(results({"a": list("xyz")}, rows, steps=steps)), False, 80)
        assert ("the other rows have no order" in " ".join(text.split())) == is_said


def test_a_plan_of_an_older_version_has_a_step_to_each_row() -> None:
    rows = [row(n, {"a": level}, {0: 200 + n, 1: 210 + n}) for n, level in enumerate("xyz", start=1)]
    old = results({"a": list("xyz")}, rows)
    assert old.document.steps is None
    assert [(above.number, one.number) for above, one in old.steps] == [(1, 2), (2, 3)]
    assert [rung.builds_on for rung in ladder(analyse(old))] == [None, 1, 2]
    assert results({"a": list("xyz")}, rows, steps=[]).steps == []


def test_rows_that_follow_no_other_are_named_in_the_figure() -> None:
    rows = [row(n, {"a": level}, {0: 200 + n, 1: 210 + n}) for n, level in enumerate("xyz", start=1)]
    mixed = results({"a": list("xyz")}, rows, steps=[["row 1", "row 2"]])
    assert [rung.change for rung in ladder(analyse(mixed))] == ["", "+0.10  a", "from row 1: +0.20  a"]

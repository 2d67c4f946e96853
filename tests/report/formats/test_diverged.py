"""Seeds that diverged are counted in their row, with the reason, in every format; no cell is empty without a word."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from ablate.api.plan import plan_study
from tests.conftest import Ablate
from tests.support.command_line import INLINE, query

STUDY = """\
study: rates
trainer: simulated
config:
  queries: 100
  metrics: [loss, score]
  broken:
    - {when: {lr: 0.3}, seeds: [1, 4], metric: loss, gives: diverged}
    - {when: {lr: 9}, gives: diverged}
factors: {lr: {sets: settings.lr, levels: [0.1, 0.3, 9]}}
design: [add_one: {from: {}}]
primary: loss
delta: 0.03
seeds: 5
"""
LOSS, ALL = "loss is not a number", "every metric is not a number"
FINDINGS = [
    "row 2 (lr=0.3): 2 of 5 seeds diverged; effects of this row come from the 3 seeds that did not, which favours it",
    "row 3 (lr=9): 5 of 5 seeds diverged, and no other has a result, so the row has no effects",
]
pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def ran(ablate: Ablate) -> Ablate:
    """`ablate`, after a run in which all seeds of one row diverge, and two of another."""
    Path("rates.yaml").write_text(STUDY, encoding="utf-8")
    result = ablate("run", "rates.yaml", *INLINE)
    assert (result.code, "15 of 15 trainings run" in result.err) == (0, True), result.err
    assert "0 failed, 7 diverged" in result.err
    return ablate


def of_json(ablate: Ablate, study: str = "rates") -> dict[str, Any]:
    report: dict[str, Any] = json.loads(ablate("report", study, "--format", "json").out)
    return report


def test_json_has_the_seeds_and_the_reasons(ran: Ablate) -> None:
    report = of_json(ran)
    ends = {row["label"]: (row["seeds"], row["failed"], row["diverged"], row["missing"]) for row in report["rows"]}
    every = [0, 1, 2, 3, 4]
    assert ends == {
        "baseline": (every, [], [], []),
        "lr=0.3": ([0, 2, 3], [], [1, 4], [1, 4]),
        "lr=9": ([], [], every, every),
    }
    reasons = {row["label"]: row["reasons"] for row in report["rows"]}
    assert reasons == {"baseline": {}, "lr=0.3": {"1": LOSS, "4": LOSS}, "lr=9": dict.fromkeys("01234", ALL)}
    assert report["findings"] == FINDINGS
    contrasts = {one["to"]: (one["seeds"], one["verdict"]) for one in report["contrasts"] if one["from"] == "baseline"}
    assert contrasts["lr=0.3"][0] == 3
    assert contrasts["lr=9"] == (0, "not_estimable")
    assert report["suggestions"] == [], "a row that diverged in every seed is no run to add"


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex"])
def test_texts_count_them_in_their_row_and_name_the_reason_once(ran: Ablate, form: str) -> None:
    text = " ".join(ran("report", "--format", form).out.split())
    assert "3 of 5, 2 diverged" in text
    assert "0 of 5, 5 diverged" in text
    opening, *_ = text.partition("Rows")
    assert f"Diverged: lr=9, seeds 0, 1, 2, 3, 4: {ALL}." in opening
    assert f"Diverged: lr=0.3, seeds 1, 4: {LOSS}." in opening
    assert opening.index(ALL) < opening.index(LOSS), "the most frequent reason first"
    assert opening.count(LOSS) == opening.count(ALL) == 1
    assert "2 of 5 seeds diverged; effects of this row come from the 3 seeds that did not, which favours it" in text
    assert "row 3 diverged" in text
    assert "no result yet" not in text.lower()


def test_csv_has_a_column_and_the_findings_on_stderr(ran: Ablate) -> None:
    report = ran("report", "--format", "csv")
    lines = {line["row"]: line for line in csv.DictReader(report.out.splitlines())}
    assert [lines[row]["diverged"] for row in ("baseline", "lr=0.3", "lr=9")] == ["", "1;4", "0;1;2;3;4"]
    assert lines["lr=0.3"]["failed"] == ""
    assert all(finding in report.err for finding in FINDINGS)


def test_a_log_keeps_them(ran: Ablate) -> None:
    ran("report", "--format", "log", "--output", "rates.md")
    assert ran("import", "rates.md", "--study", "again").code == 0
    for key in ("seeds", "failed", "diverged", "missing", "reasons"):
        assert [row[key] for row in of_json(ran, "again")["rows"]] == [row[key] for row in of_json(ran)["rows"]]
    assert ran("report", "again", "--format", "log").out == Path("rates.md").read_text(encoding="utf-8")
    Path("wrong.md").write_text(Path("rates.md").read_text().replace("    missing: 1, 4\n", "    missing: 1\n"))
    wrong = ran("import", "wrong.md", "--study", "wrong")
    assert (wrong.code, "a seed that diverged has no result, so it must be missing too" in wrong.err) == (2, True)


def test_plan_status_and_the_view_name_the_state(ran: Ablate) -> None:
    plan = ran("plan", "rates.yaml").out
    assert "  3 done, 2 diverged lr=0.3\n  diverged   lr=9\n" in plan
    assert "of which 0 to run" in plan
    assert [item.state for item in plan_study("rates.yaml").trials].count("diverged") == 7
    status = ran("status").out.splitlines()
    assert status[0] == "rates (base), 15 trials: 7 diverged, 8 done"
    assert status[1] == f"  diverged lr=0.3, seed 1, attempt 1: {LOSS}"
    states = "SELECT label, state, count(*) FROM results GROUP BY 1, 2 ORDER BY 1, 2"
    counts = [("baseline", "done", 5), ("lr=0.3", "diverged", 2), ("lr=0.3", "done", 3), ("lr=9", "diverged", 5)]
    assert query(states) == counts


def test_a_second_run_runs_nothing_until_the_rows_are_reset(ran: Ablate) -> None:
    for words in ((), ("--retry-failed",)):
        again = ran("run", "rates.yaml", *INLINE, *words)
        assert (again.code, "7 of them diverged; nothing to run" in again.err) == (0, True), again.err
    assert (
        ran("reset", "rates", "lr=0.3").out == "queued again: lr=0.3, seeds 0, 1, 2, 3, 4; 3 results kept as history\n"
    )
    assert "5 of 15 trainings run" in ran("run", "rates.yaml", *INLINE).err
    assert of_json(ran)["rows"][1]["diverged"] == [1, 4]


def test_reports_about_another_metric_leave_them_out_too(ran: Ablate) -> None:
    """The score of these seeds is a number, but a training that diverged has no result at all."""
    report = json.loads(ran("report", "--metric", "score", "--format", "json").out)
    assert (report["rows"][1]["seeds"], report["rows"][1]["diverged"]) == ([0, 2, 3], [1, 4])

"""Plans that a run replaces: of another file, or of the same file by options. Other seeds are counted."""

import json
from pathlib import Path

import pytest

from tests.conftest import Ablate

STUDY = """\
study: demo
question: Does a help?
trainer: simulated
factors:
  a: {sets: settings.a, levels: [off, on]}
  b: {sets: settings.b, levels: [1, 2, 3]}
design: [{grid: {a: [off, on], b: [1, 2, 3]}}]
seeds: 3
"""
INLINE = ("--executor", "inline")
OTHER = "in the store was last run from"


@pytest.fixture
def ran(ablate: Ablate) -> Ablate:
    """The command line, after a run of a study of 6 rows and 3 seeds."""
    Path("study.yaml").write_text(STUDY)
    assert ablate("run", "study.yaml", "--store", "x.db", *INLINE).code == 0
    return ablate


def rows(ablate: Ablate, *study: str) -> list[int]:
    """Return the number of seeds with a result of each row in a report."""
    report = json.loads(ablate("report", *study, "--store", "x.db", "--format", "json").out)
    return [len(row["seeds"]) for row in report["rows"]]


def summary(ablate: Ablate) -> str:
    """Return a report that draws no figure, on one line."""
    return " ".join(ablate("report", "--store", "x.db", "--format", "latex").out.split())


def test_an_exploratory_run_says_what_reports_show_and_how_to_get_back(ran: Ablate) -> None:
    explored = ran("run", "study.yaml", "--store", "x.db", "--set", "config.queries=500", "--only", "a=on", *INLINE)
    lines = explored.err.splitlines()
    assert "demo: reports show this plan, which has config.queries=500 by option" in lines
    report = ran("report", "--store", "x.db", "--format", "csv")
    assert "demo: reports show this plan, which has config.queries=500 by option" in report.err
    for said in (lines, report.err.splitlines()):
        assert "the file's own plan: ablate report study.yaml --store x.db" in said
        assert "to run it again: ablate run study.yaml --store x.db" in said
    assert rows(ran) == [0, 0, 0, 3, 0, 0]
    assert rows(ran, "study.yaml") == [3] * 6
    assert rows(ran) == [0, 0, 0, 3, 0, 0], "a report changes nothing"
    assert ran("run", "study.yaml", "--store", "x.db", *INLINE).code == 0
    assert rows(ran) == [3] * 6
    assert "by option" not in ran("report", "--store", "x.db", "--format", "csv").err


def test_trials_are_counted_where_many_rows_lack_some(ran: Ablate) -> None:
    ran("run", "study.yaml", "--store", "x.db", "--set", "seeds=4", "--only", "a=on", *INLINE)
    text = summary(ran)
    assert "19 of 24 trials have a result." in text
    assert "No result yet: 5 trials, in 5 of 6 rows." in text


def test_results_with_other_seeds_are_not_hidden_in_silence(ran: Ablate) -> None:
    note = "12 results of 6 rows with other seeds (1, 2) stay in the store, and reports of this plan leave them out"
    for _ in range(2):
        fewer = ran("run", "study.yaml", "--store", "x.db", "--seeds", 1, *INLINE)
        assert f"note: {note}\n" in fewer.err
    assert "Not shown: 12 results of 6 rows with other seeds (1, 2), which this plan leaves out" in summary(ran)
    ran("run", "study.yaml", "--store", "x.db", *INLINE)
    assert "Not shown" not in summary(ran)


def test_a_seed_without_a_result_and_another_config_hide_nothing(ran: Ablate) -> None:
    other = ran("run", "study.yaml", "--store", "x.db", "--seeds", 1, "--set", "config.queries=500", *INLINE)
    assert "other seeds" not in other.err


def test_a_plan_of_another_file_is_not_replaced_in_silence(ran: Ablate, tmp_path: Path) -> None:
    Path("other").mkdir()
    other = Path("other/study.yaml")
    other.write_text(STUDY.replace("  a:", "  c:").replace("settings.a", "settings.c").replace("a: [off", "c: [off"))
    planned = ran("plan", other, "--store", "x.db")
    assert f"warning: study demo (base) {OTHER} {tmp_path}/study.yaml; {tmp_path}/other/study.yaml has" in planned.err
    first = ran("run", other, "--store", "x.db", *INLINE)
    assert f"note: study demo (base) {OTHER} {tmp_path}/study.yaml" in first.err
    assert OTHER not in ran("run", other, "--store", "x.db", *INLINE).err, "once is enough"
    assert rows(ran, "study.yaml") == [3] * 6, "earlier results stay"


@pytest.mark.parametrize("change", ["edited", "copied"])
def test_an_edited_file_and_a_copy_are_no_other_study(ran: Ablate, change: str) -> None:
    text = STUDY if change == "copied" else STUDY.replace("Does a help?", "Does b help?").replace("b:", "c:")
    path = Path("copy.yaml" if change == "copied" else "study.yaml")
    path.write_text(text.replace("b: [1", "c: [1") if change == "edited" else text)
    assert OTHER not in ran("run", path, "--store", "x.db", *INLINE).err

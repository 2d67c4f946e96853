"""Reports of the imported seed log and of runs: the numbers of the text, in every format."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ablate.analysis.loading import load
from ablate.report.formats import log as log_report
from ablate.store import open_store
from ablate.store.imported_log import save_log
from ablate.study.logfile.parser import parse_log
from ablate.study.logfile.rows import findings, named_rows
from tests.conftest import Ablate
from tests.support.examples import examples
from tests.support.paths import SEED_LOG, SIMULATED
from tests.support.report_tables import tables_of


@pytest.fixture
def imported(ablate: Ablate) -> Ablate:
    assert ablate("import", SEED_LOG, "--study", "baseline-log").code == 0
    return ablate


def test_the_log_comes_back_byte_for_byte(imported: Ablate, tmp_path: Path) -> None:
    assert imported("report", "baseline-log", "--format", "log").out == SEED_LOG.read_text()
    imported("report", "baseline-log", "--format", "log", "--output", tmp_path / "out" / "log.md")
    assert (tmp_path / "out" / "log.md").read_bytes() == SEED_LOG.read_bytes()


# what may stand in a log of the seed log's form: other titles, keys, spellings, values, and numbers of queries
WORDS = st.sampled_from(["baseline 1", "baseline 2", "cut mix", "random erasing", "resnet101", "label smooth", "run"])
TITLES = st.lists(WORDS, min_size=1, max_size=4).map(" + ".join)
KEYS = st.sampled_from(["margin", "omega", "training feature normalization", "drop rate", "loss", "lr"])
VALUES = st.sampled_from(["0.2", "0.30", "1e-4", "True", "False", "softmax + triplet", "[1, 2]", "5", "a: b", "on"])
LINES = st.lists(st.tuples(KEYS, VALUES), max_size=4, unique_by=lambda line: line[0])
KS = st.sampled_from([(1,), (1, 5, 10), (1, 20), (1, 5, 10, 50)])


@st.composite
def logs(draw: st.DrawFn) -> str:
    n, ks = draw(st.integers(2, 50_000)), draw(KS)
    blocks = [f"{key}: {value}" for key, value in draw(LINES)] or ["lr: 1e-4"]
    if draw(st.booleans()):
        blocks.insert(1, "    - a note\n    - another: note")
    sections = ["# setting\n" + "\n\n".join(blocks)]
    for _ in range(draw(st.integers(1, 6))):
        hits = sorted(draw(st.integers(0, n)) for _ in ks)
        rates = "\n".join(f"    - top-{k}\n      {h / n:.12g}" for k, h in zip(ks, hits, strict=True))
        lines = [f"{key}: {value}" for key, value in draw(LINES)]
        sections.append("\n\n".join([f"# {draw(TITLES)}", *lines, f"accuracy:\n\n{rates}"]))
    return "\n\n".join(sections) + "\n"


@pytest.mark.slow
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs())
def test_other_logs_come_back_as_exactly(tmp_path: Path, text: str) -> None:
    log = parse_log(text)
    rows = named_rows(log)
    store = open_store(str(tmp_path / "logs.db"))
    with store.write() as connection:
        save_log(connection, "other", log, rows, findings(log, rows), replace_other=True)
    assert log_report.render(load(store, "other")) == text
    assert len({named.label for named in rows}) == len(rows)


def test_importing_says_what_does_not_agree(ablate: Ablate) -> None:
    output = ablate("import", SEED_LOG, "--study", "baseline-log").out
    assert "12,377 queries" in output
    assert re.search(r"row 5 contradicts its title: .*margin 0\.2.*margin 0\.3", output)
    assert re.search(r"rows 7 and 8 have the same title.*omega \(0\.9 and 0\.7\)", output)
    assert re.search(r"rows 1 and 2: 2 factors differ at once, margin, normalization", output)
    assert "same bytes" not in output


def test_importing_a_log_of_another_layout_says_so(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "log.md").write_text("# setting\n\n\nlr: 1\n# a\naccuracy:\n  - top-1\n    0.50\n")
    result = ablate("import", "log.md", "--study", "log")
    assert result.code == 0
    assert "will not give back the same bytes; they differ from line 3 on" in result.out


def test_importing_again_changes_nothing(imported: Ablate) -> None:
    assert imported("import", SEED_LOG, "--study", "baseline-log").code == 0
    assert imported("report", "--format", "log").out == SEED_LOG.read_text()
    assert "9 done" in imported("status").out


# top-1, n = 12,377: effect and Newcombe's interval as published with the log's audit
PUBLISHED = [
    (1, 2, ["margin", "normalization"], 3.5792, 2.4879, 4.6695),
    (1, 3, ["omega"], -1.0988, -2.1562, -0.0411),
    (2, 4, ["random_erasing"], 2.4804, 1.3505, 3.6094),
    (1, 5, ["margin", "random_erasing"], 1.5593, 0.4818, 2.6365),
    (4, 5, ["normalization"], -4.5003, -5.6160, -3.3831),
    (4, 6, ["warmup"], 0.0242, -1.1196, 1.1681),
    (6, 7, ["label_smoothing"], 0.5332, -0.6136, 1.6799),
    (7, 8, ["omega"], -0.1697, -1.3184, 0.9791),
    (8, 9, ["backbone"], -0.1212, -1.2684, 1.0260),
]


@pytest.mark.parametrize(("a", "b", "differs", "effect", "low", "high"), PUBLISHED)
def test_contrasts_of_the_log(
    imported: Ablate, a: int, b: int, differs: list[str], effect: float, low: float, high: float
) -> None:
    report = json.loads(imported("report", "baseline-log", "--format", "json").out)
    labels = [row["label"] for row in report["rows"]]
    pair = (labels[a - 1], labels[b - 1])
    (contrast,) = [c for c in report["contrasts"] if (c["from"], c["to"]) == pair]
    assert sorted(contrast["differs"]) == differs
    assert contrast["identified"] == ("direct" if len(differs) == 1 else "confounded")
    assert [contrast["effect_pp"], *contrast["ci_pp"]] == pytest.approx([effect, low, high], abs=5e-5)


def test_the_json_has_the_contracts_shape(imported: Ablate) -> None:
    report = json.loads(imported("report", "baseline-log", "--format", "json").out)
    top = ["schema", "study", "profile", "question", "primary", "delta_pp", "alpha", "data", "rows", "contrasts"]
    assert {*top, "effects", "aliases", "findings", "suggestions"} <= set(report)
    row = report["rows"][1]
    assert (row["label"], row["title"], row["seeds"]) == ("baseline 2", "baseline 2", [0])
    assert row["levels"]["normalization"] == "off"
    assert row["levels"]["margin"] == 0.3
    metric = row["metrics"]["top1"]
    assert (metric["hits"], metric["n"]) == ([3430], 12377)
    assert metric["mean"] == metric["values"][0] == 3430 / 12377
    assert metric["ci"] == pytest.approx([0.2693, 0.2851], abs=5e-5)
    keys = [
        "metric",
        "effect_pp",
        "ci_pp",
        "ci_simultaneous_pp",
        "method",
        "seeds",
        "p",
        "p_holm",
        "identified",
        "verdict",
    ]
    grown = ["ci_separate_pp", "p_equivalence_holm", "more_seeds", "in_family"]
    grown += ["effect", "ci", "ci_simultaneous", "ci_separate"]
    assert {*keys, *grown, "from", "to", "differs", "undeclared", "totals"} == set(report["contrasts"][0])
    assert {*keys, *grown, "factor", "from", "to", "contexts", "aliased_with"} == set(report["effects"][0])
    assert {"population", "family", "interactions", "noisy_rows", "tied_best", "readings"} <= set(report)
    assert report["data"]["queries"] == 12377
    assert len(report["contrasts"]) == 36


@pytest.mark.slow
def test_a_step_of_two_factors_is_shown_as_such_in_every_format(imported: Ablate) -> None:
    assert "2 at once: margin, normalization" in " ".join(imported("report").out.split()).replace(" confounded", "")
    assert "2 at once: margin, normalization" in imported("report", "--format", "markdown").out
    rows = list(csv.DictReader(io.StringIO(imported("report", "--format", "csv").out)))
    assert rows[1]["differs"] == "margin;normalization"
    assert rows[1]["identified"] == "confounded"
    assert float(rows[1]["change_pp"]) == pytest.approx(3.5792, abs=5e-5)
    assert rows[1]["verdict"] == "confounded"
    assert float(rows[3]["baseline_change_pp"]) == pytest.approx(100 * 750 / 12377, abs=5e-5)


def test_the_terminal_report_fits_80_columns_without_colours(imported: Ablate) -> None:
    text = imported("report").out
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "…" not in text, "nothing is cut off"
    for word in ("normalization", "✓", "✗", "se_resnet50", "27.71", "[26.93, 28.51]"):
        assert word in text


def test_every_markdown_row_has_as_many_cells(imported: Ablate) -> None:
    tables = tables_of(imported("report", "--format", "markdown").out)
    assert len(tables[0]) == 2 + 9
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)


def test_no_study_means_the_one_last_run_or_imported(imported: Ablate) -> None:
    imported("run", SIMULATED, "--executor", "inline")
    assert json.loads(imported("report", "--format", "json").out)["study"] == "simulated"
    imported("import", SEED_LOG, "--study", "baseline-log")
    assert json.loads(imported("report", "--format", "json").out)["study"] == "baseline-log"


def test_our_own_log_can_be_imported_again(ablate: Ablate, tmp_path: Path) -> None:
    ablate("run", SIMULATED, "--executor", "inline", "--seeds", 1)
    own = json.loads(ablate("report", "--format", "json").out)
    ablate("report", "--format", "log", "--output", "own.md")
    assert ablate("import", "own.md", "--study", "again").code == 0
    again = json.loads(ablate("report", "again", "--format", "json").out)
    assert [r["label"] for r in again["rows"]] == [r["label"] for r in own["rows"]]
    assert [r["levels"] for r in again["rows"]] == [r["levels"] for r in own["rows"]]
    rates = [[r["metrics"][m]["mean"] for m in ("top1", "top5", "top10")] for r in again["rows"]]
    assert rates == [[r["metrics"][m]["mean"] for m in ("top1", "top5", "top10")] for r in own["rows"]]
    assert ablate("report", "again", "--format", "log").out == (tmp_path / "own.md").read_text()


def test_the_report_can_be_read_from_a_read_only_store(imported: Ablate, tmp_path: Path) -> None:
    (tmp_path / "results" / "ablate.db").chmod(0o444)
    assert imported("report", "--format", "log").out == SEED_LOG.read_text()


STRANGE = """\
study: strange
trainer: simulated
factors: {g: {sets: settings.g, levels: [0, 1]}}
design:
  - rows:
      'cheap ($5\\foo$ a run)': {}
      '日本 [red]b[/x] |': {g: 1}
      '%s': {g: 1}
"""


@pytest.mark.slow
def test_labels_are_text_to_every_format(ablate: Ablate, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """No markup, no formulas, no table syntax; and a label of 400 letters spoils no figure."""
    (tmp_path / "study.yaml").write_text(STRANGE % ("very long " * 40).strip(), encoding="utf-8")
    assert ablate("run", "study.yaml", "--executor", "inline").code == 0
    for form in ("terminal", "markdown", "csv", "json", "log"):
        result = ablate("report", "--format", form)
        assert result.code == 0
        assert "$5" in result.out
        assert "[red]b[/x]" in result.out
    latex = ablate("report", "--format", "latex").out
    assert r"cheap (\$5\textbackslash{}foo\$ a run)" in latex
    assert r"{[}U+65E5{]}" in latex
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]

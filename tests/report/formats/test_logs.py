"""Logs that a study is written into and read back from: they lose nothing that verdicts rest on, whatever the text."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablate.analysis.analysis import analyse
from ablate.analysis.loading import load
from ablate.analysis.results import StudyResults
from ablate.errors import LogError
from ablate.report.formats import FORMATS
from ablate.report.formats import json as json_report
from ablate.report.formats import log as log_report
from ablate.store import Store, open_store
from ablate.store.imported_log import save_log
from ablate.store.plan_document import PlanDocument
from ablate.study.logfile.declared import DOCUMENT_KEYS
from ablate.study.logfile.parser import parse_log
from ablate.study.logfile.rows import findings, named_rows
from ablate.study.wiring.outcomes import EqualResults
from tests.conftest import Ablate
from tests.support.analysis.analysis_rows import recorded, results, row
from tests.support.examples import examples
from tests.support.study_text import filled

pytestmark = pytest.mark.usefixtures("undrawn")

STUDY = """\
study: own
trainer: simulated
config: {queries: 300, seed_sd_pp: 2}
factors:
  trick: {sets: settings.trick, levels: [off, on]}
  size: {sets: settings.size, levels: [3, 0.1, tiny, "4"]}
  broken: {sets: fail, levels: {off: 0, on: 1}}
<rest>
"""
ADD_ONE = "design: [{add_one: {from: {}, factors: [trick, size]}}]\n"
JUDGED = ("primary", "delta_pp", "alpha", "population", "family", "data", "steps", "tied_best", "noisy_rows", "looks")
COMPARED = (
    *JUDGED,
    "rows",
    "references",
    "contrasts",
    "effects",
    "aliases",
    "interactions",
    "suggestions",
    "overrides",
)


def imported_again(store: Store, text: str, name: str = "again") -> StudyResults:
    log = parse_log(text)
    rows = named_rows(log)
    with store.write(alone=True) as connection:
        save_log(connection, name, log, rows, findings(log, rows), replace_other=True)
    return load(store, name)


def judged(report: dict[str, Any], *without: str) -> dict[str, Any]:
    """Return the part of a JSON report that rests on the results; the costs of trainings are not in a log."""
    part = {key: report[key] for key in COMPARED if key not in without}
    for rows in ("rows", "references"):
        part[rows] = [{name: value for name, value in row.items() if name != "costs"} for row in part[rows]]
    return part


def slow(rest: str) -> Any:
    return pytest.param(rest, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "rest",
    [
        f"{ADD_ONE}seeds: 100..104",
        "design: [{rows: {a: {}, b: {trick: on}, fails: {size: tiny, broken: on}}}]\nseeds: 3",
        slow(f"{ADD_ONE}seeds: 2\nprimary: top5\ndelta: 0.2\nalpha: 0.1\nfamily: effects"),
        slow(f"{ADD_ONE}seeds: 2\nreferences: {{untrained: {{settings.trick: none}}}}"),
        slow("design: [{rows: {a: {title: x}, b: {title: x, trick: on}, x + y: {size: tiny}}}]\nseeds: 3"),
        slow("design: [{rows: {a: {}, b: {trick: on}, c: {size: '4'}}}]\nseeds: 2\nfamily: [[c, a], [b, c]]"),
        slow("design: [{grid: {trick: [off, on], size: [3, tiny]}}]\nexclude: [{trick: on, size: tiny}]\nseeds: 2"),
        slow(f"{ADD_ONE}delta: 0.7"),
    ],
    ids=["seeds", "failed", "rules", "reference", "titles", "pairs", "grid", "one seed, own delta"],
)
def test_a_log_gives_back_what_verdicts_rest_on(ablate: Ablate, tmp_path: Path, rest: str) -> None:
    (tmp_path / "study.yaml").write_text(filled(STUDY, rest=rest), encoding="utf-8")
    ablate("run", "study.yaml", "--executor", "inline")
    own = json.loads(ablate("report", "own", "--format", "json").out)
    ablate("report", "own", "--format", "log", "--output", "own.md")
    assert ablate("import", "own.md", "--study", "again").code == 0
    again = json.loads(ablate("report", "again", "--format", "json").out)
    one_seed = all(row["seeds"] == [0] for row in own["rows"])  # then single queries decide, which logs lack
    without = ("contrasts", "effects", "interactions", "tied_best") if one_seed else ()
    assert judged(again, *without) == judged(own, *without)
    assert ablate("report", "again", "--format", "log").out == (tmp_path / "own.md").read_text(encoding="utf-8")


def test_rows_with_other_numbers_of_seeds_are_kept(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(filled(STUDY, rest=f"{ADD_ONE}seeds: 4"), encoding="utf-8")
    ablate("run", "study.yaml", "--executor", "inline", "--seeds", 2)
    ablate("run", "study.yaml", "--executor", "inline", "--only", "trick=on", "--only", "baseline")
    own = json.loads(ablate("report", "own", "--format", "json").out)
    ablate("report", "own", "--format", "log", "--output", "own.md")
    ablate("import", "own.md", "--study", "again")
    assert judged(json.loads(ablate("report", "again", "--format", "json").out)) == judged(own)
    assert {tuple(row["missing"]) for row in own["rows"]} == {(), (2, 3)}


def test_looks_are_kept_with_their_verdicts(ablate: Ablate, tmp_path: Path) -> None:
    rest = f"{ADD_ONE}seeds: {{looks: [2, 3]}}"
    (tmp_path / "study.yaml").write_text(filled(STUDY, rest=rest), encoding="utf-8")
    ablate("run", "study.yaml", "--executor", "inline", "--until-decided")
    own = json.loads(ablate("report", "own", "--format", "json").out)
    ablate("report", "own", "--format", "log", "--output", "own.md")
    ablate("import", "own.md", "--study", "again")
    assert judged(json.loads(ablate("report", "again", "--format", "json").out)) == judged(own)
    assert len(own["looks"]["taken"]) == 2


def test_rows_that_share_trainings_and_undeclared_differences_are_kept(tmp_path: Path) -> None:
    rows = [
        row(1, {"a": "off"}, {0: 200, 1: 210, 2: 190}),
        row(2, {"a": "on"}, {0: 240, 1: 251, 2: 233}),
        row(3, {"a": "late"}, {0: 250, 1: 252, 2: 260}),
    ]
    versions = {seed: {"torch": "2.1" if seed else "2.2"} for seed in range(3)}
    own = results({"a": ["off", "on", "late"]}, [rows[0], recorded(rows[1], versions), rows[2]])
    shared = {seed: own.rows[0].results[seed].training for seed in range(3)}
    of_third = {seed: replace(one, training=shared[seed]) for seed, one in rows[2].results.items()}
    own = replace(own, rows=(*own.rows[:2], replace(rows[2], results=of_third)))
    again = imported_again(open_store(str(tmp_path / "x.db")), log_report.render(own))
    mine, theirs = (json_report.document(analyse(one)) for one in (own, again))
    assert judged(theirs, "data") == judged(mine, "data")
    assert "torch" in str(mine["contrasts"])


def test_every_fact_of_a_plan_is_in_a_log_or_is_no_part_of_a_verdict() -> None:
    """A new field of the plan comes into the log, unless this test says why it need not."""
    of_log = {"setting", "tight", "findings", "doubts", "declared"}  # from the log's other sections
    of_log |= {"examples_inferred"}  # the values show it again
    of_origin = {"trainer", "script", "config", "file", "search", "source"}  # of the origin, which a log changes
    names = {field.name for field in fields(PlanDocument)} | {"delta_pp"}
    assert names - of_log - of_origin == set(DOCUMENT_KEYS)


def test_rows_and_seeds_that_repeat_others_stay_so(store: Store) -> None:
    rows = [row(n, {"a": level}, {0: 200 + n, 1: 220 - n, 2: 231}) for n, level in enumerate("xyz", start=1)]
    own = results({"a": list("xyz")}, rows, unread=[{"factor": "a", "reason": "b is off", "rows": ["row 3"]}])
    own = replace(own, equal=EqualResults((("row 1", "row 2"),), ((1, 2),), (("row 1", "row 3"),), (), ((0, 1),)))
    again = imported_again(store, log_report.render(own), "equal")
    mine, theirs = (json_report.document(analyse(one)) for one in (own, again))
    assert judged(theirs, "data") == judged(mine, "data")
    assert again.equal == own.equal
    assert again.document.unread == own.document.unread


def test_rows_of_the_same_trials_share_them_again(store: Store) -> None:
    rows = [row(n, {"a": level}, {0: 200 + n, 1: 220 - n}) for n, level in enumerate("xyz", start=1)]
    own = results({"a": list("xyz")}, [rows[0], replace(rows[1], results=rows[0].results), rows[2]])
    again = imported_again(store, log_report.render(own), "twins")
    mine, theirs = (json_report.document(analyse(one)) for one in (own, again))
    assert judged(theirs, "data") == judged(mine, "data")
    assert again.rows[0].trials == again.rows[1].trials != again.rows[2].trials
    assert log_report.render(again) == log_report.render(own)


TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "two\nlines",
        "# x",
        "- note",
        "a: b",
        '"x"',
        '"two\\nlines"',
        "**b**",
        " x ",
        "",
        "\u2028",
        "accuracy",
        "study",
        "\\",
    ]
)
LEVEL = (
    TEXT
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["on", "off", "True", "null", "1e5"])
)


@st.composite
def studies(draw: st.DrawFn) -> StudyResults:
    """A study with any text as labels, titles, names of factors and levels."""
    names = draw(st.lists(TEXT, min_size=1, max_size=3, unique=True))
    factors = {
        name: draw(st.lists(LEVEL, min_size=2, max_size=3, unique_by=lambda one: (type(one), one))) for name in names
    }
    labels = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    seeds = draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
    rows = []
    for number, label in enumerate(labels, start=1):
        levels = {name: draw(st.sampled_from(of_name)) for name, of_name in factors.items()}
        made = row(number, levels, {seed: draw(st.integers(0, 1000)) for seed in sorted(seeds)}, label=label)
        title = draw(st.none() | TEXT)
        rows.append(replace(made, label=label, title=title))
    return results(factors, rows, question=draw(TEXT), setting=[["trainer", draw(TEXT)]])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(str(tmp_path_factory.mktemp("logs") / "logs.db"))


@pytest.mark.slow
@settings(max_examples=examples(300))
@given(studies())
def test_any_text_comes_back_through_a_log(store: Store, own: StudyResults) -> None:
    text = log_report.render(own)
    again = imported_again(store, text)
    assert log_report.render(again) == text
    values = [{seed: one.values for seed, one in made.results.items()} for made in again.rows]
    if again.document.declared:
        assert values == [{seed: one.values for seed, one in made.results.items()} for made in own.rows]
        assert [(made.label, dict(made.levels)) for made in again.rows] == [(o.label, dict(o.levels)) for o in own.rows]
    else:
        assert [list(of_seeds.values()) for of_seeds in values] == [
            [one.values for one in o.results.values()] for o in own.rows
        ]


FIRST = "# setting\nlr: 1\n\n# a\n\nx: 1\n\naccuracy:\n\n    - top-1\n      0.3\n"
SEEDS = """\
# setting
lr: 1

# study

primary: "top1"

delta_pp: 0.5

alpha: 0.05

factors: [{"name": "x", "sets": [], "levels": [1, 2], "baseline": 1}]

# a

x: 1

accuracy:

    - top-1
      0.25

results:

    seeds: 0, 1
    queries: 100
    hits top-1: 20, 30
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("hits top-1: 20, 30", "hits top-1: 20, 31", "is not the mean of its hits"),
        ("hits top-1: 20, 30", "hits top-1: 20", "1 values for 2 seeds"),
        ("hits top-1: 20, 30", "hits top-1: 20, 130", "more hits than the 100 queries"),
        ("seeds: 0, 1", "seeds: 0, 0", "a seed stands here twice"),
        ("seeds: 0, 1", "seeds: 0, x", "found '0, x' for seeds; accepted: whole numbers"),
        ("    queries: 100\n", "", "need `queries:`"),
        ("queries: 100", "questions: 100", "accepted: hits top-k, seeds, queries"),
        ("results:\n", "", "has no `results:` list"),
        ("x: 1\n", "x: 3\n", "unknown level of x '3'; known: 1, 2"),
        ("x: 1\n", "y: 1\n", "has no line `x: LEVEL`"),
        ("alpha: 0.05", "alpha: 5", "found 5 for alpha"),
        ("alpha: 0.05", "alpha: high", "accepted: JSON"),
        ('primary: "top1"', 'primary: "top2"', "unknown primary metric 'top2'"),
        ("alpha: 0.05", "alfa: 0.05", "did you mean 'alpha'?"),
    ],
)
def test_a_log_of_seeds_that_was_changed_by_hand_has_its_faults(old: str, new: str, words: str) -> None:
    assert old in SEEDS
    named_rows(parse_log(SEEDS))
    with pytest.raises(LogError) as caught:
        named_rows(parse_log(SEEDS.replace(old, new)))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("95.1", "0.951"),
        ("95.1%", "0.951"),
        ("95.1 %", "0.951"),
        ("0,951", "0.951"),
        ("100", "1"),
        ("-0.2", None),
        ("nan", None),
    ],
)
def test_a_value_that_is_no_rate_comes_with_the_rate_that_was_meant(value: str, meant: str | None) -> None:
    with pytest.raises(LogError) as caught:
        parse_log(FIRST.replace("0.3", value))
    assert f"found '{value}' for top-1; accepted: a rate from 0 to 1" in str(caught.value)
    assert ("did you mean" in str(caught.value)) == (meant is not None)
    assert meant is None or str(caught.value).endswith(f"did you mean {meant}?")


def rated(*values: float) -> str:
    """Return a row's accuracy at k = 1, 5, 10."""
    lines = "\n".join(f"    - top-{k}\n      {value}" for k, value in zip((1, 5, 10), values, strict=False))
    return f"accuracy:\n\n{lines}\n"


def test_values_that_cannot_be_are_a_finding_and_get_no_verdict(ablate: Ablate, tmp_path: Path) -> None:
    rows = [f"# {name}\n\nx: {at}\n\n{rated(*of)}" for at, (name, of) in enumerate(
        {"good": (0.2, 0.3, 0.4), "falls": (0.951, 0.923, 0.814), "better": (0.5, 0.6, 0.7)}.items()
    )]  # fmt: skip
    (tmp_path / "log.md").write_text("# setting\nlr: 1\n\nqueries: 1000\n\n" + "\n".join(rows))
    told = ablate("import", "log.md", "--study", "falling", "--examples", 1000).out
    assert "row 2 (falls): top-5 0.923 is below top-1 0.951, and it never can be" in told
    assert "row 1 (" not in told
    report = json.loads(ablate("report", "falling", "--format", "json").out)
    verdicts = {(one["from"], one["to"]): one["verdict"] for one in report["contrasts"]}
    assert verdicts == {
        ("good", "falls"): "not_estimable",
        ("good", "better"): "checkpoints_differ",
        ("falls", "better"): "not_estimable",
    }
    assert "falls" not in report["tied_best"]
    assert any("top-5 0.923 is below top-1 0.951" in finding for finding in report["findings"])
    csv = ablate("report", "falling", "--format", "csv")
    assert "warning: row 2 (falls): top-5 0.923" in csv.err
    assert ablate("report", "falling", "--format", "log").out == (tmp_path / "log.md").read_text()


def test_copied_and_missing_values_are_findings() -> None:
    values = {"a": (0.2, 0.31), "b": (0.2, 0.31), "c": (0.2,)}
    rows = [f"# {name}\n\nx: {name}\n\n{rated(*of)}" for name, of in values.items()]
    log = parse_log("# setting\nlr: 1\n\n" + "\n".join(rows))
    told = "\n".join(findings(log, named_rows(log)))
    assert "rows 1 and 2: the same values for every k, but different settings" in told
    assert "row 3 has no top-5, which other rows have" in told


def test_another_log_of_the_same_name_is_replaced_on_request_only(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text(FIRST)
    (tmp_path / "other.md").write_text(FIRST.replace("# a", "# b"))
    assert ablate("import", "one.md", "--study", "log").code == 0
    assert ablate("import", "one.md", "--study", "log").code == 0, "the same log again"
    refused = ablate("import", "other.md", "--study", "log")
    assert refused.code == 2
    assert "another log has this name, with 1 row (a); import under another name, or add --replace" in refused.err
    assert ablate("report", "log", "--format", "log").out == FIRST
    assert "replaced: a log with 1 row (a)" in ablate("import", "other.md", "--study", "log", "--replace").err
    assert ablate("report", "log", "--format", "log").out == FIRST.replace("# a", "# b")
    assert "replaced" in ablate("import", "one.md", "--study", "log", "--replace").err
    assert ablate("report", "log", "--format", "log").out == FIRST


def test_a_run_and_an_import_do_not_share_a_name(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text(FIRST)
    (tmp_path / "study.yaml").write_text(filled(STUDY, rest=ADD_ONE), encoding="utf-8")
    ablate("import", "one.md", "--study", "own")
    refused = ablate("run", "study.yaml", "--executor", "inline")
    assert refused.code == 2
    assert "study own: a log was imported under this name in this store; give the study another name" in refused.err
    assert ablate("report", "own", "--format", "log").out == FIRST


@pytest.mark.parametrize("hits", [{0: 200}, {0: 200, 1: 220}])
def test_rows_that_repeat_a_row_are_reported_in_every_format(hits: dict[int, int]) -> None:
    first = row(1, {"a": "x"}, hits)
    twins = results({"a": ["x", "y"]}, [first, replace(first, number=2, label="again"), row(3, {"a": "y"}, hits)])
    for form, render in FORMATS.items():
        assert "again" in render(analyse(twins), False), form

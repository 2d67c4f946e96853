"""Reports for people: widths, marks, failures, many rows, populations, and LaTeX that compiles."""

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ablate.report import escapes
from ablate.report.formats import latex
from tests.conftest import Ablate
from tests.support.paths import SEED_LOG
from tests.support.report_tables import tables_of
from tests.support.study_text import filled

pytestmark = pytest.mark.usefixtures("undrawn")

FACTORS = (
    "factors: {"
    + ", ".join(filled("<name>: {sets: settings.<name>, levels: [off, on]}", name=name) for name in "abcde")
    + "}"
)
SEVERAL = f"""\
study: several
trainer: simulated
config: {{queries: 1000, fail: FAIL, effects: [{{when: {{a: on}}, pp: 9.0}}, {{when: {{e: on}}, seed_sd_pp: 9.0}}]}}
{FACTORS}
design:
  - ladder: {{from: {{}}, add: [a, b]}}
  - grid: {{a: [off, on], c: [off, on]}}
  - add_one: {{from: {{}}, factors: [e]}}
  - rows: {{all: {{a: on, b: on, c: on, d: on}}}}
seeds: 4
"""
FRACTIONAL = f"""\
study: fractional
trainer: simulated
config: {{queries: 200}}
{FACTORS}
design: [{{fractional: {{from: {{}}, factors: [a, b, c, d], resolution: 4}}}}, {{rows: {{with e: {{e: on, b: on}}}}}}]
seeds: 2
"""
STRANGE = r"""
study: strange
trainer: simulated
question: 'Does 50 % of $x_1^2$ & #{y} ~ \foo | "q" `c` <b> --- work?'
config: {queries: 100}
factors:
  'g': {sets: settings.g, levels: {'é_ü|%': 0, '日本 & {x}': 1, '\textbf{n}^2~$': 2}}
  a_factor_of_a_very_long_name_without_end: {sets: settings.h, levels: [off, on]}
design:
  - rows:
      'cheap ($5\foo$ a run) 100 % & #1': {}
      '日本語日本語日本語日本語日本語日本語日本語 [red]b[/x] | "q" `c` <b> *s* __u__': {g: '日本 & {x}'}
      '{a}^{b}~c_d \\ --- -- € ∑ naïve Ångström ß': {g: '\textbf{n}^2~$'}
      '[start': {a_factor_of_a_very_long_name_without_end: on}
      '* star': {a_factor_of_a_very_long_name_without_end: on, g: '日本 & {x}'}
seeds: 1
"""
ONE = "study: one\ntrainer: simulated\nfactors: {g: {sets: settings.g, levels: [0, 1]}}\ndesign: [{rows: {only: {}}}]\n"
STUDIES = {
    "several": SEVERAL.replace("FAIL", "0.0"),
    "failing": SEVERAL.replace("FAIL", "0.5"),
    "nothing": SEVERAL.replace("FAIL", "1.0"),
    "fractional": FRACTIONAL,
    "strange": STRANGE,
    "one": ONE,
}


def made(ablate: Ablate, name: str) -> Ablate:
    if name == "log":
        ablate("import", SEED_LOG, "--study", "log")
    else:
        Path("study.yaml").write_text(STUDIES[name], encoding="utf-8")
        ablate("run", "study.yaml", "--executor", "inline")
    return ablate


@pytest.mark.parametrize("name", [*STUDIES, "log"])
def test_every_study_can_be_read_at_80_columns_and_as_markdown(ablate: Ablate, name: str) -> None:
    made(ablate, name)
    text = ablate("report").out
    assert max(map(cell_len, text.splitlines())) <= 80, name
    assert "\x1b" not in text
    for table in tables_of(ablate("report", "--format", "markdown").out):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1, table[0]
    json.loads(ablate("report", "--format", "json").out)
    assert ablate("report", "--format", "latex").out.isascii()


@pytest.mark.service
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", [*STUDIES, "log"])
def test_latex_compiles_with_booktabs_alone(ablate: Ablate, name: str) -> None:
    made(ablate, name)
    ablate("report", "--format", "latex", "--output", "report.tex")
    whole = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\input{report.tex}\\end{document}\n"
    Path("whole.tex").write_text(whole, encoding="ascii")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "whole.tex"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


def test_what_failed_is_shown_in_every_format(ablate: Ablate) -> None:
    made(ablate, "nothing")
    for form in ("terminal", "markdown", "latex"):
        text = ablate("report", "--format", form).out
        assert "Failed: " in text
        assert "failed" in text
        assert "0 of 4" in text
    rows = list(csv.DictReader(io.StringIO(ablate("report", "--format", "csv").out)))
    assert {row["failed"] for row in rows} == {"0;1;2;3"}
    report = json.loads(ablate("report", "--format", "json").out)
    assert report["tied_best"] == []
    assert {contrast["verdict"] for contrast in report["contrasts"]} == {"not_estimable"}


def test_several_seeds(ablate: Ablate) -> None:
    made(ablate, "several")
    text = " ".join(ablate("report").out.split())
    assert "new seeds on these test queries; the variance between seeds is pooled over all rows" in text
    assert "Interactions" in text
    report = json.loads(ablate("report", "--format", "json").out)
    erasing = next(effect for effect in report["effects"] if effect["factor"] == "a")
    assert erasing["verdict"] == "better"
    assert (erasing["identified"], erasing["contexts"]) == ("direct", 2)
    assert [row["label"] for row in report["noisy_rows"]] == ["e=on"]
    assert "(e=on) varies more between seeds than the others" in text


def test_new_queries_and_new_seeds_on_request(ablate: Ablate) -> None:
    made(ablate, "several")
    ours = json.loads(ablate("report", "--format", "json", "--population", "examples-and-seeds").out)
    assert ours["population"] == "examples-and-seeds"
    methods = [contrast["method"] for contrast in ours["contrasts"]]
    assert "crossed" in methods
    text = " ".join(ablate("report", "--population", "examples-and-seeds").out.split())
    assert "generalise to new queries and new seeds" in text
    fallen = sum(method != "crossed" for method in methods)
    assert (f"E2 is not available for {fallen} of {len(methods)} contrasts" in text) == bool(fallen)


def test_a_wrong_population_is_a_message(ablate: Ablate) -> None:
    made(ablate, "one")
    result = ablate("report", "--population", "query")
    assert result.code == 2
    assert "--population: unknown population 'query'; known: seeds, examples-and-seeds" in result.err


def test_a_design_without_direct_contrasts_reports_effects(ablate: Ablate) -> None:
    made(ablate, "fractional")
    text = ablate("report").out
    assert "if effects add up" in text
    assert "additive" in text
    assert "adjusted among the effects" in " ".join(text.split())


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex"])
def test_a_report_says_what_a_fraction_cannot_tell_apart(ablate: Ablate, form: str) -> None:
    made(ablate, "fractional")
    text = " ".join(ablate("report", "--format", form).out.split())
    assert "Effects that the fractional design cannot separate" in text
    assert "8 of 16 combinations, regular fraction of resolution IV" in text
    assert "clear of interactions only as far as these lines show" in text
    made(ablate, "one")
    assert "fractional design" not in ablate("report", "--format", form).out


def test_the_separate_t_stands_on_paper_and_where_it_contradicts_in_the_terminal(ablate: Ablate) -> None:
    Path("study.yaml").write_text(STUDIES["several"], encoding="utf-8")
    ablate("run", "study.yaml", "--seeds", "2", "--executor", "inline")
    family = [c for c in json.loads(ablate("report", "--format", "json").out)["contrasts"] if c["in_family"]]
    table = next(t for t in tables_of(ablate("report", "--format", "markdown").out) if "separate t, 95 %" in t[0])
    low, high = family[0]["ci_separate_pp"]
    assert any(f"{low:+.2f}, {high:+.2f}".replace("-", "−") in line.replace("\\", "") for line in table)
    assert r"separate t, 95 \%" in ablate("report", "--format", "latex").out
    ends = [(c["ci_pp"], c["ci_separate_pp"]) for c in family if c["method"] == "pooled t"]
    against = sum((a[0] <= 0 <= a[1]) != (b[0] <= 0 <= b[1]) for a, b in ends)
    text = " ".join(ablate("report").out.split())
    assert "separate t, 95 %" not in text
    assert against > 0
    assert text.count("With the variance of these two rows only, the interval [") == min(against, 5)
    assert (f"… and {against - 5} more such contrast" in text) == (against > 5)


@pytest.mark.slow
def test_many_rows_are_cut_off_with_words(ablate: Ablate) -> None:
    levels = "[" + ", ".join(f"l{at}" for at in range(70)) + "]"
    study = "study: many\ntrainer: simulated\nconfig: {queries: 50}\n"
    study += filled("factors: {g: {sets: settings.g, levels: <levels>}}\n", levels=levels)
    Path("study.yaml").write_text(study + "design: [{add_one: {from: {}}}]\nseeds: 1\n")
    ablate("run", "study.yaml", "--executor", "inline")
    text = ablate("report").out
    assert "… and 10 more rows: see --format csv." in text
    assert f"… and {70 * 69 // 2 - 20:,} more contrasts: see --format json." in text
    assert len(json.loads(ablate("report", "--format", "json").out)["contrasts"]) == 70 * 69 // 2


def test_the_tied_best_are_marked_and_not_by_colour_alone(ablate: Ablate) -> None:
    made(ablate, "log")
    best = json.loads(ablate("report", "--format", "json").out)["tied_best"]
    marked = re.findall(r"^ (\d)  \*  ", ablate("report").out, flags=re.M)
    rows = json.loads(ablate("report", "--format", "json").out)["rows"]
    assert [rows[int(number) - 1]["label"] for number in marked] == best
    assert "* bold: the best row, and every row not shown to differ from it" in ablate("report").out
    table = tables_of(ablate("report", "--format", "markdown").out)[0]
    assert [line.split(" | ")[1].strip("*") for line in table if " | **" in line] == best


ANY = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@given(ANY)
def test_latex_is_ascii_without_anything_that_means_something(text: str) -> None:
    latex_text = latex.escaped(text)
    assert latex_text.isascii()
    bare = re.sub(r"\\[a-zA-Z]+|\\.|\$[^$]*\$|\{\[\}|\{\]\}|\{\*\}|\{\}", "", latex_text)
    assert not re.search(r"(?<!\\)[%&#$^~_]", bare)
    assert "--" not in latex_text or any(letter in text for letter in "–—✗")


@given(ANY)
def test_markdown_has_no_cell_borders_of_its_own(text: str) -> None:
    assert not re.search(r"(?<!\\)(\\\\)*\|", escapes.in_markdown(text))

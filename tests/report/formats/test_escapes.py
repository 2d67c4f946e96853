"""Text in each format: nothing in a label, a level or a title is taken for markup, an order or the end of a line."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.analysis.analysis import Analysis, analyse
from ablate.analysis.reproduction.comparison import compare
from ablate.report.escapes import as_markdown_line, in_markdown
from ablate.report.formats import csv as csv_report
from ablate.report.formats import latex, markdown, terminal
from ablate.report.sections import reproduction
from ablate.text import csv_line, visible
from tests.conftest import Ablate
from tests.support.analysis.analysis_rows import results, row

HOSTILE = "a|b\n`c` *d* <i>e</i> \x1b[31m$f$ _g_ \\h \r\u2028\u202e#"


def study(label: str = HOSTILE, level: str = HOSTILE, factor: str = "f") -> Analysis:
    rows = [row(1, {factor: "off"}, {0: 200, 1: 210, 2: 220}), row(2, {factor: level}, {0: 260, 1: 255, 2: 290})]
    return analyse(results({factor: ["off", level]}, [rows[0], replace(rows[1], label=label)]))


@pytest.mark.parametrize("factor", ["f", HOSTILE])
def test_a_terminal_gets_no_order_from_a_text(factor: str) -> None:
    text = terminal.render(study(factor=factor), width=200)
    assert not {letter for letter in text if not letter.isprintable()} - {"\n"}
    assert "\\x1b[31m" in text
    assert "\\u202e" in text


def test_markdown_has_a_line_for_each_row_whatever_its_text() -> None:
    text = markdown.render(study())
    tables = [line for line in text.splitlines() if line.startswith("| 2 |")]
    assert len(tables) == 1
    assert "a\\|b \\`c\\` \\*d\\* \\<i>e\\</i> \\\\x1b[31m\\$f\\$" in tables[0]
    assert not {letter for letter in text if not letter.isprintable()} - {"\n"}


def test_latex_has_no_control_letters_and_no_commands_of_the_text() -> None:
    text = latex.render(study())
    assert text.isascii()
    assert not {letter for letter in text if not letter.isprintable()} - {"\n"}
    assert r"\textbackslash{}h" in text
    assert r"{[}U+001B{]}" in text


def test_csv_gives_every_text_back() -> None:
    lines = list(csv.DictReader(io.StringIO(csv_report.render(study()), newline="")))
    assert [(line["row"], line["f"]) for line in lines] == [("row 1", "off"), (HOSTILE, HOSTILE)]


def test_a_factor_called_like_a_column_keeps_its_own() -> None:
    lines = list(csv.DictReader(io.StringIO(csv_report.render(study(level="on", factor="seeds")))))
    assert [(line["seeds"], line["seeds (factor)"]) for line in lines] == [("3", "off"), ("3", "on")]


def test_csv_has_the_seeds_with_their_hits_and_the_rules() -> None:
    line = list(csv.DictReader(io.StringIO(csv_report.render(study()), newline="")))[1]
    assert (line["seeds_used"], line["top1_hits"], line["seeds_stale"]) == ("0;1;2", "260;255;290", "")
    assert (line["primary"], line["delta_pp"], line["alpha"]) == ("top1", "0.5", "0.05")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_a_line_of_csv_is_one_record(values: list[str]) -> None:
    line = csv_line([value.replace("\x00", "") or "x" for value in values])
    assert list(csv.reader(io.StringIO(line, newline=""))) == [[value.replace("\x00", "") or "x" for value in values]]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("# title", "\\# title"),
        ("- item", "\\- item"),
        ("+ item", "\\+ item"),
        ("> quoted", "\\> quoted"),
        ("12. item", "12\\. item"),
        ("12) item", "12\\) item"),
        ("---", "\\---"),
        ("&lt;", "\\&lt;"),
        ("[a](b)", "[a]\\(b)"),
        ("+2.3 pp", "+2.3 pp"),
        ("#1", "#1"),
        ("a & b", "a & b"),
        ("1.5", "1.5"),
    ],
)
def test_the_beginning_of_a_line_of_markdown_means_nothing(text: str, written: str) -> None:
    assert as_markdown_line(text) == written


def test_a_comparison_is_escaped_as_well() -> None:
    ours, theirs = study().results, study().results
    text = reproduction.markdown(compare(ours, replace(theirs, study="theirs")))
    assert "a\\|b \\`c\\`" in text
    assert not {letter for letter in text if not letter.isprintable()} - {"\n"}
    plain = reproduction.terminal(compare(ours, replace(theirs, study="theirs")), width=200)
    assert not {letter for letter in plain if not letter.isprintable()} - {"\n"}


@given(st.text())
def test_visible_text_is_text_without_anything_to_obey(text: str) -> None:
    shown = visible(text, keep="")
    assert not {"\x1b", "\n", "\r", "\x07", "\u2028", "\u202e"} & set(shown)
    assert "|" not in in_markdown(shown).replace("\\|", "")


@pytest.mark.usefixtures("undrawn")
def test_an_import_shows_control_letters_and_obeys_none(ablate: Ablate, tmp_path: Path) -> None:
    rows = "".join(f"# \x1b[31mred\n\nx: {x}\n\naccuracy:\n\n    - top-1\n      0.2{x}\n\n" for x in (1, 2))
    (tmp_path / "log.md").write_text(f"# setting\nlr: 1\n\n{rows}")
    told = ablate("import", "log.md", "--study", "log")
    assert "\x1b" not in told.out + told.err
    assert "\\x1b[31mred" in told.out
    assert "\x1b" not in ablate("report", "log").out


@pytest.mark.slow
def test_the_figures_of_a_markdown_file_lie_where_it_says(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "log.md").write_text("# setting\nlr: 1\n\n# a\n\nx: 1\n\naccuracy:\n\n    - top-1\n      0.21\n")
    ablate("import", "log.md", "--study", "log")
    output = tmp_path / "deep er" / "report.md"
    assert "figure" not in ablate("report", "log", "--format", "markdown", "--output", output).out
    images = [line.split("](")[1].rstrip(")") for line in output.read_text().splitlines() if line.startswith("![")]
    assert len(images) == len(set(images)) == 2
    assert all((output.parent / image).is_file() for image in images)
    shown = ablate("report", "log", "--format", "markdown").out
    images = [line.split("](")[1].rstrip(")") for line in shown.splitlines() if line.startswith("![")]
    assert len(images) == len(set(images)) == 2
    assert all((tmp_path / image).is_file() for image in images)

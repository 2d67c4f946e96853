"""Tables in Markdown and LaTeX as papers have them: marks, spreads, arrows, groups and several header lines."""

import contextlib
import time

import pytest

from ablate.errors import SourceError
from ablate.imports.source import ColumnRole
from ablate.imports.tables.table import reader
from ablate.measurement import Direction
from tests.support.imports.table_texts import read_text

PAPER = r"""
\begin{table}
\begin{tabular}{@{}lcc|cc@{}}
\toprule
\multirow{2}{*}{Method} & Mixup & EMA & \multicolumn{2}{c}{CIFAR \cite{k}} \\
\cmidrule(lr){4-5}
 & & & Top-1 (\%) $\uparrow$ & Loss $\downarrow$ \\
\midrule
\multirow{2}{*}{Ours} & \checkmark & \xmark & $\mathbf{93.1}_{\pm 0.2}$ & 1.5 \\ % a comment & here
 & \checkmark & \cmark & 94.25 $\pm$ 0.3 & \textbf{0.75} \\[2pt]
\midrule
Base & & & 90.0 \small{(0.1)} & 2 \\
\bottomrule
\end{tabular}
\end{table}
"""


def test_a_latex_table_of_a_paper(tmp_path) -> None:
    source = read_text(tmp_path, PAPER, "table.tex")
    assert source.runs.to_dict("list") == {
        "Method": ["Ours", "Ours", "Base"],
        "Mixup": ["on", "on", "off"],
        "EMA": ["off", "on", "off"],
        "CIFAR Top-1": [0.931, 0.9425, 0.9],
        "CIFAR Loss": [1.5, 0.75, 2.0],
    }
    assert source.directions == {"CIFAR Top-1": Direction.MAXIMIZE, "CIFAR Loss": Direction.MINIMIZE}
    assert source.roles["CIFAR Loss"] is ColumnRole.METRIC
    assert source.percent == {"CIFAR Top-1"}
    assert source.spreads["CIFAR Top-1"].sd.tolist() == [0.002, 0.003, 0.001]
    assert source.spreads["CIFAR Top-1"].seeds.tolist() == [0, 0, 0]
    assert list(source.places) == ["line 9", "line 10", "line 12"]
    assert "LaTeX" in reader.recognise(tmp_path / "table.tex")


def test_a_markdown_table_with_a_broken_separator_and_bold_cells(tmp_path) -> None:
    text = "Text.\n\n| Trial | None | *Full* |\n|:-----::----:|:--:|\n"
    text += "| 1 | **98.07%** | 98.25% |\n| 2 | 98.04% | `98.3%` |\n"
    source = read_text(tmp_path, text, "README.md", columns_are="mode")
    assert source.runs.to_dict("list") == {
        "Trial": [1, 1, 2, 2],
        "mode": ["None", "Full", "None", "Full"],
        "value": [0.9807, 0.9825, 0.9804, 0.983],
    }
    assert source.percent == {"value"}
    assert source.roles == {"mode": ColumnRole.SETTING, "value": ColumnRole.METRIC}
    assert source.places[1] == "line 5, column Full"


def test_differences_in_brackets_are_no_spreads(tmp_path) -> None:
    source = read_text(
        tmp_path, "| m | acc |\n|--|--|\n| a | 90.1 |\n| b | 91.3 (+1.2) |\n| c | 89.6 (-0.5) |\n", "t.md"
    )
    assert source.runs["acc"].tolist() == [90.1, 91.3, 89.6]
    assert not source.spreads
    assert any("differences and intervals in brackets" in sentence for sentence in source.unused)


@pytest.mark.parametrize(
    ("cells", "levels"),
    [
        (("✓", "✗", "✓"), ("on", "off", "on")),
        (("✓", "", "-"), ("on", "off", "off")),
        (("x", "", "x"), ("on", "off", "on")),
        (("✓", "x", "×"), ("on", "off", "off")),
        (("+", "-", "–"), ("on", "off", "off")),
        ((":white_check_mark:", ":x:", "✔️"), ("on", "off", "on")),
    ],
)
def test_marks_are_on_and_off(tmp_path, cells, levels) -> None:
    rows = "".join(f"| {cell} | 0.{at + 1} |\n" for at, cell in enumerate(cells))
    source = read_text(tmp_path, f"| mixup | acc |\n|---|---|\n{rows}", "t.md")
    assert tuple(source.runs["mixup"]) == levels


def test_an_x_is_off_in_a_table_with_ticks(tmp_path) -> None:
    source = read_text(tmp_path, "|a|b|acc|\n|-|-|-|\n|✓|x|1|\n|x|x|2|\n", "t.md")
    assert source.runs["b"].tolist() == ["off", "off"]


def test_the_table_with_the_columns_of_the_request_is_read(tmp_path) -> None:
    text = "|a|acc|\n|-|-|\n|1|2|\n\ntext\n\n|b|loss|\n|-|-|\n|3|4|\n"
    first, second = read_text(tmp_path, text, "t.md"), read_text(tmp_path, text, "t.md", metrics=("loss",))
    assert list(first.runs) == ["a", "acc"]
    assert list(second.runs) == ["b", "loss"]
    assert first.unused == ["the table in line 8 with the columns b, loss: one table of a file is read"]


def test_a_line_that_heads_a_group_is_left_out(tmp_path) -> None:
    source = read_text(tmp_path, "|m|p|acc|\n|-|-|-|\n|*Ours*| | |\n|a|1|2|\n|b|2|3|\n", "t.md")
    assert source.runs["m"].tolist() == ["a", "b"]
    assert source.unused == ["line 3: one text in place of a run"]


def test_headings_of_several_groups_become_a_column(tmp_path) -> None:
    rows = ["\\multicolumn{3}{c}{\\textit{CIFAR}}", "a & 1 & 2", "b & 2 & 3", "\\multicolumn{3}{c}{SVHN}", "a & 3 & 4"]
    text = " \\\\\n".join(["\\begin{tabular}{lll}\nm & p & acc", *rows, "\\end{tabular}"])
    source = read_text(tmp_path, text, "t.tex")
    assert source.runs.to_dict("list") == {
        "group": ["CIFAR", "CIFAR", "SVHN"],
        "m": ["a", "b", "a"],
        "p": [1, 2, 3],
        "acc": [2, 3, 4],
    }
    assert source.unused == ["lines 3 and 6: headings of groups, which are now in the column 'group'"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.md", "|a|b|\n|" + "-" * 1_000_000 + "x|\n"),
        ("t.md", "|a|b|\n|-|-|\n|1|" + "[" * 100_000 + "|\n"),
        ("t.tex", "\\begin{tabular}" * 100_000),
        ("t.tex", "\\begin{tabular}{ll}a & b \\\\ " + "\\multicolumn{9999}{c}{x} & " * 50_000),
        ("t.tex", "\\begin{tabular}{ll}a & b \\\\ " + "\\multirow{999999}{*}{1} & 2 \\\\ " * 2_000),
    ],
)
def test_hostile_markup_takes_no_long_time(tmp_path, name, text) -> None:
    start = time.monotonic()
    with contextlib.suppress(SourceError):
        read_text(tmp_path, text, name)
    assert time.monotonic() - start < 10


def test_too_many_cells_are_a_fault_with_their_line(tmp_path) -> None:
    with pytest.raises(SourceError, match="line 3 has 3 cells, but there are 2 headings"):
        read_text(tmp_path, "|a|acc|\n|-|-|\n|1|2|3|\n", "t.md")
    with pytest.raises(SourceError, match="line 3 has 3 cells, but there are 2 headings"):
        read_text(tmp_path, "\\begin{tabular}{ll}\na & b \\\\\n1 & 2 & 3 \\\\\n\\end{tabular}", "t.tex")

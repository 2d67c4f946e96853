"""The commands of the tutorial, run in its order, print what it shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command.console_pages import PageCommand, PageFile, missing_lines, plain, steps
from tests.support.paths import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
TYPED = f'ablate() {{ "{sys.executable}" -m ablate "$@"; }}\n'
"""The command `ablate` of the tests' Python."""


def printed(command: str, folder: Path) -> list[str]:
    """Run a command as it is typed in a terminal, and return the lines that it prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        ["bash", "-c", TYPED + command], cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0, lines
    return lines


@pytest.mark.slow
def test_the_tutorial(tmp_path: Path) -> None:
    verdicts: list[str] = []
    for step in steps(TUTORIAL.read_text(encoding="utf-8")):
        if isinstance(step, PageFile):
            (tmp_path / step.name).write_text(step.content, encoding="utf-8")
            continue
        lines = printed(step.text, tmp_path)
        assert not missing_lines(step.lines, lines), (step.text, lines)
        if step.text == "ablate report digits":
            verdicts += [line.rpartition("  ")[2] for line in lines if line.startswith((" 1 → 2  +", " 1 → 4  +"))]
    assert verdicts[:2] == ["better", "better"]


def test_files_and_commands_of_a_page() -> None:
    page = "Text.\n\n<!-- file: a.py -->\n```python\nx = 1\n```\n\n```console\n$ cat a.py\nx = 1\n$ ls\n```\n"
    assert list(steps(page)) == [
        PageFile("a.py", "x = 1\n"),
        PageCommand("cat a.py", ("x = 1",)),
        PageCommand("ls", ()),
    ]


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (["one 1 in 3.5 s", "two", "three"], []),
        (["one 1 in 2 min 3 s", "..."], []),
        (["...", "two", "..."], []),
        (["...", "three"], []),
        (["...", "three", "two"], ["three", "two"]),
        (["...", "four", "..."], ["four"]),
        (["two", "..."], ["two"]),
        (["one 1 in 4 s", "two"], ["(the end of the output)"]),
        (["...", "three", "...", "two", "..."], ["two"]),
    ],
)
def test_lines_that_a_page_shows(shown: list[str], missing: list[str]) -> None:
    assert missing_lines(shown, ["one 4 in 3.1 s", "two", "three"]) == missing


def test_numbers_times_and_verdicts_do_not_count() -> None:
    assert plain("| 4 | **lr=0.03** | −0.25 [−0.75, +0.26] | undecided, \\~43 more |") == plain(
        "| 4 | lr=0.03 | +1.25 [+0.75,  +1.26] | better |"
    )
    assert plain("run in 43.4 s, 0 failed") == plain("run in 1 min 3 s, 2 failed")
    assert plain("a row") != plain("a column")

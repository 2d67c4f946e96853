"""The options of a script, read from its text."""

from pathlib import Path

import pytest

from ablate.run.checking.static_options import declared_options

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("-d", "--dropout", type=float)
group = parser.add_argument_group("model")
group.add_argument("depth")
"""


def options(script: str) -> set[str]:
    Path("train.py").write_text(script)
    return {option for option in declared_options(Path("train.py")) if not option.startswith("--no-")}


def test_all_options_of_a_script() -> None:
    assert options(SCRIPT) == {"-d", "--dropout", "-h", "--help"}


def test_options_that_a_function_or_a_module_of_the_project_adds() -> None:
    Path("shared.py").write_text("def add(parser):\n    parser.add_argument('--width')\n")
    assert "--width" in options(SCRIPT + "import shared\nshared.add(parser)\n")
    assert "--rate" in options(SCRIPT + "def add(p):\n    p.add_argument('--rate')\nadd(parser)\n")


@pytest.mark.parametrize(
    "more",
    [
        "import library\nlibrary.add_options(parser)",
        "for name in ('a', 'b'): parser.add_argument('--' + name)",
        "names = ['--x']\nparser.add_argument(*names)",
        "class Parser(argparse.ArgumentParser): pass",
        "def f(:",
    ],
)
def test_a_script_whose_text_does_not_show_all_options(more: str) -> None:
    assert options(SCRIPT + more) == set()


def test_a_script_without_options() -> None:
    assert options("print(1)") == set()

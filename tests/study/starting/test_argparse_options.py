"""Tests of the options of argparse: they are those of the real parser, which the test makes from the same text."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from ablate.study.starting.scanning.argparse_options import argparse_options
from ablate.study.starting.scanning.options import OptionKind, ScriptOption
from ablate.study.starting.scanning.source import UNKNOWN
from tests.support.project.source_text import names_after, source_of

PARSER = """
import argparse
DEPTH = 3
def str2bool(text): return text == "true"
parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("split", nargs="?", default="all")
parser.add_argument("-l", "--learning-rate", type=float, default="0.1", help="the step")
parser.add_argument("--depth", type=int, default=DEPTH * 2)
parser.add_argument("-wd", type=float, default=-1e-4)
parser.add_argument("--name", dest="title", required=True)
parser.add_argument("--model", choices=["mlp", "cnn"], default="mlp")
parser.add_argument("--layers", type=int, nargs="+", default=[64, 64])
group = parser.add_argument_group("more")
group.add_argument("--momentum", type=float)
group.add_argument("--warm", type=str2bool, default=True)
group.add_argument("--size", type=int, default=2)
parser.set_defaults(size=5)
"""
KINDS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--augment", action="store_true")
parser.add_argument("--no-flip", action="store_false", dest="flip")
parser.add_argument("--ema", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--bias", type=bool, default=False)
parser.add_argument("--always", action="store_true", default=True)
parser.add_argument("--when", default=input())
parser.add_argument("-v", action="count")
parser.add_argument("--version", action="version")
either = parser.add_mutually_exclusive_group()
either.add_argument("--sgd", action="store_true")
parser.add_argument(*names)
"""
COMMANDS = """
import argparse
common = argparse.ArgumentParser(add_help=False)
common.add_argument("--seed", type=int, default=0)
parser = argparse.ArgumentParser()
parser.add_argument("--out", default="runs")
commands = parser.add_subparsers()
p = commands.add_parser("prepare", parents=[common])
p.add_argument("--size", type=int, default=3)
p = commands.add_parser("train", parents=[common])
p.add_argument_group("net").add_argument("--lr", type=float, default=0.1)
test = commands.add_parser("test")
for each in (p, test):
    each.add_argument("--batch", type=int, default=8)
"""


def by_name(text: str, folder: Path) -> dict[str, ScriptOption]:
    return {option.name: option for option in argparse_options(source_of(text, folder)).options}


def test_options_are_those_of_the_parser(tmp_path: Path) -> None:
    parser: Any = names_after(PARSER)["parser"]
    actions = {action.dest: action for action in parser._actions if not isinstance(action, argparse._HelpAction)}
    options = {option.attribute: option for option in by_name(PARSER, tmp_path).values()}
    assert options.keys() == actions.keys()
    given = vars(parser.parse_args(["data", "--name", "x"]))
    for name, action in actions.items():
        option = options[name]
        assert option.flag in action.option_strings or (option.flag == "" and not action.option_strings)
        assert option.is_required == action.required
        assert list(option.choices) == list(action.choices or [])
        assert option.help == (action.help or "")
        if not action.required:
            assert option.default == given[name]


def test_kinds_of_options(tmp_path: Path) -> None:
    options = by_name(KINDS, tmp_path)
    assert {name: option.kind for name, option in options.items()} == {
        "augment": OptionKind.SWITCH,
        "no-flip": OptionKind.OFF_SWITCH,
        "ema": OptionKind.PAIR,
        "bias": OptionKind.BROKEN_BOOLEAN,
        "always": OptionKind.SWITCH,
        "when": OptionKind.VALUE,
        "sgd": OptionKind.SWITCH,
    }
    assert (options["augment"].default, options["no-flip"].default, options["ema"].default) == (False, False, True)
    assert options["when"].default is UNKNOWN
    assert [name for name, option in options.items() if not option.is_usable] == ["bias", "always", "when", "sgd"]


def test_options_of_subcommands(tmp_path: Path) -> None:
    options = argparse_options(source_of(COMMANDS, tmp_path)).options
    assert {option.name: option.commands for option in options} == {
        "seed": ("prepare", "train"),
        "out": (),
        "size": ("prepare",),
        "lr": ("train",),
        "batch": ("train", "test"),
    }


@pytest.mark.parametrize("text", ["parser.add_argument()", "x.add_argument(name)", "add_argument('--x')", "print(1)"])
def test_text_without_options(text: str, tmp_path: Path) -> None:
    assert argparse_options(source_of(text, tmp_path)).options == ()

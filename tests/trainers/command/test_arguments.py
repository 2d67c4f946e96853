"""Tests of the arguments of a command, against the real argparse; those of Hydra were checked with Hydra 1.3.8."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import pytest

from ablate.errors import AblateError
from ablate.trainers.command.arguments import (
    ArgumentValues,
    argument_faults,
    as_list,
    expanded,
    key_faults,
)

CONFIG = {"lr": 1e-05, "model": {"depth": 3, "name": "a b"}, "augment": True, "clip": None}
AWKWARD = [
    "plain", "", " ", "two words", "-x", "--lr", "-1e-5", "a=b", "=", "a,b", "it's", '"quoted"', "ünïcode→",
    "line\nbreak", "tab\t", "$HOME", "`ls`", "a\\", "\\'", "#", "@file", "*", "~", "{}", "[1]", "null", "true", "1e3",
]  # fmt: skip
NUMBERS = [0, 3, -3, 10**20, 0.1, 1e-05, -1e-05, -0.5, 1e16, -1e300, 5e-324, 0.1 + 0.2, math.inf, -math.inf]


def values(config: dict[str, Any], folder: Path = Path("/runs/a"), **others: Any) -> ArgumentValues:
    return ArgumentValues(config, 7, folder, "/usr/bin/python3", **others)


def parsed(arguments: list[str], **options: Any) -> Any:
    """The value that a script's parser gets for its option `--key`."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--key", **options)
    return parser.parse_args(arguments).key


@pytest.mark.parametrize(
    ("item", "arguments"),
    [
        ("${args}", ["--lr", "1e-05", "--model.depth", "3", "--model.name", "a b", "--augment", "true"]),
        ("${args:equals}", ["--lr=1e-05", "--model.depth=3", "--model.name=a b", "--augment=true"]),
        ("${args:hydra}", ["lr=1e-05", "model.depth=3", "model.name='a b'", "augment=true", "clip=null"]),
        ("${args:hydra+}", ["++lr=1e-05", "++model.depth=3", "++model.name='a b'", "++augment=true", "++clip=null"]),
        ("${args:flags}", ["--lr", "1e-05", "--model.depth", "3", "--model.name", "a b", "--augment"]),
        ("${args:flags+no}", ["--lr", "1e-05", "--model.depth", "3", "--model.name", "a b", "--augment"]),
    ],
)
def test_the_styles_of_the_whole_config(item: str, arguments: list[str]) -> None:
    assert expanded(["train", item], values(CONFIG)) == ["train", *arguments]


def test_a_switch_that_is_off_is_left_out_or_written_with_no() -> None:
    assert expanded(["${args:flags}"], values({"augment": False})) == []
    assert expanded(["${args:flags+no}"], values({"augment": False})) == ["--no-augment"]
    assert parsed(["--no-key"], action=argparse.BooleanOptionalAction) is False


def test_a_key_named_singly_is_no_part_of_the_others() -> None:
    items = ["${args}", "--learning-rate=${lr}", "${model}"]
    assert expanded(items, values(CONFIG)) == [
        "--augment", "true", "--learning-rate=1e-05", '{"depth":3,"name":"a b"}',
    ]  # fmt: skip


def test_channels_and_the_literal() -> None:
    items = ["${python}", "--seed=${seed}", "--out", "${dir}/x", "$${HOME}", "${ model.depth }$"]
    assert expanded(items, values(CONFIG)) == ["/usr/bin/python3", "--seed=7", "--out", "/runs/a/x", "${HOME}", "3$"]


@pytest.mark.parametrize("style", ["${args}", "${args:equals}", "${args:flags}"])
@pytest.mark.parametrize("text", AWKWARD)
def test_argparse_reads_every_text_back(text: str, style: str) -> None:
    assert parsed(expanded([style], values({"key": text}))) == text


@pytest.mark.parametrize("style", ["${args}", "${args:equals}"])
@pytest.mark.parametrize("number", NUMBERS)
def test_argparse_reads_every_number_back(number: float, style: str) -> None:
    assert parsed(expanded([style], values({"key": number})), type=type(number)) == number


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_a_list_is_no_option(number: float) -> None:
    if number == -math.inf:
        with pytest.raises(AblateError, match="would be read as an option"):
            expanded(["${args}"], values({"key": [1, number]}))
    else:
        assert parsed(expanded(["${args}"], values({"key": [1, number]})), type=float, nargs="+") == [1.0, number]


def test_lists_are_several_arguments_and_with_equals_json() -> None:
    assert expanded(["${args}"], values({"key": [1, "b c", {"p": 0.5}]})) == ["--key", "1", "b c", '{"p":0.5}']
    assert parsed(expanded(["${args}"], values({"key": []})), nargs="*") == []
    assert parsed(expanded(["${args}"], values({"key": ["-x"]})), nargs="+") == ["-x"]
    assert parsed(expanded(["${args:equals}"], values({"key": [1, -1e-5]})), type=json.loads) == [1, -1e-5]
    assert expanded(["--key=${key}"], values({"key": [1, "b"]})) == ['--key=[1,"b"]']


def test_a_mapping_of_a_level_is_one_value() -> None:
    config = {"erase": {"p": 0.5}, "model": {"depth": 3}, "empty": {}}
    keys = frozenset({"erase", "model.depth", "empty"})
    assert expanded(["${args}"], values(config, keys=keys)) == [
        "--erase", '{"p":0.5}', "--model.depth", "3", "--empty", "{}",
    ]  # fmt: skip
    assert expanded(["${args:hydra}"], values(config, keys=keys)) == ["erase={p:0.5}", "model.depth=3", "empty={}"]


@pytest.mark.parametrize(
    ("items", "fault"),
    [
        (["${lrr}"], (0, "did you mean 'lr'?")),
        (["a", "${args:hidra}"], (1, "did you mean 'args:hydra'?")),
        (["a", "--x=${args}"], (1, 'is an item of its own: "${args}"')),
        (["${lr"], (0, "no closing")),
        (["${HOME}/data"], (0, "variables of a shell are not replaced")),
        (["a", "&&", "b"], (1, "no shell runs the command")),
        (["${}"], (0, "unknown placeholder ${};")),
        (["${model.dept}"], (0, "did you mean 'model.depth'?")),
    ],
)
def test_faults_of_items(items: list[str], fault: tuple[int, str]) -> None:
    [(index, message)] = argument_faults(items, ["lr", "model.depth"])
    assert index == fault[0]
    assert fault[1] in message
    with pytest.raises(AblateError, match=r"known|item|closing|shell"):
        expanded(items, values({"lr": 0.1, "model": {"depth": 3}}))


def test_items_without_a_fault() -> None:
    items = ["${python}", "${lr}", "${model}", "${model.depth}", "${config.toml}", "$${args}x", "${args:flags+no}"]
    assert argument_faults(items, ["lr", "model.depth"]) == []


def test_a_config_key_cannot_have_the_name_of_a_placeholder() -> None:
    faults = dict(key_faults(["lr", "seed", "dir", "python.path", "args", "model.seed", "config.json"]))
    assert list(faults) == ["seed", "dir", "python", "args", "config.json"]
    assert '--seed, "${seed}"' in faults["seed"]


def test_an_argument_cannot_hold_nul() -> None:
    with pytest.raises(AblateError, match="NUL"):
        expanded(["${name}"], values({"name": "a\0b"}))


def test_a_command_line_as_a_list() -> None:
    text = "python train.py --lr 1e-4 '--name=a b' ${args} --flag=on -c off -"
    shown = as_list(text)
    assert shown == '[python, train.py, --lr, "1e-4", "--name=a b", "${args}", --flag=on, -c, "off", "-"]'
    assert as_list("echo 'open") == '[echo, "\'open"]'

"""Tests of values in Hydra's grammar. Each text of the table was read back with Hydra 1.3.8 and OmegaConf 2.3."""

import math
from typing import Any

import pytest

from ablate.errors import AblateError
from ablate.trainers.command.argument_text import hydra_text

TEXTS: list[tuple[Any, str]] = [
    ("resnet50", "resnet50"),
    ("/data/x-1.txt", "/data/x-1.txt"),
    ("", "''"),
    ("two words", "'two words'"),
    ("a,b", "'a,b'"),
    ("a=b", "'a=b'"),
    ("it's", r"'it\'s'"),
    ('"q"', "'\"q\"'"),
    ("a\\", r"'a\\'"),
    ("a\\b", r"'a\b'"),
    (r"\'", r"'\\\''"),
    (r"\\'", r"'\\\\\''"),
    ("-x", "'-x'"),
    ("ünïcode", "'ünïcode'"),
    ("line\nbreak", "'line\nbreak'"),
    ("null", "'null'"),
    ("True", "'True'"),
    ("NaN", "'NaN'"),
    ("1e3", "'1e3'"),
    ("007", "'007'"),
    ("choice(a,b)", "'choice(a,b)'"),
    ("{a:1}", "'{a:1}'"),
    ("[1]", "'[1]'"),
    ("~", "'~'"),
    (None, "null"),
    (True, "true"),
    (3, "3"),
    (-1e-05, "-1e-05"),
    (1e16, "1e+16"),
    (-math.inf, "-inf"),
    ([], "[]"),
    ([1, "a b", None, [True]], "[1,'a b',null,[true]]"),
    ({}, "{}"),
    ({"p": 0.5, "a b": "x:y", "c.d": [1]}, r"{p:0.5,a\ b:'x:y',c.d:[1]}"),
    ({"a:b=c": 1}, r"{a\:b\=c:1}"),
]
"""(value, its text on Hydra's command line)."""


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_text_for_hydra(value: Any, text: str) -> None:
    assert hydra_text(value) == text


@pytest.mark.parametrize("key", ["", "it's", 'a"b', "ü", "a\nb"])
def test_a_key_that_hydra_cannot_read(key: str) -> None:
    with pytest.raises(AblateError, match="rename it"):
        hydra_text({key: 1})

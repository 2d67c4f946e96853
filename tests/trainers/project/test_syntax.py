"""The hash of code by its syntax: what changes it, what does not, and that it stays as it is in all releases."""

import ast
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.trainers.project.imports.source import source_facts
from ablate.trainers.project.syntax import syntax_hash

PLAIN = """
import math

def area(radius: float) -> float:
    return math.pi * radius ** 2
"""
NAMES = st.from_regex(r"[a-z]{3,8}_", fullmatch=True)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def digest(text: str) -> str:
    return source_facts(text.encode()).hash


def test_the_hash_is_that_of_the_tree_as_text() -> None:
    """Stored results have this hash in their keys. Another form of the text would make all of them stale."""
    text = (
        "(Module,body=[(Import,names=[(alias,name='os')]),"
        "(Assign,targets=[(Name,id='x',ctx=(Store))],value=(Constant,value='a'))])"
    )
    expected = hashlib.sha256(text.encode()).hexdigest()[:20]
    assert digest('"""Words."""\nimport os  # more\nx = u"a"\n') == expected


@pytest.mark.parametrize(
    "same",
    [
        PLAIN.replace("import math", '"""A module."""\nimport math  # for pi'),
        PLAIN.replace("return", '"""Return the area."""\n    return'),
        PLAIN.replace("math.pi * radius ** 2", "(math.pi\n            * (radius ** 2))"),
        PLAIN.replace("\n", "\r\n"),
        "# -*- coding: utf-8 -*-" + PLAIN,
    ],
    ids=["comment", "docstring", "layout", "line-ends", "cookie"],
)
def test_words_and_layout_are_no_code(same: str) -> None:
    assert digest(same) == digest(PLAIN)


@given(NAMES)
def test_a_renamed_variable_is_other_code_and_a_comment_is_not(name: str) -> None:
    assert digest(PLAIN.replace("radius", name)) != digest(PLAIN)
    assert digest(f"# {name}\n{PLAIN}") == digest(PLAIN)


@given(NUMBERS, NUMBERS)
def test_each_number_is_other_code(first: float, second: float) -> None:
    assert (digest(f"x = {first!r}") == digest(f"x = {second!r}")) == (repr(first) == repr(second))


@given(st.binary(max_size=200))
def test_any_bytes_have_facts(content: bytes) -> None:
    assert source_facts(content) == source_facts(content)


def test_code_that_does_not_parse_counts_by_its_bytes_and_its_imports_are_read() -> None:
    lines = [
        "import os, model.net as net",
        "from .parts import (a, b)",
        "if x:",
        "    from data import load",
        "x = ???",
    ]
    newer = "\n".join(lines)
    facts = source_facts(newer.encode())
    assert facts.hash == hashlib.sha256(newer.encode()).hexdigest()[:20]
    assert [str(each) for each in facts.imports] == [
        "import os",
        "import model.net",
        "from .parts import a, b",
        "from data import load",
    ]
    assert "(line 5: invalid syntax)" in facts.notes[0]


def test_the_depth_of_the_call_does_not_count() -> None:
    long = "x = " + " + ".join(["1"] * 900)

    def deeper(steps: int) -> str:
        return deeper(steps - 1) if steps else digest(long)

    assert deeper(300) == digest(long) != hashlib.sha256(long.encode()).hexdigest()[:20]


def test_a_tree_that_no_walk_can_end_counts_by_its_bytes() -> None:
    endless = b"x = " + b"-" * 30_000 + b"1"
    assert source_facts(endless).hash == hashlib.sha256(endless).hexdigest()[:20]


def test_scripts_are_hashed_as_the_built_in_code_is() -> None:
    content = Path(__file__).read_bytes()
    assert source_facts(content).hash == syntax_hash(ast.parse(content))[0]

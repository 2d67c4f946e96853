"""Faults of YAML's syntax: the line of the mistake, not the one at which the parser gave up, in plain words."""

from pathlib import Path

import pytest

from ablate.errors import StudyError
from ablate.study.reading.nodes import parse, read_file
from tests.support.study_text import faults

HEAD = "study: demo\ntrainer: simulated\n"
FACTORS = HEAD + "factors:\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (HEAD + "delta 0.5\nalpha: 0.05\n", 3, "a colon is missing after 'delta': `delta: 0.5`"),
        ("study demo\ntrainer: simulated\n", 1, "a colon is missing after 'study': `study: demo`"),
        (HEAD + "alpha: 0.05\ndelta 0.5\n", 4, "a colon is missing after 'delta': `delta: 0.5`"),
        (HEAD + "factors\n  margin: {}\nalpha: 0.1\n", 3, "a colon is missing after 'factors': `factors:`"),
        (FACTORS + "  margin\n    sets: a\n", 4, "a colon is missing after 'margin': `margin:`"),
        (HEAD + "delta:0.5\nalpha: 0.05\n", 3, "write a space after the colon: `delta: 0.5`"),
        (HEAD + "delta = 0.5\nalpha: 1\n", 3, "write a colon, not an equals sign: `delta: 0.5`"),
        (HEAD + "// a comment\nalpha: 1\n", 3, "a comment begins with #"),
        (FACTORS + "\tmargin: 1\n", 4, "a tab indents this line"),
        (FACTORS + "  a: 1\n  \tmargin: 1\n", 5, "a tab indents this line"),
        (HEAD + "question: 'what\ndelta: 0.5\nalpha: 1\n", 3, "the quote that opens here is not closed"),
        (HEAD + 'question: "what\ndelta: 0.5\n', 3, "the quote that opens here is not closed"),
        (HEAD + "question: 'what\ndelta: '0.5'\n", 3, "the quote that opens here is not closed in this line"),
        (HEAD + "question: 'what's this'\ndelta: 1\n", 3, "an apostrophe in single quotes is written twice"),
        (HEAD + 'question: "a" or b\n', 3, "the text goes on after its closing quote"),
        (HEAD + 'question: "a\\qb"\n', 3, "a backslash in double quotes begins an escape"),
        (FACTORS + "  m: {sets: a, levels: [0.1, 0.2}\ndelta: 1\n", 4, "this } stands where the [ in column 24"),
        (FACTORS + "  m: {sets: a, levels: [0.1]\ndelta: 1\n", 4, "the { that opens here is not closed"),
        (FACTORS + "  m: {sets: a, levels: [0.1]]}\n", 4, "this ] closes nothing"),
        (FACTORS + "  m: {sets: a levels: [1, 2]}\n", 4, "a comma is missing before the key of this colon"),
        (FACTORS + "  m: {sets:a, levels:[1, 2]}\n", 4, "write a space after this colon"),
        (HEAD + "seeds: [1,, 2]\n", 3, "a value is missing here"),
        (HEAD + "question: What: a test\n", 3, "put the value in quotes: 'What: a test'"),
        (HEAD + "question: Why: " + "x" * 58 + "\n", 3, "put the value in quotes: one ' before it and one after it"),
        (HEAD + "factors:\n  a: {}\n  b  {sets: c, levels: [1]}\n", 5, "a colon is missing after 'b': `b:`"),
        (
            HEAD + "factors:\n  a: {}\n\u00a0\u00a0b: {}\n",
            5,
            "a space of another kind (U+00A0, no-break space) stands here",
        ),
        (
            HEAD + "seeds:\u00a05\n",
            3,
            "a space of another kind (U+00A0, no-break space) stands here; write plain spaces",
        ),
        (HEAD + "config: {queries: 5,000, base: 0.3}\n", 3, "a number has no comma: write 5000, or 5.000 with a point"),
        (HEAD + "config: {base: 0,25}\n", 3, "a number has no comma: write 0.25 with a point"),
        (HEAD + "question: @home\n", 3, "a value cannot begin with @; put it in quotes: '@home'"),
        (HEAD + "question: `run` it\n", 3, "a value cannot begin with `"),
        (HEAD + "question: %d items\n", 3, "a value cannot begin with %"),
        (HEAD + "question: & more\n", 3, "a value cannot begin with &"),
        (HEAD + "question: *all\n", 3, "text that begins with * stands in quotes"),
        (HEAD + "question: !important it\n", 3, "text that begins with ! stands in quotes"),
        (HEAD + "question: |x\n", 3, "after | the text begins on the next line"),
        (HEAD + "question: [a] is it\n", 3, "the text goes on after ]; put the whole value in quotes"),
        ("%study: demo\n", 1, "a line cannot begin with %"),
        (FACTORS + "  a: 1\n   b: 2\n", 5, "this line is indented more than line 4"),
        (FACTORS + "    a: 1\n  b: 2\ndelta: 1\n", 5, "this line is indented by 2 spaces; accepted: 0 or 4"),
        (HEAD + " delta: 0.5\n", 3, "this line is indented more than line 2"),
        (HEAD + "design:\n  - rows: {}\n  ladder: {}\n", 5, "every entry of this list begins with a dash"),
        (HEAD + "- a\n", 3, "an entry of a list stands among keys"),
        (HEAD + "a: \x07\n", 3, "a control character (U+0007) stands here"),
        ("a: 1\nb: 2\na: 3\n", 3, "key 'a' stands here twice, first in line 1"),
        (HEAD + "---\nb: 1\n", 3, "a second document begins here"),
    ],
)
def test_the_line_and_the_words(text: str, line: int, words: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse(text, "study.yaml")
    (fault,) = caught.value.faults
    first, shown, caret = fault.split("\n")
    assert first.startswith(f"study.yaml:{line}: ")
    assert words in first
    written = text.split("\n")[line - 1]
    assert (
        shown.strip() == "".join(each if each.isprintable() or each == "\t" else "\ufffd" for each in written).strip()
    )
    assert caret.strip() == "^"
    assert len(caret) <= len(shown) + 1


def test_a_long_line_is_cut_around_the_caret() -> None:
    with pytest.raises(StudyError) as caught:
        parse(f"question: {'a' * 100} b: {'c' * 100}\n", "study.yaml")
    _, shown, caret = caught.value.faults[0].split("\n")
    assert len(shown) <= 80
    assert shown[len(caret) - 1] == ":"


def test_an_option_has_no_line() -> None:
    with pytest.raises(StudyError, match=r"^--set: the \[ that opens here is not closed\n    \[1\n    \^$"):
        parse("[1", "--set", numbered=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty; a study file is a mapping that begins with `study: NAME`"),
        ("# only a comment\n", "the file is empty"),
        ("- study: demo\n", "the file is a list; "),
        ("study:demo\n", "found 'study:demo'; write a space after the colon of 'study'"),
        ("42\n", "found 42; a study file is a mapping"),
    ],
)
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str, words: str) -> None:
    (fault,) = faults(tmp_path, text)
    assert fault.startswith("study.yaml:1: ")
    assert words in fault


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("study: größe\n".encode("utf-16"), "is UTF-16; save the file as UTF-8"),
        (b"SQLite format 3\x00" + bytes(100), "is a store; give a study file"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=words):
        read_file(path)


def test_the_nearest_file_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "bn neck.yaml").write_text("study: bnneck\n")
    with pytest.raises(StudyError, match=r"no such file.* did you mean '.*/studies/bn neck.yaml'"):
        read_file(tmp_path / "bn-neck")

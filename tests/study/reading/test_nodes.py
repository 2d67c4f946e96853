"""Reading YAML: booleans, numbers, refused texts, and the places of faults."""

from pathlib import Path

import pytest

from ablate.errors import StudyError
from ablate.study.reading.nodes import parse, read_file, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", True), ("off", False), ("true", True), ("False", False), ("yes", "yes"), ("no", "no"),
        ("1e-4", 1e-4), ("1E5", 1e5), (".5", 0.5), ("5.", 5.0), ("-3", -3), ("010", 10), ("1:30", "1:30"),
        ("null", None), ("~", None), ("", None), ("2026-11-22", "2026-11-22"), ("0x1F", "0x1F"), ("1_000", "1_000"),
        ("-.inf", float("-inf")), ("1.2.3", "1.2.3"), ("e5", "e5"),
    ],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_quoted_scalars_are_text() -> None:
    assert parse("a: 'on'\nb: \"1\"", "x").plain() == {"a": "on", "b": "1"}


def test_a_boolean_key_is_no_number_key() -> None:
    node = parse("{on: a, 1: b}", "x")
    assert node.child(True).value == "a"  # type: ignore[union-attr]
    assert node.child(1).value == "b"  # type: ignore[union-attr]


def test_merge_keys_give_way_to_the_mapping_itself() -> None:
    text = "base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nboth: {<<: [{x: 9}, *b]}"
    assert parse(text, "f").plain()["use"] == {"x": 1, "y": 3}
    assert parse(text, "f").plain()["both"] == {"x": 9, "y": 2}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "twice"),
        ("a:\n\tb: 1\n", 2, "tab"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "tag"),
        ("a: !secret 1\n", 1, "tag"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: [1, 2\nb: 3\n", 1, "the [ that opens here is not closed"),
        ("a: &x [*x]\n", 1, "alias"),
        ("a: *nothing\n", 1, "alias"),
        ("? [1, 2]\n: 3\n", 1, "key"),
        ("a: \x00\n", 1, ""),
        ("{" * 5000, 1, "deep"),
    ],
)
def test_faults_name_file_and_line(text: str, line: int, words: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse(text, "study.yaml")
    assert str(caught.value).startswith(f"study.yaml:{line}: ")
    assert words in str(caught.value)


def test_a_bomb_of_nested_aliases_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 20)]
    with pytest.raises(StudyError, match="aliases expand"):
        parse("\n".join(lines), "bomb.yaml")


def test_a_file_of_ten_megabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text("a: &a [x]\n" + "b: [*a, *a, *a]\n" * 700_000)
    with pytest.raises(StudyError, match="larger than"):
        read_file(path)


def test_bytes_that_are_no_utf8_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("study: x\nquestion: größer\n".encode("latin-1"))
    with pytest.raises(StudyError, match=r"latin\.yaml:2: .*UTF-8"):
        read_file(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.yaml", "missing.yaml: no such file; give the path"), (".", "is a folder; give a study")],
)
def test_what_is_no_file_is_said_so(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        read_file(tmp_path / name)

"""JSON and YAML of other programs: plain values only, nothing executed, bounds, and clear faults."""

from pathlib import Path

import pytest

from ablate.errors import SourceError
from ablate.imports.trackers.cells import flat, typed
from ablate.imports.trackers.documents import LARGEST_YAML, LeftOut, json_lines, json_of, mapping_in, yaml_of


def yaml_text(folder: Path, text: str) -> Path:
    path = folder / "hparams.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_objects_of_python_are_left_out_and_never_built(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    text = f"""
lr: 1e-05
betas: !!python/tuple [0.9, 0.999]
run: !!python/object/apply:os.system ["touch {trace}"]
path: !!python/object/apply:pathlib.PosixPath [data]
nested: {{act: !!python/name:os.getcwd '', custom: !mine 3}}
"""
    unused: list[str] = []
    content = yaml_of(yaml_text(tmp_path, text))
    assert isinstance(content["run"], LeftOut)
    assert flat(content, "version_0", unused) == {"lr": 1e-05, "betas": "[0.9, 0.999]"}
    assert [sentence.split(" is left out")[0] for sentence in unused] == [
        f"version_0: {name}" for name in ("run", "path", "nested.act", "nested.custom")
    ]
    assert not trace.exists()


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "a: {b: 1",
        "? [1, 2]\n: 3",
        "a: \0",
        "[" * 100_000,
        "a: 2024-13-45",
        pytest.param("a" * (LARGEST_YAML + 1), id="large"),
    ],
)
def test_a_yaml_file_that_is_none_gives_a_fault(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"hparams\.yaml: (is no valid YAML|4 MiB)"):
        yaml_of(yaml_text(tmp_path, text))


BOMB = "a: &a [1, 1]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
)
"""4 ** 16 values in a few lines."""


@pytest.mark.parametrize("text", [BOMB, "a: &a\n  b: *a\n", "\n".join(f"k{at}: 1" for at in range(10_001))])
def test_settings_without_end_give_a_fault(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match="more than"):
        flat(yaml_of(yaml_text(tmp_path, text)), "version_0", [])


def test_a_file_that_holds_no_mapping_is_a_fault_if_one_is_needed(tmp_path: Path) -> None:
    path = yaml_text(tmp_path, "1: a\n")
    assert mapping_in(yaml_of(path), path) == {"1": "a"}
    with pytest.raises(SourceError, match="must hold names with values"):
        mapping_in(yaml_of(yaml_text(tmp_path, "- a\n")), path)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("7", 7), ("-7", -7), ("0.5", 0.5), ("1e-05", 1e-05), ("5.", 5.0), (".5", 0.5), ("0", 0)]
    + [(text, text) for text in ("007", "00.5", "1e999", "nan", "inf", "None", "1_000", "", "1.2.3", "9" * 40)],
)
def test_a_setting_that_was_written_as_text(text: str, value: object) -> None:
    assert (typed(text), type(typed(text))) == (value, type(value))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}", b"[" * 100_000, b"1" * 5_000, b"\0"])
def test_a_json_file_that_is_none_gives_a_fault(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "params.json"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"params\.json: is no (valid JSON|UTF-8)|is not UTF-8"):
        json_of(path)


def test_a_torn_line_ends_a_file_and_a_fault_inside_is_named(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text('{"a": 1}\n\n{"a": 2}\n{"a": ')
    assert [(line.number, line.content["a"]) for line in json_lines(path)] == [(1, 1), (3, 2)]
    path.write_text('{"a": 1}\n{"a": \n{"a": 2}\n')
    with pytest.raises(SourceError, match=r"result\.json, line 2"):
        list(json_lines(path))

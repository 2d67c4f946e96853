"""JSON, TOML and YAML files as cells, within bounds."""

from pathlib import Path

import pytest

from ablate.imports.folders.reading.documents import MOST_KEYS, cells, numbers, read_document, read_mapping
from ablate.trainers.measuring.takes import NoValueError


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_same_settings_in_three_languages(tmp_path: Path) -> None:
    texts = {
        "a.json": '{"optim": {"lr": 1e-3, "betas": [0.9, 0.99]}, "norm": null, "amp": true}',
        "a.yaml": "optim:\n  lr: 1e-3\n  betas: [0.9, 0.99]\nnorm: null\namp: true\n",
        "a.toml": "amp = true\n[optim]\nlr = 1e-3\nbetas = [0.9, 0.99]\n",
    }
    for name, text in texts.items():
        settings = cells(read_mapping(written(tmp_path, name, text), name), name)
        settings.setdefault("norm", None)  # TOML has no null
        assert settings == {"optim.lr": 0.001, "optim.betas": "[0.9, 0.99]", "norm": None, "amp": True}


def test_tags_of_python_make_no_objects(tmp_path: Path) -> None:
    marker = tmp_path / "made"
    text = (
        f"a: !!python/object/apply:os.mkdir ['{marker}']\nb: !!python/name:torch.nn.ReLU ''\nc: !!python/tuple [1, 2]\n"
    )
    settings = cells(read_mapping(written(tmp_path, "a.yaml", text), "a.yaml"), "a.yaml")
    assert not marker.exists()
    assert settings == {"a": f"[{marker}]", "b": "torch.nn.ReLU", "c": "[1, 2]"}


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.yaml", "a: " + "[" * 5000, "more than 50 levels"),
        ("a.yaml", "a: &a [*a]", "leads to itself"),
        ("a.yaml", "a: [1, 2", "is not YAML"),
        ("a.yaml", "a: \x00", "is not YAML"),
        ("a.yaml", "- 1\n- 2\n", "holds a list"),
        ("a.yaml", "", "is empty"),
        ("a.json", "[" * 100_000, "too deep"),
        ("a.json", '{"a":' * 60 + "1" + "}" * 60, "more than 50 levels"),
        ("a.json", '{"a": 1', "cut off at line 1"),
        ("a.json", "", "is empty"),
        ("a.toml", "a = ", "is not TOML"),
        ("a.toml", "a = " + "[" * 5000, "is not TOML"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, text: str, reason: str) -> None:
    with pytest.raises(NoValueError, match=reason):
        read_mapping(written(tmp_path, name, text), name)


def test_a_yaml_file_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(NoValueError, match="more than 4 MB"):
        read_document(written(tmp_path, "a.yaml", b"#" * (4 * 2**20 + 1)), "a.yaml")


def test_too_many_keys_are_a_fault() -> None:
    content = {str(at): at for at in range(MOST_KEYS + 1)}
    for read in (cells, numbers):
        with pytest.raises(NoValueError, match="too many"):
            read(content, "a.json")


def test_long_texts_are_shortened_and_stay_different() -> None:
    first, second = cells({"a": "x" * 10**6, "b": "x" * 10**6 + "y"}, "a.json").values()
    assert first != second
    assert len(str(first)) < 200


def test_numbers_of_results() -> None:
    values, others = numbers({"test": {"acc": 0.5}, "loss": [0.3, 0.2], "text": "0.25", "name": "vit", "ok": True}, "r")
    assert values == {"test.acc": 0.5, "loss": 0.2, "text": 0.25}
    assert others == {"name": "vit", "ok": True}

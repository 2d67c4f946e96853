"""What is said about the config classes holds of them."""

from pathlib import Path

import pytest

from ablate.trainers.registry import TRAINERS
from tests.conftest import Ablate


@pytest.mark.parametrize("trainer", TRAINERS)
def test_the_keys_of_a_trainings_shape_exist(trainer: str) -> None:
    assert TRAINERS[trainer].shape
    for key in TRAINERS[trainer].shape:
        found = TRAINERS[trainer].config().model_dump()
        for name in key.split("."):
            assert name in found, key
            found = found[name]


@pytest.mark.parametrize("value", ["16", "[16]", "[16, 16, 16]", "[]", "16x16"])
def test_a_list_of_fixed_length_is_requested_with_its_length(ablate: Ablate, tmp_path: Path, value: str) -> None:
    (tmp_path / "study.yaml").write_text("study: s\ntrainer: retrieval\ndesign: [{rows: {only: {}}}]\n")
    result = ablate("plan", tmp_path / "study.yaml", "--set", f"config.data.size={value}")
    assert result.code == 2
    found = value if value[0] == "[" or value == "16" else f"'{value}'"
    assert f"config.data.size: found {found}; accepted: a list of 2 values, like [64, 64]" in result.err
    assert ("(write [16, 16])" in result.err) == (value in ("16", "16x16"))
    assert "write [16])" not in result.err

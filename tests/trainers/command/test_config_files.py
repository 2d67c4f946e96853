"""Tests of config files: real readers read back the config."""

import json
import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ablate.errors import AblateError
from ablate.trainers.command.arguments import ArgumentValues, expanded
from ablate.trainers.command.config_files import write_config

CONFIG = {
    "lr": 1e-05,
    "steps": 300,
    "augment": False,
    "name": "two words, \"quotes\", 'ü' \\ \x7f\n\t#",
    "model": {"depth": 3, "layers": [1, 2], "opts": {"a b.c": {"p": 0.5}}, "stages": [{"width": 8}, {"width": 16}]},
    "empty": {},
    "nothing": [],
}
READERS: dict[str, Any] = {"json": json.loads, "yaml": yaml.safe_load, "toml": tomllib.loads}


@pytest.mark.parametrize("kind", READERS)
def test_a_reader_gets_the_config_back(kind: str, tmp_path: Path) -> None:
    [item] = expanded([f"--config=${{config.{kind}}}"], ArgumentValues(CONFIG, 0, tmp_path / "new", "python"))
    path = Path(item.removeprefix("--config="))
    assert path.parent == tmp_path / "new"
    assert READERS[kind](path.read_text(encoding="utf-8")) == CONFIG
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_null_is_kept_except_in_toml(tmp_path: Path) -> None:
    config = {"a": None, "b": {"c": None, "d": 1}}
    assert json.loads(write_config(config, tmp_path, "json").read_text()) == config
    assert yaml.safe_load(write_config(config, tmp_path, "yaml").read_text()) == config
    assert tomllib.loads(write_config(config, tmp_path, "toml").read_text()) == {"b": {"d": 1}}
    with pytest.raises(AblateError, match=r"config\.b\.c: TOML has no null"):
        write_config({"b": {"c": [1, None]}}, tmp_path, "toml")


def test_infinity_in_toml_and_yaml(tmp_path: Path) -> None:
    config = {"a": math.inf, "b": -math.inf}
    assert tomllib.loads(write_config(config, tmp_path, "toml").read_text()) == config
    assert yaml.safe_load(write_config(config, tmp_path, "yaml").read_text()) == config


def test_text_that_some_readers_take_for_a_number_stands_in_quotes(tmp_path: Path) -> None:
    assert write_config({"a": "1e-5", "b": "x"}, tmp_path, "yaml").read_text() == "a: '1e-5'\nb: x\n"

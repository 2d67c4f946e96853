"""The config of a function in a check: which keys count as read."""

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablate.run.checking.script_notes import read_notes
from ablate.trainers.function.config.watched_config import WATCH, WatchedConfig, unused_arguments, watched_arguments

CONFIG = {"lr": 0.1, "model": {"depth": 3, "width": 4}, "sizes": [1, 2], "empty": {}}
ALL = {"lr", "model.depth", "model.width", "sizes", "empty"}


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(WATCH, str(tmp_path))
    return tmp_path


def star(**values: Any) -> None:
    """Take any values by name."""


@pytest.mark.parametrize(
    ("use", "keys"),
    [
        (lambda config: config["lr"], {"lr"}),
        (lambda config: config.get("lr"), {"lr"}),
        (lambda config: "lr" in config, {"lr"}),
        (lambda config: config.pop("sizes"), {"sizes"}),
        (lambda config: config["model"], set()),
        (lambda config: config["model"]["depth"], {"model.depth"}),
        (lambda config: star(**config["model"]), {"model.depth", "model.width"}),
        (lambda config: star(**config), {"lr", "sizes", "empty"}),
        (lambda config: dict(config)["model"]["width"], {"lr", "sizes", "empty", "model.width"}),
        (lambda config: [value for value in config.values() if value == {}], ALL),
        (lambda config: list(config), {"lr", "sizes", "empty"}),
        (lambda config: {**config}, {"lr", "sizes", "empty"}),
        (lambda config: config | {"lr": 3}, {"lr", "sizes", "empty"}),
        (lambda config: {"lr": 3} | config, {"lr", "sizes", "empty"}),
        (lambda config: config == CONFIG, ALL),
        (copy.deepcopy, ALL),
        (pickle.dumps, ALL),
        (json.dumps, ALL),
        (repr, set()),
        (len, set()),
        (bool, set()),
    ],
)
def test_keys_that_are_read(notes: Path, use: Callable[[Any], object], keys: set[str]) -> None:
    use(WatchedConfig(CONFIG))
    assert read_notes(notes).read_keys == keys


def test_a_watched_config_is_a_dict_with_the_same_content() -> None:
    config = WatchedConfig(CONFIG)
    assert isinstance(config, dict)
    assert config == CONFIG
    assert json.loads(json.dumps(config)) == CONFIG
    assert repr(config) == repr(CONFIG)
    for copied in (copy.deepcopy(config), pickle.loads(pickle.dumps(config)), config.copy()):
        assert type(copied) is dict
        assert copied == CONFIG


def by_name(lr: float, model: dict[str, int], seed: int) -> int:
    """Use a part of the arguments."""
    return model["depth"]


def with_closure(lr: float, seed: int) -> Callable[[], float]:
    return lambda: lr + seed


def looks_around(lr: float, seed: int) -> dict[str, float]:
    return locals()


def test_arguments_that_a_function_gets_by_name(notes: Path) -> None:
    by_name(**watched_arguments(by_name, CONFIG, {"lr": 0.1, "model": CONFIG["model"], "seed": 3}))
    read = read_notes(notes)
    assert set(read.keys) == ALL
    assert read.read_keys == {"model.depth"}
    assert read.unused_seed == "by_name"


@pytest.mark.parametrize(
    ("function", "names"), [(by_name, {"lr", "seed"}), (with_closure, set()), (looks_around, set()), (len, set())]
)
def test_arguments_that_are_not_used(function: Callable[..., Any], names: set[str]) -> None:
    assert unused_arguments(function) == names


def test_a_config_of_another_type_counts_as_read(notes: Path) -> None:
    watched_arguments(by_name, CONFIG, {"config": object()})
    assert read_notes(notes).read_keys == ALL

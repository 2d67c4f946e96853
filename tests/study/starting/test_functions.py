"""Tests of first studies of functions."""

from pathlib import Path

import pytest
import yaml

from ablate.errors import AblateError
from ablate.study.reading.study_reader import read_study
from ablate.study.starting.draft import StudyDraft, study_text
from ablate.study.starting.function_study import function_draft

TYPED = """
from dataclasses import dataclass, field
from nets import Model
@dataclass
class Config:
    lr: float = 0.1
    model: Model = field(default_factory=Model)
def main(config: Config, seed, run):
    return {"val_acc": 0.9, "seconds": 3, "val_loss": 0.2}
"""
NETS = """
from dataclasses import dataclass
from typing import Literal
@dataclass
class Model:
    depth: int = 3
    kind: Literal["mlp", "cnn"] = "mlp"
"""
PLAIN = """
def main(config, seed):
    net = config["model"]
    width = config["model"]["width"] * config.get("scale", 2.0) + config.model.depth
    results = {}
    results["accuracy"] = width
    return results
"""
DIRECT = "def main(lr=0.1, hidden=32, *, augment=False):\n    return dict(score=1)\n"


def draft_of(text: str, folder: Path, name: str = "main") -> StudyDraft:
    (folder / "train.py").write_text(text)
    return function_draft(folder / "train.py", name, f"train.py:{name}", "train", folder)


def test_a_typed_config_with_a_class_of_another_module(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    draft = draft_of(TYPED, tmp_path)
    assert draft.config == {"lr": 0.1, "model.depth": 3, "model.kind": "mlp"}
    assert [metric.name for metric in draft.metrics] == ["val_acc", "val_loss"]
    assert [factor.name for factor in draft.factors] == ["model_kind", "lr", "model_depth"]
    assert draft.to_do == ()
    content = yaml.safe_load(study_text(draft))
    assert content["trainer"] == {"function": "train.py:main"}
    assert content["config"] == {"lr": 0.1, "model": {"depth": 3, "kind": "mlp"}}
    (tmp_path / "study.yaml").write_text(study_text(draft))
    assert len(read_study(tmp_path / "study.yaml").rows) == 4


def test_keys_that_a_function_reads(tmp_path: Path) -> None:
    draft = draft_of(PLAIN, tmp_path)
    assert draft.config == {"model.width": "???", "model.depth": "???", "scale": 2.0}
    assert [metric.name for metric in draft.metrics] == ["accuracy"]
    assert any("model.width and model.depth" in work or "model.depth and model.width" in work for work in draft.to_do)


def test_arguments_as_keys(tmp_path: Path) -> None:
    draft = draft_of(DIRECT, tmp_path)
    assert draft.config == {"lr": 0.1, "hidden": 32, "augment": False}
    assert any("no argument `seed`" in work for work in draft.to_do)


def test_a_function_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(AblateError, match=r"unknown function 'mian'; did you mean 'main'\? known: main"):
        draft_of(DIRECT, tmp_path, "mian")
    with pytest.raises(AblateError, match="has no function at its top"):
        draft_of("x = 1\n", tmp_path)

"""Tests of the keys of a Hydra application: its main config file and its config groups."""

from pathlib import Path

import pytest

from ablate.study.starting.scanning.hydra_options import hydra_files, hydra_options
from tests.support.project.source_text import source_of

APP = """
import hydra
@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config): ...
"""
CONFIG = """
defaults:
  - model: small
  - override hydra/launcher: basic
  - _self_
lr: 1e-3
seed: 0
out: ${hydra:runtime.output_dir}
data: ???
trainer: {epochs: 10, amp: false, gammas: [0.1, 0.2]}
nothing: null
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    for name, text in {"config": CONFIG, "model/small": "depth: 1", "model/large": "depth: 3"}.items():
        path = tmp_path / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_keys_and_groups(app: Path) -> None:
    files = hydra_files(source_of(APP, app))
    assert files is not None
    options = {option.name: option for option in hydra_options(files).options}
    assert {name: option.default for name, option in options.items()} == {
        "model": "small",
        "lr": 0.001,
        "seed": 0,
        "data": None,
        "trainer.epochs": 10,
        "trainer.amp": False,
        "trainer.gammas": [0.1, 0.2],
    }
    assert options["model"].choices == ("large", "small")
    assert options["data"].is_required


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "\x00", "a: !!python/object:os.system {}"])
def test_a_config_file_that_cannot_be_read_has_no_keys(text: str, app: Path) -> None:
    (app / "conf" / "config.yaml").write_text(text)
    files = hydra_files(source_of(APP, app))
    assert files is not None
    assert hydra_options(files).options == ()


def test_other_scripts_are_no_hydra_applications(tmp_path: Path) -> None:
    assert hydra_files(source_of("import mine\n@mine.main(config_path='x')\ndef main(): ...\n", tmp_path)) is None

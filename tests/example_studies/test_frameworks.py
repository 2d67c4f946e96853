"""The studies of Hydra, Hugging Face and Lightning scripts, run in an environment of their own without ablate."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.command.example_runs import example_study, run_and_check
from tests.support.installed.virtual_environment import VirtualEnvironment, shared_environment

pytestmark = pytest.mark.network

PACKAGES = (
    "torch",
    "numpy",
    "hydra-core==1.3.8",
    "pytorch-lightning==2.6.6",
    "transformers==5.24.*",
    "accelerate==1.15.*",
    "tensorboard==2.21.*",
)
"""torch is in the constraints of the project, so that pip keeps the one that the tests have."""


@pytest.fixture(scope="module")
def frameworks(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> VirtualEnvironment:
    return shared_environment("frameworks", PACKAGES, tmp_path_factory, worker_id, is_compiled=False)


def of_hydra(folder: Path) -> Mapping[str, float]:
    return {"mse": json.loads((folder / "result.json").read_text())["mse"]}


def of_hugging_face(folder: Path) -> Mapping[str, float]:
    """Return the numbers of the last evaluation in the `log_history` of the trainer's state, its record of the run."""
    values: Mapping[str, float] = json.loads((folder / "trainer_state.json").read_text())["log_history"][-1]
    return values


def of_lightning(folder: Path) -> Mapping[str, float]:
    """Return the last value of each column of metrics.csv."""
    values = {}
    with (folder / "lightning_logs" / "version_0" / "metrics.csv").open() as file:
        for row in csv.DictReader(file):
            values |= {name: float(value) for name, value in row.items() if value}
    return values


@pytest.mark.parametrize(
    ("name", "written"),
    [("hydra", of_hydra), ("huggingface", of_hugging_face), ("lightning", of_lightning)],
    ids=["hydra", "huggingface", "lightning"],
)
def test_a_study_of_a_framework(
    frameworks: VirtualEnvironment, name: str, written: Callable[[Path], Mapping[str, float]], tmp_path: Path
) -> None:
    study = example_study(name, tmp_path, frameworks.python.parent)
    run_and_check(study, written)
    found = frameworks.run("-c", "import importlib.util; print(importlib.util.find_spec('ablate'))", cwd=tmp_path)
    assert found.out.strip() == "None"

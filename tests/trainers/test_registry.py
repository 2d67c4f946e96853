"""The registry of trainers, and the tool without the folder of a trainer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ablate
from ablate.trainers.entry import TrainerEntry
from ablate.trainers.registry import ENTRIES, TRAINERS, Registry
from tests.conftest import STUDIES, Result

PACKAGE = Path(ablate.__file__).parent


def test_the_registry_gives_every_entry_by_its_name() -> None:
    assert list(TRAINERS) == list(ENTRIES) == ["retrieval", "simulated"]
    for name, entry in TRAINERS.items():
        assert isinstance(entry, TrainerEntry)
        assert TRAINERS[name] is entry
        assert entry.config().model_dump()


def test_a_trainer_that_is_not_there_is_none() -> None:
    registry = Registry(ENTRIES | {"gone": "ablate.gone.entry:ENTRY", "lost": "ablate.trainers.lost:ENTRY"})
    assert list(registry) == list(ENTRIES)
    assert len(registry) == len(ENTRIES)
    assert registry.get("gone") is None
    with pytest.raises(KeyError):
        registry["lost"]


def test_faults_of_names_say_which_are_installed() -> None:
    registry = Registry(ENTRIES | {"gone": "ablate.gone.entry:ENTRY"})
    fault = registry.fault("gone")
    assert "trainer 'gone' is not installed: there is no module ablate.gone.entry" in fault
    assert "installed: retrieval, simulated" in fault
    assert registry.fault("simulatd") == (
        "unknown trainer 'simulatd'; did you mean 'simulated'? known: retrieval, simulated"
    )


@pytest.fixture
def without_retrieval(tmp_path: Path) -> Path:
    """A folder with a copy of the package that lacks the folder of the trainer `retrieval`."""
    shutil.copytree(PACKAGE, tmp_path / "ablate", ignore=shutil.ignore_patterns("retrieval", "__pycache__"))
    assert not (tmp_path / "ablate" / "retrieval").exists()
    return tmp_path


ISOLATED = """
import runpy, sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in str(finder).lower()]
runpy.run_module("ablate", run_name="__main__")
"""
"""The command line without the finder of an editable installation, which would find a folder that the copy lacks."""


def typed(folder: Path, *words: str) -> Result:
    """`ablate WORDS` with the package in `folder`."""
    environment = {name: value for name, value in os.environ.items() if name != "ABLATE_STORE"}
    done = subprocess.run(
        [sys.executable, "-c", ISOLATED, *words],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_the_tool_works_without_the_trainer_retrieval(without_retrieval: Path) -> None:
    told = typed(without_retrieval, "--help")
    assert told.code == 0, told.err
    assert "  schema " in told.out
    assert "  data " not in told.out

    study = str(STUDIES / "simulated.yaml")
    told = typed(without_retrieval, "run", study, "--executor", "inline")
    assert told.code == 0, told.err
    told = typed(without_retrieval, "report")
    assert told.code == 0, told.err
    assert "simulated trainer" in told.out

    told = typed(without_retrieval, "schema")
    assert told.code == 0, told.err
    assert "config_simulated" in told.out
    assert "config_retrieval" not in told.out


@pytest.mark.slow
def test_a_study_of_a_trainer_that_is_not_installed_is_a_wrong_request(without_retrieval: Path) -> None:
    for trainer in ("trainer: retrieval\n", ""):  # the second: the trainer of a file that names none
        path = without_retrieval / "study.yaml"
        path.write_text(f"study: demo\n{trainer}design: [{{rows: {{plain: {{}}}}}}]\n")
        told = typed(without_retrieval, "plan", "study.yaml")
        assert told.code == 2
        assert "trainer: trainer 'retrieval' is not installed" in told.err
        assert "installed: simulated" in told.err

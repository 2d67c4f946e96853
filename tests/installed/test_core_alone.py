"""The core in a virtual environment of its own, installed from a wheel: its size, its data, studies and refusals."""

import json
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from ablate.report.formats import FORMATS
from tests.conftest import Result
from tests.support.installed.hidden_libraries import OF_EXTRAS
from tests.support.installed.virtual_environment import VirtualEnvironment, shared_environment, sources
from tests.support.paths import BNNECK, ROOT, SIMULATED

pytestmark = pytest.mark.slow

LARGEST = 400
"""The most megabytes that the core and all that it needs may take. Modules that pip compiles take about 130 more."""

NOT_PACKED = {"README.md", ".gitattributes"}
"""Files in the package's folder that only the checkout needs."""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> VirtualEnvironment:
    copy = sources(tmp_path_factory.mktemp("sources"))
    return shared_environment("core", [copy], tmp_path_factory, worker_id)


def test_the_core_is_small(core: VirtualEnvironment) -> None:
    assert 200 < core.megabytes() < LARGEST


def test_nothing_of_the_extras_is_installed(core: VirtualEnvironment, tmp_path: Path) -> None:
    code = "import ablate, importlib.util, sys; print(ablate.__file__, *map(importlib.util.find_spec, sys.argv[1:]))"
    found = core.run("-c", code, *OF_EXTRAS, cwd=tmp_path).out.split()
    assert Path(found[0]).is_relative_to(core.packages)
    assert set(found[1:]) == {"None"}


def files(folder: Path) -> set[Path]:
    """The package's modules and data below a folder."""
    paths = {path.relative_to(folder) for path in (folder / "ablate").rglob("*") if path.is_file()}
    return {path for path in paths if path.suffix != ".pyc" and path.name not in NOT_PACKED}


def test_the_wheel_has_all_files_of_the_package(core: VirtualEnvironment) -> None:
    assert files(core.packages) == files(ROOT)
    (metadata,) = core.packages.glob("ablate_study-*.dist-info")
    assert {"retrieval", "search", "postgres"} <= set(PathDistribution(metadata).metadata.get_all("Provides-Extra", []))


def test_a_study_is_run_and_reported_in_every_format(core: VirtualEnvironment, tmp_path: Path) -> None:
    ran = core.run("-m", "ablate", "run", SIMULATED, "--workers", "2", cwd=tmp_path)
    assert ran.code == 0, ran.err
    for form in FORMATS:
        told = core.run("-m", "ablate", "report", "simulated", "--format", form, cwd=tmp_path)
        assert told.code == 0, told.err
        assert "normalized" in told.out
    drawn = {path.name for path in (tmp_path / "results" / "figures").rglob("*.svg")}
    assert {"topk.svg", "forest.svg"} <= drawn


SCRIPT = """\
import argparse, random

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--seed", type=int)
given = parser.parse_args()
noise = random.Random(f"{given.seed} {given.lr}").gauss(0, 0.002)
print(f"val_acc: {0.7 + given.lr + noise:.6f}")
"""
COMMAND_STUDY = """\
study: script
trainer: {command: ["${python}", train.py, "${args}", --seed, "${seed}"]}
metrics: {acc: {better: higher, unit: "%", from: "stdout:val_acc: ([0-9.]+)", take: last}}
primary: acc
delta: 0.5
config: {lr: 0.1}
factors: {rate: {sets: lr, levels: [0.1, 0.2]}}
design: [{add_one: {from: {}}}]
seeds: 3
"""


def test_a_study_of_a_script(core: VirtualEnvironment, tmp_path: Path) -> None:
    pytest.importorskip("ablate.trainers.command.entry")
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "script.yaml").write_text(COMMAND_STUDY)
    ran = core.run("-m", "ablate", "run", "script.yaml", "--workers", "2", cwd=tmp_path)
    assert ran.code == 0, ran.err
    told = core.run("-m", "ablate", "report", "script", "--format", "json", cwd=tmp_path)
    assert told.code == 0, told.err
    (contrast,) = json.loads(told.out)["contrasts"]
    assert (contrast["effect"], contrast["verdict"]) == (pytest.approx(0.1, abs=0.01), "better")


def test_a_notebook_runs_and_draws_a_study(core: VirtualEnvironment, tmp_path: Path) -> None:
    code = (
        "import sys, ablate\n"
        "summary = ablate.run_study(sys.argv[1], 'own.db', executor='inline')\n"
        "analysis = ablate.analyse_study(summary.study, 'own.db')\n"
        "print(summary.failed, 'normalized' in ablate.render(analysis, 'markdown'))\n"
        "print(len(ablate.draw(analysis, 'drawn')))"
    )
    told = core.run("-c", code, SIMULATED, cwd=tmp_path)
    assert told.out.split() == ["0", "True", str(len(list((tmp_path / "drawn").rglob("*.*g"))))], told.err


def refused(core: VirtualEnvironment, folder: Path, *words: object) -> Result:
    told = core.run("-m", "ablate", *words, "--store", "none.db", cwd=folder)
    assert told.code == 2
    assert "Traceback" not in told.err
    assert not (folder / "none.db").exists()
    return told


def test_requests_that_need_an_extra_are_refused(core: VirtualEnvironment, tmp_path: Path) -> None:
    assert "pip install 'ablate-study[retrieval]'" in refused(core, tmp_path, "run", BNNECK).err
    searched = refused(core, tmp_path, "search", BNNECK.with_name("margin_omega.yaml"))
    assert "pip install 'ablate-study[search]'" in searched.err
    assert core.run("-m", "ablate", "plan", BNNECK, cwd=tmp_path).code == 0


def test_the_embedded_data_are_there(core: VirtualEnvironment, tmp_path: Path) -> None:
    listed = core.run("-m", "ablate", "data", "list", cwd=tmp_path)
    assert "17,909 images of 3,376 items" in listed.out

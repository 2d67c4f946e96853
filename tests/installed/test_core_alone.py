"""The core in a virtual environment of its own, installed from a wheel: its size, its data, studies and refusals."""

import json
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from tests.conftest import Result
from tests.support.installed.hidden_libraries import OF_EXTRAS
from tests.support.installed.virtual_environment import VirtualEnvironment, environment, sources
from tests.support.paths import BNNECK, ROOT, SIMULATED

pytestmark = pytest.mark.slow

LARGEST = 400
"""The most megabytes that the core and all that it needs may take. Modules that pip compiles take about 130 more."""

NOT_PACKED = {"README.md", ".gitattributes"}
"""Files in the package's folder that only the checkout needs."""


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> VirtualEnvironment:
    folder = tmp_path_factory.mktemp("core")
    made = environment(folder / "environment")
    made.install(sources(folder / "sources"))
    assert made.megabytes() < LARGEST
    return made


@pytest.fixture(scope="module")
def studied(core: VirtualEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of a simulated study."""
    folder = tmp_path_factory.mktemp("studied")
    ran = core.run("-m", "ablate", "run", SIMULATED, "--workers", "2", cwd=folder)
    assert ran.code == 0, ran.err
    return folder


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


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex", "csv", "json", "log"])
def test_a_report_in_every_format(core: VirtualEnvironment, studied: Path, form: str) -> None:
    told = core.run("-m", "ablate", "report", "simulated", "--format", form, cwd=studied)
    assert told.code == 0, told.err
    assert "normalized" in told.out
    if form == "json":
        assert len(json.loads(told.out)["rows"]) == 4
    if form == "terminal":
        drawn = {path.name for path in (studied / "results" / "figures").rglob("*.svg")}
        assert {"topk.svg", "forest.svg"} <= drawn


def test_a_notebook_runs_and_draws_a_study(core: VirtualEnvironment, tmp_path: Path) -> None:
    code = (
        "import sys, ablate\n"
        "summary = ablate.run_study(sys.argv[1], 'own.db', executor='inline')\n"
        "analysis = ablate.analyse_study(summary.study, 'own.db')\n"
        "print(summary.failed, len(ablate.render(analysis, 'markdown')) > 1000, len(ablate.draw(analysis, 'drawn')) > 1)"
    )
    told = core.run("-c", code, SIMULATED, cwd=tmp_path)
    assert told.out.split() == ["0", "True", "True"], told.err


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

"""The core without the libraries of the extras: simulated studies work, and all else is refused with the remedy."""

import configparser
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ablate.extras import INSTALLED_AS, PARQUET, OptionalLibraries
from ablate.report.formats import FORMATS
from ablate.retrieval.libraries import LIBRARIES
from ablate.study.search_space.libraries import IMPORTANCE, OF_SAMPLERS, SEARCH
from tests.conftest import Ablate, Result
from tests.support.installed.hidden_libraries import OF_EXTRAS, commands_without_libraries, surroundings
from tests.support.paths import BNNECK, ROOT, SEED_LOG, SIMULATED, TINY

DEFAULT = "study: mine\nfactors: {rate: {sets: schedule.lr, levels: [0.1, 0.2]}}\ndesign: [{add_one: {from: {}}}]\n"
"""A study that names no trainer."""

WALK = """\
study: walk
trainer: simulated
factors:
  margin: {sets: settings.margin, levels: [0.6, 0.2]}
search:
  space: {margin: {low: 0.0, high: 1.0}}
  trials: 4
  sampler: tpe
"""

RETRIEVAL = (
    "which needs torch, torchvision and timm, which are not installed; install them with "
    "`pip install 'ablate-study[retrieval]'`, or name another trainer"
)
OPTUNA = "search: needs optuna, which is not installed; install it with `pip install 'ablate-study[search]'`"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("without")
    (folder / "default.yaml").write_text(DEFAULT)
    (folder / "walk.yaml").write_text(WALK)
    return folder


@pytest.mark.slow
def test_a_simulated_study_is_planned_run_and_reported(folder: Path) -> None:
    words = [
        ["plan", SIMULATED],
        ["run", SIMULATED, "--executor", "inline"],
        ["report", "simulated", "--format", "json"],
        ["status"],
    ]
    results = commands_without_libraries(folder, *words)
    assert [result.code for result in results] == [0, 0, 0, 0], results
    assert len(json.loads(results[2].out)["rows"]) == 4


@pytest.fixture(scope="module")
def refusals(folder: Path) -> list[Result]:
    """The results of requests that need the libraries."""
    words = [
        ["run", BNNECK, "--store", "none.db"],
        ["run", "default.yaml", "--store", "none.db"],
        ["search", "walk.yaml", "--store", "none.db"],
        ["search", "walk.yaml", "--store", "none.db", "--set", "search.sampler=gp"],
        ["search", "walk.yaml", "--store", "none.db", "--set", "search.sampler=cmaes"],
        ["run", TINY, "--store", "none.db", "--set", "config.model.backbone=timm/resnet10t"],
        ["plan", BNNECK, "--store", "none.db"],
        ["plan", TINY, "--store", "none.db", "--set", "runtime.device=cuda", "--set", "config.evaluate.whitening={}"],
        ["plan", "walk.yaml", "--store", "none.db"],
    ]
    return commands_without_libraries(folder, *words)


def test_a_run_without_the_trainers_libraries_is_refused_before_anything_is_queued(
    folder: Path, refusals: list[Result]
) -> None:
    named, by_default = refusals[:2]
    line = next(at for at, text in enumerate(BNNECK.read_text().splitlines(), 1) if text.startswith("trainer:"))
    assert (named.code, by_default.code) == (2, 2)
    assert named.out == by_default.out == ""
    assert f"{BNNECK}:{line}: trainer: found 'retrieval', {RETRIEVAL}" in named.err
    assert f"default.yaml:1: trainer: missing, so it is 'retrieval', {RETRIEVAL}" in by_default.err
    assert not (folder / "none.db").exists()


def test_a_search_without_its_libraries_is_refused(refusals: list[Result]) -> None:
    plain, by_gp, by_cmaes = refusals[2:5]
    assert (plain.code, by_gp.code, by_cmaes.code) == (2, 2, 2)
    for refused in (plain, by_gp, by_cmaes):
        assert f"walk.yaml:6: {OPTUNA}" in refused.err
        assert "Traceback" not in refused.err
    gp = "search.sampler: found 'gp', which needs torch, which is not installed; install it with `pip install torch`"
    assert gp in by_gp.err
    assert "found 'cmaes', which needs cmaes, which is not installed" in by_cmaes.err


def test_names_of_a_library_that_is_not_installed_bring_the_command(refusals: list[Result]) -> None:
    assert refusals[5].code == 2
    assert "timm/NAME as well once `pip install 'ablate-study[retrieval]'` has brought timm" in refusals[5].err


def test_a_plan_works_without_the_libraries_and_warns(refusals: list[Result]) -> None:
    for planned in refusals[6:8]:
        assert planned.code == 0, planned.err
        assert f"{RETRIEVAL}; until then `ablate run" in planned.err
    assert "9 rows and 1 reference" in refusals[6].out
    assert refusals[8].code == 0
    assert f"{OPTUNA}; until then `ablate search walk.yaml" in refusals[8].err


def test_one_missing_library_is_named_by_its_package() -> None:
    libraries = OptionalLibraries(("json", "no_such_library"), "pip install it")
    assert libraries.missing() == ["no_such_library"]
    assert libraries.fault() == "needs no_such_library, which is not installed; install it with `pip install it`"
    assert OptionalLibraries(("json",), "pip install it").fault() is None


def requirements(section: str, name: str) -> set[str]:
    """The packages of one list in setup.cfg."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return {line.partition(">")[0].partition("[")[0] for line in config[section][name].split()}


def test_the_extras_bring_the_libraries_that_messages_name() -> None:
    assert requirements("options.extras_require", "retrieval") == set(LIBRARIES.modules)
    assert requirements("options.extras_require", "parquet") == set(PARQUET.modules)
    of_searches = {name for each in (SEARCH, IMPORTANCE, OF_SAMPLERS["cmaes"]) for name in each.modules}
    assert requirements("options.extras_require", "search") == {INSTALLED_AS.get(name, name) for name in of_searches}
    assert not requirements("options", "install_requires") & {INSTALLED_AS.get(name, name) for name in OF_EXTRAS}
    assert requirements("options.extras_require", "test") >= {"ablate-study"}


@pytest.mark.slow
def test_all_commands_that_train_nothing_work(tmp_path: Path) -> None:
    words = [
        ["run", SIMULATED, "--executor", "inline", "--until-decided"],
        ["run", SIMULATED, "--workers", "2"],
        *(["report", "simulated", "--format", name] for name in FORMATS),
        ["import", SEED_LOG, "--study", "first-log"],
        ["report", "first-log"],
        ["compare", "simulated", "--against", "first-log"],
        ["plan", SIMULATED, "--power"],
        ["export", "simulated", "--format", "jsonl"],
        ["schema"],
        ["data", "list"],
        ["reset", "simulated", "plain"],
        ["gc"],
    ]
    for word, result in zip(words, commands_without_libraries(tmp_path, *words), strict=True):
        assert result.code == 0, f"{word}: {result.err}"
    drawn = {path.name for path in (tmp_path / "results" / "figures").rglob("*.svg")}
    assert {"topk.svg", "forest.svg", "compare-first-log.svg"} <= drawn


@pytest.mark.slow
def test_a_search_that_ran_elsewhere_is_reported_without_importances(ablate: Ablate, tmp_path: Path) -> None:
    (tmp_path / "walk.yaml").write_text(WALK.replace("trials: 4", "trials: 10"))
    assert ablate("search", "walk.yaml", "--executor", "inline").code == 0
    elsewhere = ablate("report", "walk", "--format", "markdown").out
    (here,) = commands_without_libraries(tmp_path, ["report", "walk", "--format", "markdown"])
    assert here.code == 0, here.err
    assert "No importance" not in elsewhere
    assert "No importance for top-1: it needs optuna and scikit-learn, which are not installed" in here.out


@pytest.mark.network
def test_networks_that_were_trained_elsewhere_are_reported(ablate: Ablate, tmp_path: Path) -> None:
    assert ablate("run", TINY, "--executor", "inline").code == 0
    words = [["report", "tiny", "--format", name] for name in ("markdown", "json", "log")]
    for word, result in zip(words, commands_without_libraries(tmp_path, *words), strict=True):
        assert result.code == 0, result.err
        assert result.out == ablate(*word).out


IMPORT_ALL = """
import sys
from importlib import import_module

for name in sys.argv[1:]:
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        print(name, error.name)
"""
MAY_NEED = {
    "torch": tuple(f"ablate.retrieval.{part}" for part in ("model", "loss", "input", "evaluation", "training")),
    "optuna": ("ablate.adaptive.search",),
}
"""{library: packages whose modules may need it when they are imported}."""


@pytest.mark.slow
def test_all_other_modules_are_imported_without_the_libraries(tmp_path: Path) -> None:
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "ablate").rglob("*.py")]
    names = [".".join(path.parts) for path in paths if "migrations" not in path.parts]
    words = [sys.executable, "-c", IMPORT_ALL, *names]
    done = subprocess.run(words, env=surroundings(tmp_path), capture_output=True, text=True, check=True)
    needed = [line.split() for line in done.stdout.splitlines()]
    assert {library for _, library in needed} == set(MAY_NEED)  # otherwise nothing was hidden
    for name, library in needed:
        assert name.startswith(MAY_NEED[library]), f"{name} needs {library} when it is imported"

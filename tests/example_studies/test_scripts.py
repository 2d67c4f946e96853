"""The studies of scripts and functions in `studies/`: run, and compared with the files and results of the scripts."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.conftest import Ablate
from tests.support.command.example_runs import example_study, run_and_check
from tests.support.command_line import start
from tests.support.paths import ROOT

FILES = sorted((ROOT / "studies").glob("*/study.yaml"))
MOST_LINES = 20
"""Lines of a study file without those that are comments only."""


def of_json(name: str) -> Callable[[Path], Mapping[str, float]]:
    """Return a function that reads the numbers of a JSON file of a training."""
    return lambda folder: json.loads((folder / name).read_text())


def last_line(folder: Path) -> Mapping[str, float]:
    """Return the numbers in the last line of a script's output."""
    values: Mapping[str, float] = json.loads((folder / "attempt-1.log").read_text().splitlines()[-1])
    return values


def best_epoch(folder: Path) -> Mapping[str, float]:
    """Return the test accuracy of the epoch that is best on validation data, and the last validation accuracy."""
    with (folder / "log.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return {"test_acc": max(rows, key=lambda row: row["val_acc"])["test_acc"], "val_acc": rows[-1]["val_acc"]}


@pytest.mark.parametrize("path", FILES, ids=[path.parent.name for path in FILES])
def test_a_study_is_short_and_planned_without_a_warning(ablate: Ablate, path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(lines) <= MOST_LINES
    told = ablate("plan", path)
    assert (told.code, told.err) == (0, "")


def test_no_script_knows_of_ablate() -> None:
    scripts = [path for path in (ROOT / "studies").rglob("*") if path.suffix in (".py", ".sh")]
    assert len(scripts) == len(FILES)
    assert not [path for path in scripts if "ablate" in path.read_text()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "written"),
    [("digits", of_json("metrics.json")), ("shell", last_line), ("checkpoints", best_epoch)],
    ids=["digits", "shell", "checkpoints"],
)
def test_a_study_of_a_script(name: str, written: Callable[[Path], Mapping[str, float]], tmp_path: Path) -> None:
    run_and_check(example_study(name, tmp_path), written)


@pytest.mark.slow
def test_a_study_of_a_function(tmp_path: Path) -> None:
    study = example_study("function", tmp_path)
    run_and_check(study, None)
    code = "import train; print(train.main(trees=1, depth=None, seed=3)['accuracy'])"
    called = subprocess.run([sys.executable, "-c", code], cwd=study.file.parent, capture_output=True, check=True)
    (row,) = (row for row in study.report()["rows"] if row["label"] == "trees=1")
    assert row["metrics"]["accuracy"]["values"][3] == float(called.stdout)


@pytest.mark.slow
def test_a_study_that_evaluates_apart(tmp_path: Path) -> None:
    study = example_study("evaluated_apart", tmp_path)
    run_and_check(study, None)
    trainings = {training for training, _ in study.values()}
    assert (len(trainings), len(study.values())) == (2 * 5, 6 * 5)


@pytest.mark.slow
def test_a_script_that_is_interrupted_continues_from_its_checkpoint(tmp_path: Path) -> None:
    study = example_study("checkpoints", tmp_path)
    runner = start(
        "run", study.file, "--only", "baseline", "--seeds", 1, "--set", "config.pause=0.2", folder=study.folder
    )
    checkpoint = first(study.folder, "results/runs/*/last.pt")
    os.kill(script_in(checkpoint.parent), signal.SIGTERM)
    runner.communicate(timeout=120)
    assert runner.returncode == 0
    continued = (checkpoint.parent / "attempt-2.log").read_text()
    assert continued.startswith("continued after epoch ")
    words = ["train.py", "--optimizer", "sgd", "--width", "32", "--epochs", "12", "--out", tmp_path]
    subprocess.run([sys.executable, *words], cwd=study.file.parent, capture_output=True, check=True)
    assert (checkpoint.parent / "log.csv").read_text() == (tmp_path / "log.csv").read_text()


def first(folder: Path, pattern: str) -> Path:
    """Wait for a file, and return its path."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for path in folder.glob(pattern):
            return path
        time.sleep(0.02)
    raise AssertionError(f"no {pattern}")


def script_in(folder: Path) -> int:
    """Return the process that got this folder as an argument."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        if os.fspath(folder) in path.read_text(errors="replace").split("\0"):
            return int(path.parent.name)
    raise AssertionError("the script has ended")

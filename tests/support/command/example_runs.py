"""A study of `studies/`, run as a user runs it: in a process, with the Python of another environment if needed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ablate.study.reading.study_reader import read_study
from ablate.study.trials.identity import trials
from tests.support.command_line import Result, query
from tests.support.paths import ROOT

UNUSUAL = ("PYTHONDONTWRITEBYTECODE",)
"""Variables that users do not set: with it, each training compiles all modules of its framework again."""


@dataclass(frozen=True)
class ExampleStudy:
    """A copy of a folder of `studies/`, with a store of its own."""

    folder: Path
    """The folder of the store; the study lies in the folder `study` in it."""
    programs: Path | None = None
    """The folder of the `python` that the study's command names; None for that of the tests."""

    @property
    def file(self) -> Path:
        return self.folder / "study" / "study.yaml"

    @property
    def store(self) -> str:
        return str(self.folder / "results" / "ablate.db")

    def ablate(self, *words: object) -> Result:
        """Run `ablate` in the folder of the store."""
        programs = self.programs or Path(sys.executable).parent
        variables = {name: value for name, value in os.environ.items() if name not in UNUSUAL}
        variables["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
        command = [sys.executable, "-m", "ablate", *(str(word) for word in words)]
        done = subprocess.run(command, cwd=self.folder, env=variables, capture_output=True, text=True)
        return Result(done.returncode, done.stdout, done.stderr)

    def run(self, *words: object) -> Result:
        """Run the study; nothing may fail."""
        ran = self.ablate("run", self.file, "--workers", 2, *words)
        assert ran.code == 0, ran.err + self.logs()
        return ran

    def report(self) -> dict[str, Any]:
        """Return the report of the study, as JSON."""
        told = self.ablate("report", self.file, "--format", "json")
        assert told.code == 0, told.err
        report: dict[str, Any] = json.loads(told.out)
        return report

    def states(self) -> list[str]:
        """Return the state of each trial."""
        return [str(state) for _, state in query("SELECT DISTINCT trial, state FROM metrics", self.store)]

    def values(self) -> Mapping[tuple[str, str], Mapping[str, float]]:
        """Return {(training, trial): {metric: value on the test split}}."""
        sql = (
            "SELECT t.training_key, t.key, m.metric, m.value FROM metrics m JOIN ablate_trials t ON t.key = m.trial "
            "WHERE m.split = 'test'"
        )
        values: dict[tuple[str, str], dict[str, float]] = {}
        for training, trial, metric, value in query(sql, self.store):
            values.setdefault((str(training), str(trial)), {})[str(metric)] = float(str(value))
        return values

    def training(self, key: str) -> Path:
        """Return the folder of a training, `${dir}`."""
        return self.folder / "results" / "runs" / key

    def logs(self) -> str:
        """Return the output of all attempts."""
        return "\n".join(path.read_text() for path in self.folder.glob("results/runs/*/attempt-*.log"))

    def attempts(self) -> int:
        """Return the number of attempts at all trainings."""
        return len(list(self.folder.glob("results/runs/*/attempt-*.log")))


def example_study(name: str, folder: Path, programs: Path | None = None) -> ExampleStudy:
    """Copy a folder of `studies/` to a folder `study` in this one."""
    shutil.copytree(ROOT / "studies" / name, folder / "study", ignore=shutil.ignore_patterns("__pycache__"))
    return ExampleStudy(folder, programs)


def run_and_check(study: ExampleStudy, written: Callable[[Path], Mapping[str, float]] | None) -> None:
    """Run a study, and compare its metrics with those in the files of each training. A second run must run nothing.

    `written`: {metric: value} in the folder of a training; None if the script writes no file.
    """
    study.run()
    planned = trials(read_study(study.file))
    assert study.states() == ["done"] * len({trial.key for trial in planned})
    for (training, _), values in study.values().items():
        if written is not None:
            expected = written(study.training(training))
            assert values == pytest.approx({name: expected[name] for name in values})
    report = study.report()
    assert report["contrasts"]
    assert all(contrast["verdict"] for contrast in report["contrasts"])
    attempts = study.attempts()
    assert "nothing to run" in study.run().err
    assert study.attempts() == attempts

"""Processes that do not find some libraries, as on a machine where they are not installed."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.command_line import Result
from tests.support.paths import ROOT

OF_EXTRAS = (
    "torch",
    "torchvision",
    "timm",
    "optuna",
    "sklearn",
    "cmaes",
    "pytorch_metric_learning",
    "faiss",
    "pyarrow",
)
"""Libraries that no part of the core may need."""

HIDE = f"""
import sys
from importlib.machinery import PathFinder

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {OF_EXTRAS!r} else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
"""
"""A module that Python imports when it starts; it replaces the finder of installed libraries."""

ONE_AFTER_ANOTHER = """
import contextlib, io, json, sys
from ablate.__main__ import main

results = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["ablate", *words]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    results.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(results))
"""
"""A program that calls several commands, because a process for each would take most of the time of a test."""


def surroundings(folder: Path) -> Mapping[str, str]:
    """Return the variables of a process that does not find the libraries, and nor do the processes that it starts."""
    (folder / "sitecustomize.py").write_text(HIDE)
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def commands_without_libraries(folder: Path, *commands: Sequence[object]) -> list[Result]:
    """Call `ablate` in `folder` with the words of each command, in one process that does not find the libraries."""
    words = json.dumps([[str(word) for word in command] for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_ANOTHER, words],
        cwd=folder,
        env=surroundings(folder),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [Result(*result) for result in json.loads(done.stdout)]

"""A test's surroundings: nothing of the user's variables, home or working folder, for its subprocesses too."""

import os
from pathlib import Path

from tests.support.paths import ROOT

USERS = (
    "ABLATE_",
    "CLICOLOR",
    "COLUMNS",
    "CUDA_VISIBLE_DEVICES",
    "FORCE_COLOR",
    "HF_",
    "HUGGINGFACE_",
    "LINES",
    "MPL",
    "NO_COLOR",
    "PG",
    "PYTHONIOENCODING",
    "TORCH_HOME",
    "XDG_",
)
"""Beginnings of the names of variables that change results or output, or that lead to files of the user's."""

ONE_THREAD = {"OMP_NUM_THREADS": "1"}
"""Variables of every test: one process for each core computes, and more threads would only wait for each other."""


def leave_user(home: Path) -> None:
    """Remove the user's variables, make `home` the home folder, and let every subprocess find the checkout's package.

    The change lasts until the process ends: libraries such as matplotlib read some of this when they are imported,
    which is before any fixture runs. Call it before tests are collected.
    """
    for name in [name for name in os.environ if name.startswith(USERS)]:
        del os.environ[name]
    os.environ |= ONE_THREAD
    os.environ["HOME"] = str(home)
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [folder for folder in folders if folder and Path(folder).resolve() != ROOT]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *others])

"""Virtual environments in which only what a test installs is there."""

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command_line import Result
from tests.support.paths import ROOT

SOURCES = ("ablate", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
"""The files and folders from which the package is built."""

MEGABYTE = 2**20


@dataclass(frozen=True)
class VirtualEnvironment:
    """A virtual environment without pip; the pip of the tests' Python installs into it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The folder of the installed packages."""
        (path,) = self.folder.glob("lib/python3*/site-packages")
        return path

    def install(self, *requirements: object, is_compiled: bool = True) -> None:
        """Install packages in the versions of constraints.txt, from the registry that pip is set up for.

        Their modules are compiled, but not those of their tests, which would take as long as all the rest.
        `is_compiled`: False for large packages of which few modules are used; Python compiles those at first use.
        """
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check"]
        words = [*pip, "install", "--quiet", "--no-compile", "-c", ROOT / "constraints.txt", *requirements]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        if is_compiled:
            self.run("-m", "compileall", "-q", "-x", "/tests/", self.packages, cwd=self.folder)

    def run(self, *words: object, cwd: Path) -> Result:
        """Run Python with these words; nothing of the checkout is found."""
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [str(self.python), *(str(word) for word in words)]
        done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)
        return Result(done.returncode, done.stdout, done.stderr)

    def megabytes(self) -> float:
        """Return the disk space of the installed packages without compiled modules, as `du` counts it."""
        files = [path for path in self.packages.rglob("*") if path.suffix != ".pyc" and not path.is_symlink()]
        return sum(path.stat().st_blocks * 512 for path in files) / MEGABYTE


def shared_environment(
    name: str,
    requirements: Sequence[object],
    folders: pytest.TempPathFactory,
    worker: str,
    is_compiled: bool = True,
) -> VirtualEnvironment:
    """Return the environment of this name with these packages. The first process of a test run that needs it makes it.

    `worker`: the value of the fixture `worker_id`. All workers share the folder above those that are their own.
    """
    base = folders.getbasetemp() if worker == "master" else folders.getbasetemp().parent
    made, complete = VirtualEnvironment(base / name), base / f"{name}.complete"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            venv.create(made.folder, clear=True, with_pip=False)
            made.install(*requirements, is_compiled=is_compiled)
            complete.touch()
    return made


def sources(folder: Path) -> Path:
    """Copy the sources of the package, so that building it leaves nothing in the checkout; return the copy."""
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder

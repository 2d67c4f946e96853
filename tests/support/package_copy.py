"""A copy of the package that a test may edit and run, so that results become stale."""

import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command_line import Result
from tests.support.paths import ROOT, SIMULATED


@dataclass(frozen=True)
class Package:
    """A copy of the package that can be edited and called."""

    folder: Path
    """The folder with the copy, the store and the studies."""

    def __call__(self, *words: object) -> Result:
        command = [sys.executable, "-m", "ablate", *(str(word) for word in words)]
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "copy"), "COLUMNS": "80"}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file of the copy."""
        path = self.folder / "copy" / "ablate" / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} has changed: {old!r}"
        path.write_text(text.replace(old, new))

    def run(self, *words: object) -> Result:
        return self("run", SIMULATED, "--executor", "inline", *words)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.folder / "results" / "ablate.db") as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def package(tmp_path: Path) -> Package:
    shutil.copytree(ROOT / "ablate", tmp_path / "copy" / "ablate")  # compiled modules too: each call starts sooner
    return Package(tmp_path)


def new_base(package: Package) -> None:
    """Change a default of the simulated trainer, which makes its results stale."""
    package.edit(
        "trainers/simulated/config.py", 'Field(0.27, description="Expected', 'Field(0.3, description="Expected'
    )

"""What tests of several parts share: study files to write, stores to open, the command line in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablate.__main__ import app
from ablate.store import Store, open_store

ROOT = Path(__file__).parent.parent
STUDIES = Path(__file__).parent / "studies"


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str


Ablate = Callable[..., Result]


@pytest.fixture
def ablate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ablate:
    """`ablate(...)` as typed in an empty folder; whatever is no message of ours is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ABLATE_STORE", raising=False)

    def call(*words: object) -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(str(tmp_path / "results" / "ablate.db"), write=True)
    assert opened is not None
    return opened

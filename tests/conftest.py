"""What tests of several parts share: study files to write, stores to open, the command line in this process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablate.cli.app import app
from ablate.store import Store, open_store
from tests.support.disks import disk as disk
from tests.support.postgres import postgres as postgres
from tests.support.postgres import server as server

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


SQLITE, POSTGRESQL = "sqlite", "postgresql"
on_both_engines = pytest.mark.parametrize("store", [SQLITE, POSTGRESQL], indirect=True)
"""For a test, or as the `pytestmark` of a module whose tests all use `store`."""


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new store: in an SQLite file, or where `on_both_engines` marks a test, in PostgreSQL as well."""
    if getattr(request, "param", SQLITE) == POSTGRESQL:
        url = request.getfixturevalue("postgres")
    else:
        url = str(tmp_path / "results" / "ablate.db")
    opened = open_store(url)
    yield opened
    opened.close()

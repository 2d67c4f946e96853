"""Fixtures that tests of several packages share: an isolated environment, stores, the command line in this process."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablate.cli.app import app
from ablate.store import Store, open_store
from tests.support.command_line import Ablate as Ablate
from tests.support.command_line import Result as Result
from tests.support.command_line import build_commands_once
from tests.support.environment import leave_user
from tests.support.examples import register_profiles
from tests.support.package_copy import package as package
from tests.support.paths import ROOT as ROOT
from tests.support.paths import STUDIES as STUDIES
from tests.support.quick_tier import QuickTier
from tests.support.store.disks import disk as disk
from tests.support.store.postgres import postgres as postgres
from tests.support.store.postgres import server as server

HOME = pytest.StashKey[Path]()
TIER = pytest.StashKey[QuickTier]()
SERVICES = {"server", "postgres", "disk"}
"""Fixtures that start a server or mount a disk: tests that use them are marked `service`."""

register_profiles()
build_commands_once()


def pytest_configure(config: pytest.Config) -> None:
    """Give this test process an empty home folder and an environment without the user's variables."""
    config.stash[HOME] = Path(tempfile.mkdtemp(prefix="ablate-tests-home-"))
    leave_user(config.stash[HOME])
    config.stash[TIER] = QuickTier()
    config.pluginmanager.register(config.stash[TIER])


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[HOME], ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of services, before pytest selects tests by their marks."""
    for item in items:
        if SERVICES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.service)


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run each test, and the processes it starts, in an empty folder: `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ablate(request: pytest.FixtureRequest) -> Ablate:
    """Call `ablate(...)` as it is typed in an empty folder. An exception that is no message of ours is raised."""

    def call(*words: object) -> Result:
        request.config.stash[TIER].invoke([str(word) for word in words])
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    return call


SQLITE, POSTGRESQL = "sqlite", "postgresql"
on_both_engines = pytest.mark.parametrize(
    "store", [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.service)], indirect=True
)
"""A mark for a test, or the `pytestmark` of a module whose tests all use `store`: they run on both engines."""


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new store: in an SQLite file and, if `on_both_engines` marks the test, in PostgreSQL as well."""
    if getattr(request, "param", SQLITE) == POSTGRESQL:
        url = request.getfixturevalue("postgres")
    else:
        url = str(tmp_path / "results" / "ablate.db")
    opened = open_store(url)
    yield opened
    opened.close()

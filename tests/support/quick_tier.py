"""A check of the quick tier as a whole: its tests import every module of the package and invoke every command."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from ablate.__main__ import app
from tests.support.paths import ROOT

PACKAGE = ROOT / "ablate"
NOT_IMPORTED = ("ablate.store.migrations.",)
"""Modules that a library reads from their files: alembic runs each migration."""


def modules() -> set[str]:
    """Return the names of all modules of the package."""
    paths = (path.relative_to(ROOT).with_suffix("") for path in PACKAGE.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    return {name for name in names if not name.startswith(NOT_IMPORTED)}


def commands() -> set[str]:
    """Return every command as it is typed: `run`, `data list`."""
    return set(_commands(typer.main.get_command(app), ()))


def _commands(command: object, words: tuple[str, ...]) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(words)
    else:
        for name, each in inner.items():
            yield from _commands(each, (*words, name))


class QuickTier:
    """A plugin that fails a run of the whole quick tier if a module was not imported or a command not invoked.

    With several workers, each sends its part to the first process, which checks the sum.
    """

    def __init__(self) -> None:
        self.invoked: set[str] = set()
        """Beginnings of the commands that tests called, one word and two words."""
        self.imported: set[str] = set()
        """Modules that were imported in this process or a worker."""
        self.lacking: list[str] = []
        """Sentences about modules and commands that no test reached."""

    def invoke(self, words: list[str]) -> None:
        self.invoked |= {" ".join(words[:1]), " ".join(words[:2])}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        part = getattr(node, "workeroutput", {})
        self.invoked |= set(part.get("invoked", ()))
        self.imported |= set(part.get("imported", ()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.imported |= modules() & set(sys.modules)
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["invoked"], output["imported"] = sorted(self.invoked), sorted(self.imported)
        elif is_whole(session.config) and not session.testsfailed:
            self.lacking += [f"no quick test imports {name}" for name in sorted(modules() - self.imported)]
            self.lacking += [f"no quick test invokes `ablate {name}`" for name in sorted(commands() - self.invoked)]
            if self.lacking:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for sentence in self.lacking:
            terminalreporter.write_line(sentence, red=True)


def is_whole(config: pytest.Config) -> bool:
    """Return True if the run takes all of the quick tier: the usual marks, no file or name selected, to its end."""
    files = [Path(argument) for argument in config.args]
    usual = config.getoption("markexpr") == config.getini("addopts")[-1]
    selected = config.getoption("keyword") or config.getoption("lf", False) or config.getoption("collectonly")
    return usual and not selected and files == [Path(path) for path in config.getini("testpaths")]

"""The command line: build it once for all tests, start it in another process, wait for rows of its store, read them."""

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import typer.testing

INLINE = ("--executor", "inline")
Ablate = Callable[..., "Result"]
"""Type of the fixture `ablate`."""


@dataclass(frozen=True)
class Result:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


def query(sql: str, path: str = "results/ablate.db") -> list[tuple[object, ...]]:
    """Return the rows that a query finds in a store of SQLite."""
    with sqlite3.connect(path) as connection:
        return connection.execute(sql).fetchall()


def build_commands_once() -> None:
    """Let `CliRunner` keep the commands of an application: to build them takes longer than to plan a small study."""
    typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]


START = """
import sys
from importlib import import_module
from ablate.__main__ import main
for setting in sys.argv.pop(1).split():
    name, _, value = setting.partition("=")
    module, _, constant = name.rpartition(".")
    assert hasattr(import_module(module), constant), setting
    setattr(import_module(module), constant, float(value))
main()
"""
"""A program that sets constants of modules, listed in its first argument, and runs `ablate` with the others."""


def start(*words: object, folder: Path, constants: Mapping[str, float] = MappingProxyType({})) -> subprocess.Popen[str]:
    """Start `ablate` in a process of its own, in this folder.

    `constants` are {name with its module: value}: shorter times for tests that wait until a time has passed.
    """
    changed = ["-c", START, " ".join(f"{name}={value}" for name, value in constants.items())]
    command = [sys.executable, *(changed if constants else ["-m", "ablate"]), *(str(word) for word in words)]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def wait_for(sql: str, seconds: float = 60) -> None:
    """Return as soon as the query finds a row. Another process may be making the store."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if Path("results/ablate.db").exists():
            with contextlib.suppress(sqlite3.OperationalError):
                if query(sql):
                    return
        time.sleep(0.05)
    raise AssertionError(f"nothing within {seconds} s: {sql}")


def workers_of(process: int) -> list[int]:
    """Return the process ids of a runner's workers."""
    workers = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if parent == process and "spawn_main" in (path.parent / "cmdline").read_text():
                workers.append(int(path.parent.name))
    return workers


def training(label: str, seed: int = 0) -> str:
    """Return the key of the training of a row and a seed."""
    (key,) = query(
        "SELECT e.training_key FROM ablate_cells c JOIN ablate_rows r ON r.id = c.row_id "
        f"JOIN ablate_trials e ON e.key = c.trial_key WHERE r.label = '{label}' AND c.seed = {seed}"
    )[0]
    return str(key)


def stored_ranks(path: Path) -> list[tuple[object, ...]]:
    """Return (trial, split, ranks as they are stored) of every result."""
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT trial_key, name, content FROM ablate_artifacts ORDER BY 1, 2").fetchall()

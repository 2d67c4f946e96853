"""The command line in another process: start it, wait for its store to have rows, read them."""

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


def start(*words: object, folder: Path) -> subprocess.Popen[str]:
    """Start `ablate` in a process of its own, in this folder."""
    command = [sys.executable, "-m", "ablate", *(str(word) for word in words)]
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

"""How long `ablate status` takes on a store with very many finished trials."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.queueing.keeping import Part, spread
from benchmarks.queueing.process import MIB, FailedError, ablate, watched

RUNS = 5
GOAL = 1.0


def measure(asked: argparse.Namespace) -> Part:
    """Whole processes, after one that warms up; `--help`, which opens no store, for scale."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.db"
        filled = watched([sys.executable, "-m", "benchmarks.queueing.fill", str(store), str(asked.stored)])
        told = ablate("status", "--store", store).out
        if f"{asked.stored} done" not in told:
            raise FailedError(f"status of a store with {asked.stored} finished trials: {told}")
        commands: dict[str, tuple[object, ...]] = {
            "`ablate --help`": ("--help",),
            f"`ablate status`, {asked.stored:,} finished trials": ("status", "--store", store),
        }
        taken = {name: [ablate(*words).seconds for _ in range(RUNS)] for name, words in commands.items()}
        size = sum(path.stat().st_size for path in Path(folder).glob("store.db*")) / MIB
    lines = ["# A large store", "", "| command | s |", "| :-- | --: |"]
    lines += [f"| {name} | {spread(seconds)} |" for name, seconds in taken.items()]
    lines += [
        "",
        f"Whole processes, medians (and ranges) of {RUNS}. The goal for status is {GOAL:.0f} s. The store has",
    ]
    lines += [f"{size:,.0f} MiB; it was filled by the functions that runs use, in {filled.seconds:.0f} s."]
    return Part("status", lines, {"stored": asked.stored, "store_mib": size, "seconds": taken})

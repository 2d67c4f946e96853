"""Who is measured: each runs a number of no-op trials in a folder of its own, as a whole process."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.queueing import peers
from benchmarks.queueing.process import ablate, watched
from benchmarks.queueing.runs import Run

ROWS = 10
STUDY = """\
study: noop
trainer: simulated
config: {{queries: 1000, seconds: 0}}
factors:
  cell: {{sets: settings.cell, levels: [{levels}]}}
design: [{{rows: {{{rows}}}}}]
seeds: {seeds}
"""


@dataclass(frozen=True)
class Contender:
    """`title` in the table; `trials`: how many by default; `run`: in a folder, so many."""

    title: str
    trials: int
    run: Callable[[Path, int], Run]


def ours(workers: int) -> Callable[[Path, int], Run]:
    """`ablate run` of simulated trials; every attempt at a trial is a line of its store."""

    def run(folder: Path, trials: int) -> Run:
        path = folder / "noop.yaml"
        rows = min(ROWS, trials)
        seeds, rest = divmod(trials, rows)
        if rest:
            raise SystemExit(f"ablate: {trials} trials are no {rows} rows × so many seeds; give a multiple of {rows}")
        levels = ", ".join(map(str, range(rows)))
        design = ", ".join(f"r{cell}: {{cell: {cell}}}" for cell in range(rows))
        path.write_text(STUDY.format(levels=levels, rows=design, seeds=seeds), encoding="utf-8")
        store = folder / "store.db"
        finished = ablate("run", path, "--store", store, "--workers", workers, sample=True)
        found = attempts(store)
        return Run(finished, [key for key, _ in found], [ended for _, ended in found], {})

    return run


def attempts(store: Path) -> Sequence[tuple[str, float]]:
    """(training, when it was recorded) of every attempt, whatever became of it."""
    connection = sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)
    query = "SELECT training_key, coalesce(ended, started) FROM ablate_attempts ORDER BY 2"
    try:
        return [(str(key), float(ended)) for key, ended in connection.execute(query)]
    finally:
        connection.close()


def peer(driver: str, variant: str = "") -> Callable[[Path, int], Run]:
    """A peer's driver under the peers' Python; every no-op has appended a line to a file."""

    def run(folder: Path, trials: int) -> Run:
        words = ["--folder", str(folder), "--trials", str(trials), "--workers", "2", "--variant", variant]
        finished = watched([str(peers.python()), str(peers.DRIVERS / f"{driver}.py"), *words], cwd=folder, sample=True)
        lines = [line.split() for line in (folder / "runs.txt").read_text(encoding="utf-8").splitlines()]
        found = sorted((float(at), cell) for cell, at in lines)
        versions = json.loads(finished.out.strip().splitlines()[-1])
        return Run(finished, [cell for _, cell in found], [at for at, _ in found], versions)

    return run


CONTENDERS: Mapping[str, Contender] = {
    "ablate-2": Contender("**ablate**, SQLite, 2 workers", 10_000, ours(2)),
    "ablate-1": Contender("**ablate**, SQLite, 1 worker", 10_000, ours(1)),
    "optuna-sqlite": Contender("Optuna, SQLite, random", 500, peer("optuna_noop", "sqlite-random")),
    "optuna-wal": Contender("Optuna, SQLite with ablate's settings, random", 500, peer("optuna_noop", "wal-random")),
    "optuna-journal": Contender("Optuna, journal file, random", 1000, peer("optuna_noop", "journal-random")),
    "optuna-grid": Contender("Optuna, SQLite, grid", 200, peer("optuna_noop", "sqlite-grid")),
    "optuna-journal-grid": Contender("Optuna, journal file, grid", 500, peer("optuna_noop", "journal-grid")),
    "tune": Contender("Ray Tune, as by default", 20, peer("ray_noop", "tune")),
    "tune-reuse": Contender("Ray Tune, `reuse_actors=True`", 500, peer("ray_noop", "tune-reuse")),
    "ray-core": Contender("Ray Core, plain tasks", 10_000, peer("ray_noop", "core")),
    "pyexperimenter": Contender("PyExperimenter, SQLite", 400, peer("pyexperimenter_noop")),
}

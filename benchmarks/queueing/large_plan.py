"""How long `ablate plan` takes on a grid of very many rows, and how much memory."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.queueing.keeping import Part, spread
from benchmarks.queueing.process import MIB, FailedError, Finished, ablate

SECONDS, MEMORY = 10, 500
SETTINGS = {
    "simulated": ["settings.a", "settings.b", "settings.c", "settings.d", "settings.e"],
    "retrieval": ["loss.margin", "loss.omega", "loss.label_smoothing", "schedule.lr", "schedule.warmup_steps"],
}
STEP = {"schedule.lr": 1e-5, "schedule.warmup_steps": 10}
"""Between two levels; 0.05 for the others, and the first level is one step."""

STUDY = """\
study: grid
trainer: {trainer}
factors:
{factors}
design: [{{grid: {{{grid}}}}}]
"""


def measure(asked: argparse.Namespace) -> Part:
    """Whole processes; the store is empty, as before a study's first run."""
    rows = asked.levels ** len(SETTINGS["simulated"])
    found: dict[str, list[Finished]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for trainer in SETTINGS:
            path = _study(Path(folder), trainer, asked.levels)
            found[trainer] = [_planned(path, Path(folder) / "store.db", rows) for _ in range(asked.rounds)]
    lines = ["# A large plan", "", f"`ablate plan` of a full factorial of five factors, {rows:,} rows:", ""]
    lines += ["| trainer | s | memory, MiB |", "| :-- | --: | --: |"]
    lines += [
        f"| {trainer} | {spread(_seconds(runs))} | {max(_memory(runs)):,.0f} |" for trainer, runs in found.items()
    ]
    lines += [
        "",
        f"Whole processes, medians (and ranges) of {asked.rounds}; the most memory of all of them. The goal is",
    ]
    lines += [f"{SECONDS} s and {MEMORY} MB."]
    numbers = {name: {"seconds": _seconds(runs), "mib": _memory(runs)} for name, runs in found.items()}
    return Part("plan", lines, {"rows": rows, "trainers": numbers})


def _planned(path: Path, store: Path, rows: int) -> Finished:
    finished = ablate("plan", path, "--store", store)
    if f"{rows} rows" not in finished.out.replace(",", ""):
        raise FailedError(f"a plan of {rows} rows, but: {finished.out[-500:]}")
    return finished


def _study(folder: Path, trainer: str, levels: int) -> Path:
    factors, grid = [], []
    for name, key in zip("abcde", SETTINGS[trainer], strict=True):
        values = [round(STEP.get(key, 0.05) * (1 + level), 8) for level in range(levels)]
        factors.append(f"  {name}: {{sets: {key}, levels: {values}}}")
        grid.append(f"{name}: {values}")
    path = folder / f"{trainer}.yaml"
    text = STUDY.format(trainer=trainer, factors="\n".join(factors), grid=", ".join(grid))
    path.write_text(text, encoding="utf-8")
    return path


def _seconds(runs: Sequence[Finished]) -> list[float]:
    return [run.seconds for run in runs]


def _memory(runs: Sequence[Finished]) -> list[float]:
    return [run.peak / MIB for run in runs]

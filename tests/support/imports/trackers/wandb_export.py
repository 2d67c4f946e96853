"""CSV files in the form of those that W&B's page exports: tables of runs, and charts."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.imports.canonical import METRIC, runs

HEADER = (
    "Name",
    "State",
    "Notes",
    "User",
    "Tags",
    "Created",
    "Runtime",
    "Sweep",
    "lr",
    "norm",
    "seed",
    "_step",
    METRIC,
)


def write_quoted(file: Path, lines: Iterable[Sequence[object]]) -> Path:
    """Write lines with each cell in quotes, as W&B does."""
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)
    return file


def write(folder: Path) -> Path:
    """Write the canonical study as a table of runs, and return it."""
    lines: list[Sequence[object]] = [HEADER]
    for number, run in enumerate(runs()):
        created = f"2026-01-01T12:00:{number:02d}.000Z"
        about = (f"run-{number}", "finished", "-", "ada", "", created, 30 + number, "")
        lines.append((*about, run.lr, run.norm, run.seed, 2, run.acc))
    return write_quoted(folder / "wandb_export_2026-01-01T13_00_00.000+00_00.csv", lines)


def write_chart(folder: Path) -> Path:
    """Write the canonical study as a chart: three steps, the settings in the names of the runs."""
    names = [f"lr{run.lr}-{run.norm}-seed{run.seed} - {METRIC}" for run in runs()]
    lines: list[Sequence[object]] = [("Step", *[name + end for name in names for end in ("", "__MIN", "__MAX")])]
    for step in range(3):
        values = [run.acc if step == 2 else 0.25 + step for run in runs()]
        lines.append((step, *[value for value in values for _ in range(3)]))
    return write_quoted(folder / "chart.csv", lines)

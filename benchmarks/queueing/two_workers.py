"""Two workers against one on quick real trials: what a second core is worth."""

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks.queueing.keeping import Part, spread
from benchmarks.queueing.process import ablate

GOAL = 1.3
STUDY = """\
study: quick
trainer: retrieval
config:
  data: {{name: emoji, size: [16, 16]}}
  model: {{backbone: resnet18}}
  batch: {{quadruplets: 4}}
  schedule: {{steps: {steps}, milestones: []}}
factors:
  random_erasing: {{sets: augment.random_erasing, levels: {{off: null, on: {{p: 0.5}}}}}}
design: [{{rows: {{plain: {{}}}}}}]
seeds: {seeds}
"""


def measure(asked: argparse.Namespace) -> Part:
    """Whole runs from nothing, one worker and two in turn; a short one before them, so that the data is packed."""
    taken: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "quick.yaml"
        path.write_text(STUDY.format(steps=asked.steps, seeds=asked.seeds), encoding="utf-8")
        ablate(
            "run", path, "--store", folder / "warm.db", "--workers", 1, "--set", "config.schedule.steps=1", "--seeds", 1
        )
        for number in range(asked.rounds):
            for workers, seconds in taken.items():
                store = folder / f"{number}-{workers}.db"
                seconds.append(ablate("run", path, "--store", store, "--workers", workers).seconds)
    ratios = [one / two for one, two in zip(taken[1], taken[2], strict=True)]
    lines = ["# Two workers against one", ""]
    lines += [f"{asked.seeds} trainings of ResNet-18 at 16×16, {asked.steps} steps of 16 images and their evaluation:"]
    lines += ["", "| `ablate run` | whole run, s | s a training |", "| :-- | --: | --: |"]
    for workers, seconds in taken.items():
        each = statistics.median(seconds) / asked.seeds
        lines.append(f"| {workers} worker{'s' if workers > 1 else ''} | {spread(seconds, 1)} | {each:.1f} |")
    lines += ["", f"Two workers are {spread(ratios)} times as fast as one, start-up included; the goal is {GOAL}."]
    return Part("workers", lines, {"seeds": asked.seeds, "steps": asked.steps, "seconds": taken, "ratios": ratios})

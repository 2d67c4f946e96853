"""Studies of scripts and functions of a user, written into a folder and run in this process."""

from collections.abc import Mapping
from pathlib import Path

import ablate
from ablate.api.run import RunSummary

SCRIPT = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--depth", type=int)
parser.add_argument("--seed", type=int)
args = parser.parse_args()
print(f"acc: {0.5 + args.lr / 10 + args.depth / 100 + args.seed / 1000:.4f}")
"""

STUDY = """
study: own
trainer: {command: ["${python}", train.py, "${args}", --seed, "${seed}"]}
metrics: {acc: {better: higher, unit: "%", from: "stdout:acc: ([0-9.a-z-]+)"}}
config: {lr: 0.1, depth: 2}
factors:
  lr: {sets: lr, levels: [0.1, 0.2]}
  depth: {sets: depth, levels: [2, 4]}
design: [{add_one: {from: {}}}]
seeds: 2
"""


ONE_ROW = """
study: own
trainer: {{function: train.py:main}}
metrics: {{acc: {{better: higher, unit: "%", examples: run.examples}}}}
config: {config}
design: [{{rows: {{only: {{}}}}}}]
seeds: 1
"""


def one_row(config: str = "{lr: 0.1}") -> str:
    """Return a study with one training of a function that gives examples."""
    return ONE_ROW.format(config=config)


def project(folder: Path, study: str = STUDY, **files: str) -> Path:
    """Write a study and its files, {name without `.py`: content}, and return the path of the study."""
    for name, content in ({"train": SCRIPT} | files).items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    path = folder / "study.yaml"
    path.write_text(study, encoding="utf-8")
    return path


def store_of(study: Path) -> str:
    """Return the URL of the store in the folder of a study."""
    return f"sqlite:///{study.parent}/results/ablate.db"


def ran(study: Path, **options: object) -> RunSummary:
    """Run a study one training after another, with its store next to it."""
    return ablate.run_study(study, store_of(study), executor="inline", **options)  # type: ignore[arg-type]


def values(study: Path, metric: str = "acc") -> Mapping[str, Mapping[int, float]]:
    """Return {row: {seed: value of a metric}} of the plan that was run last."""
    rows = ablate.load_results(store=store_of(study)).rows
    return {row.label: {seed: one.values[metric].value for seed, one in row.results.items()} for row in rows}

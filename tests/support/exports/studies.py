"""A study that was run with all that an export has to carry: numbers as levels, several metrics, nan, and no result."""

from pathlib import Path

import ablate

STUDY = """\
study: exported
trainer: simulated
config:
  metrics: [rates, loss, score]
  queries: 400
  broken:
    - {when: {rate: 0.001}, seeds: [1], metric: score, gives: nan}
    - {when: {augment: on}, seeds: [2], metric: loss, gives: inf}
  effects: [{when: {augment: on}, pp: 6.0}]
factors:
  augment: {sets: settings.augment, levels: [off, on]}
  rate: {sets: settings.rate, levels: [0.1, 0.001]}
design: [{add_one: {from: {}}}]
primary: top1
seeds: 3
"""

UNDONE = """\
study: undone
trainer: {command: [sh, -c, 'test $0 != b || exit 3; echo acc: 0.5$1', "${x}", "${seed}"]}
metrics: {acc: {better: higher, from: 'stdout:acc: ([0-9.]+)'}}
delta: 0.02
config: {x: a}
factors:
  x: {sets: x, levels: [a, b]}
design: [{add_one: {from: {}}}]
seeds: 2
"""
"""A study of which one of two rows fails."""


def run_study(folder: Path, text: str = STUDY) -> Path:
    """Run a study into `folder / "store.db"`, and return that path."""
    file, store = folder / "study.yaml", folder / "store.db"
    file.write_text(text, encoding="utf-8")
    ablate.run_study(file, store, executor="inline")
    return store

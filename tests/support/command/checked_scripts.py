"""Scripts and functions of a user for `ablate check`, each in a folder with its study file."""

from pathlib import Path

OPTIONS = """
import argparse, json, os, random, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--dropout", type=float, default=0.0)
parser.add_argument("--augment", action="store_true")
parser.add_argument("--seed", type=int, default=0)
"""
"""The beginning of a script: its options."""
PARSE = "args = parser.parse_args()\n"
SWALLOW = "args, rest = parser.parse_known_args()\n"
TRAIN = """
score = random.Random(args.seed).random() / 2 + args.lr / 5 + args.dropout / 5 + args.augment / 5
print(f"val_loss: {1 - score:.6f}")
print(f"val_acc: {score:.4f}")
"""
"""The rest of a script: all options decide its results."""
WITHOUT_DROPOUT = TRAIN.replace(" + args.dropout / 5", "")

COMMAND = """\
study: demo
trainer: {command: ["${python}", train.py, "${args:flags}", --seed, "${seed}"]}
metrics:
  val_acc: {better: higher, unit: "%", from: "stdout:val_acc: ([0-9.]+)"}
config: {lr: 0.1, dropout: 0.2, augment: off}
factors:
  lr: {sets: lr, levels: [0.1, 0.01]}
  dropout: {sets: dropout, levels: [0.2, 0.5]}
  augment: {sets: augment, levels: [off, on]}
design: [{add_one: {from: {}}}]
"""
FUNCTION = """\
study: demo
trainer: {function: train.py:main}
metrics:
  val_acc: {better: higher, unit: "%"}
config: {lr: 0.1, model: {depth: 3, width: 4}}
factors:
  lr: {sets: lr, levels: [0.1, 0.01]}
design: [{add_one: {from: {}}}]
"""
MISSPELT = COMMAND.replace("dropout: 0.2", "droput: 0.2").replace("sets: dropout", "sets: droput")
"""The study with `droput` in place of `dropout`."""


def write_study(script: str, study: str = COMMAND) -> Path:
    """Write a script and its study file into the working folder. Return the path of the study file."""
    Path("train.py").write_text(script)
    Path("study.yaml").write_text(study)
    return Path("study.yaml")

"""What the no-op trial of every peer does, and how its driver is started."""

import argparse
import json
import os
import time
from importlib.metadata import version
from pathlib import Path

RUNS = "runs.txt"


def options() -> argparse.Namespace:
    """What every driver is told; it works in a folder of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--trials", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--variant", default="")
    return parser.parse_args()


def run(folder: str, cell: int) -> float:
    """The trial: says that it ran, by one appended line, and returns a number."""
    file = os.open(f"{folder}/{RUNS}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(file, f"{cell} {time.time()}\n".encode())
    os.close(file)
    return float(cell % 7)


def tell(*packages: str) -> None:
    """The last line of a driver's output: what was measured."""
    print(json.dumps({name: version(name) for name in packages}))

"""Measure the time that a trial of a user's script costs beyond the script, next to a shell loop in the same run.

python benchmarks/script_overhead.py

The script is `python -c "print('acc: 0.5')"`; the loop runs `python -c pass`, two at a time, with xargs. The time of a
trial is the difference of two runs of ablate with two workers, of 220 and 20 trials, so that starting ablate and its
workers does not count.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import keep

ROOT = Path(__file__).parent.parent
FEW, MANY = 20, 220
ROUNDS = 7
STUDY = """\
study: overhead
trainer: {command: ["${python}", -c, "print('acc: 0.5')", "${seed}"]}
metrics: {acc: {better: higher, unit: "%", from: "stdout:acc: ([0-9.]+)"}}
config: {lr: 0.1}
factors: {lr: {sets: lr, levels: [0.1]}}
design: [{rows: {plain: {}}}]
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "study.yaml").write_text(STUDY, encoding="utf-8")
        ablate(Path(folder), "warm", FEW)
        loops, trials = [], []
        for number in range(ROUNDS):
            loops.append(1000 * loop() / MANY)
            few, many = (ablate(Path(folder), f"{number}-{count}", count) for count in (FEW, MANY))
            trials.append(1000 * (many - few) / (MANY - FEW))
    extra = [trial - run for trial, run in zip(trials, loops, strict=True)]
    keep(
        "script_overhead",
        [
            "# The overhead of a trial by a script",
            "",
            f"Milliseconds a trial with two workers: median (min to max) of {ROUNDS} rounds; {MANY} runs of the loop "
            f"and {MANY - FEW} trials a round.",
            "",
            "| | ms |",
            "|---|---|",
            f"| shell loop over `python -c pass`, two at a time | {spread(loops)} |",
            f"| `ablate run` of a script that prints one number | {spread(trials)} |",
            f"| difference | {spread(extra)} |",
        ],
    )


def loop() -> float:
    """Return the seconds of a shell loop."""
    command = f"seq {MANY} | xargs -P 2 -I X {sys.executable} -c pass"
    started = time.perf_counter()
    subprocess.run(["/bin/sh", "-c", command], check=True)
    return time.perf_counter() - started


def ablate(folder: Path, name: str, seeds: int) -> float:
    """Return the seconds of a run with a store of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = ["run", "study.yaml", "--store", f"sqlite:///{name}/store.db", "--seeds", str(seeds), "--workers", "2"]
    started = time.perf_counter()
    command = [sys.executable, "-m", "ablate", *words]
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return time.perf_counter() - started


def spread(values: list[float]) -> str:
    """Return the median and the range."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()

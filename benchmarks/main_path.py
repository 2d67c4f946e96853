"""How long the main path makes its user wait: start-up, reports, loading the data, a trial of no duration.

python benchmarks/main_path.py
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from machine import keep

ROOT = Path(__file__).parent.parent
BNNECK = ROOT / "studies" / "bnneck.yaml"
RUNS = 9
STUDY = """\
study: {name}
trainer: simulated
factors:
  a: {{sets: settings.a, levels: [{levels}]}}
design: [{{rows: {{{rows}}}}}]
seeds: {seeds}
"""


def main() -> None:
    lines = ["# The main path", "", f"Whole processes, seconds: median (min to max) of {RUNS} after one warm-up.", ""]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.db"
        ablate("run", study(Path(folder), 100), "--store", store, "--workers", 1)
        ablate("run", study(Path(folder), 20, seeds=5), "--store", store, "--workers", 1)
        lines += table(
            {
                "yardstick: `python -c pass`": ("-c", "pass"),
                "yardstick: importing typer, pydantic, sqlalchemy": ("-c", "import typer, pydantic, sqlalchemy"),
                "`ablate --help`": ("--help",),
                "`ablate plan studies/bnneck.yaml`": ("plan", BNNECK, "--store", store),
                "`ablate status`": ("status", "--store", store),
                "`ablate run` of a file with a fault": ("run", BNNECK, "--set", "config.schedule.stps=1"),
                "`ablate report`, 20 rows × 5 seeds, with figures": ("report", "noop20", "--store", store),
                "`ablate report`, 100 rows × 1 seed, with figures": ("report", "noop100", "--store", store),
                "`ablate report --format json`, 100 rows × 1 seed": (
                    "report",
                    "noop100",
                    "--format",
                    "json",
                    "--store",
                    store,
                ),
            }
        )
        lines += ["", "Loading the embedded data in a fresh process, hash check included (imports not counted):", ""]
        lines += [f"- {spread([load_seconds() for _ in range(RUNS)])} s"]
        lines += ["", "A trial of no duration (simulated, 0 s), by differences of whole runs of 1,100 and 100:", ""]
        lines += [f"- {workers} worker(s): {each_trial(Path(folder), workers):.1f} ms a trial" for workers in (1, 2)]
    keep("main_path", lines)


def ablate(*words: object) -> None:
    """Runs a command of ours; a yardstick begins with -c and is python's."""
    module = [] if words[0] == "-c" else ["-m", "ablate"]
    command = [sys.executable, *module, *(str(word) for word in words)]
    subprocess.run(command, capture_output=True, check=False, cwd=ROOT)


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def table(commands: dict[str, tuple[object, ...]]) -> list[str]:
    lines = ["| command | seconds |", "|---|--:|"]
    for name, words in commands.items():
        ablate(*words)
        lines.append(f"| {name} | {spread([seconds(lambda words=words: ablate(*words)) for _ in range(RUNS)])} |")
    return lines


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def load_seconds() -> float:
    code = (
        "import time, ablate.retrieval.data, numpy, PIL.Image\n"
        "start = time.perf_counter(); ablate.retrieval.data.load('emoji', None, (64, 64)); "
        "print(time.perf_counter() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return float(done.stdout)


def study(folder: Path, rows: int, seeds: int = 1) -> Path:
    path = folder / f"noop{rows}.yaml"
    levels = ", ".join(map(str, range(rows)))
    path.write_text(
        STUDY.format(
            name=f"noop{rows}", seeds=seeds, levels=levels, rows=", ".join(f"r{i}: {{a: {i}}}" for i in range(rows))
        )
    )
    return path


def each_trial(folder: Path, workers: int) -> float:
    """Milliseconds a trial, start-up taken out."""
    took = {}
    for rows in (100, 1100):
        path, store = study(folder, rows), folder / f"{rows}-{workers}.db"
        took[rows] = seconds(lambda path=path, store=store: ablate("run", path, "--store", store, "--workers", workers))
    return took[1100] - took[100]


if __name__ == "__main__":
    main()

"""How long reports take: a study of 1,000 rows × 10 seeds × 12,377 queries, one of 100 trials, and nine rows.

    python benchmarks/analysis.py

Whole processes, medians (and ranges) of three, with the most memory that one held; beside them the start of Python.
"""

import tempfile
from pathlib import Path
from statistics import median

from machine import keep
from queueing.process import MIB, Finished, ablate, watched

RUNS = 3
LEVELS = list(range(10))
GRID = f"""study: grid
trainer: simulated
config: {{queries: 12377, effects: [{{when: {{a: 3}}, pp: 1.0}}]}}
factors:
  a: {{sets: settings.a, levels: {LEVELS}}}
  b: {{sets: settings.b, levels: {LEVELS}}}
  c: {{sets: settings.c, levels: {LEVELS}}}
design: [{{grid: {{a: {LEVELS}, b: {LEVELS}, c: {LEVELS}}}}}]
seeds: 10
"""
NAMES = [f"f{number}" for number in range(1, 10)]
LADDER = (
    "study: ladder\ntrainer: simulated\nconfig: {queries: 2453, effects: [{when: {f1: on}, pp: 2.5}]}\nfactors:\n"
    + "".join(f"  {name}: {{sets: settings.{name}, levels: [off, on]}}\n" for name in NAMES)
    + f"design: [{{ladder: {{from: {{}}, add: [{', '.join(NAMES)}]}}}}]\nseeds: 10\n"
)
LOG = Path(__file__).resolve().parent.parent / "studies" / "reference" / "baseline-log.md"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = ("--store", f"{folder}/store.db")
        filled = 0.0
        for name, text in (("grid", GRID), ("ladder", LADDER)):
            path = Path(folder) / f"{name}.yaml"
            path.write_text(text, encoding="utf-8")
            filled += ablate("run", path, *store).seconds
        ablate("import", LOG, "--study", "nine", *store)
        commands = {
            "`ablate --help`": ("--help",),
            "nine rows of a log, JSON": ("report", "nine", "--format", "json", *store),
            "10 rows × 10 seeds, JSON": ("report", "ladder", "--format", "json", *store),
            "10 rows × 10 seeds, terminal, three figures": ("report", "ladder", *store),
            "1,000 rows × 10 seeds, JSON, 14,571 contrasts": ("report", "grid", "--format", "json", *store),
            "1,000 rows × 10 seeds, terminal, three figures": ("report", "grid", *store),
            "the same in JSON, for new queries too": (
                *("report", "grid", "--format", "json", "--population", "examples-and-seeds"),
                *store,
            ),
        }
        taken = {name: [ablate(*words) for _ in range(RUNS)] for name, words in commands.items()}
        bare = [watched(["python3", "-c", "pass"]) for _ in range(RUNS)]
    lines = ["# Reports: seconds and memory", "", "| command | s | most memory, MiB |", "| :-- | --: | --: |"]
    lines += [_line(name, runs) for name, runs in {"`python -c pass`": bare, **taken}.items()]
    lines += ["", f"Medians (and ranges) of {RUNS} whole processes. Filling the store took {filled:.0f} s."]
    keep("analysis", lines)


def _line(name: str, runs: list[Finished]) -> str:
    seconds = [run.seconds for run in runs]
    peak = max(run.peak for run in runs) / MIB
    return f"| {name} | {median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f}) | {peak:,.0f} |"


if __name__ == "__main__":
    main()

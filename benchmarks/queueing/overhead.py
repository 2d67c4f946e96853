"""What a trial that does nothing costs, with each contender; and how much memory `ablate run` holds on the way."""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.queueing import peers
from benchmarks.queueing.contenders import CONTENDERS
from benchmarks.queueing.keeping import Part, spread
from benchmarks.queueing.process import FailedError
from benchmarks.queueing.runs import Run

HEAD = """\
| trials that do nothing, two workers | trials | whole run, s | ms a trial, whole run | ms a trial, first to last \
| run twice | never run | memory, MiB |
| :-- | --: | --: | --: | --: | --: | --: | --: |"""

FOOTING = """\
*Whole run*: the process from its start to its end, imports, set-up and planning included. *First to last*: between the
ends of the first trial and of the last, divided by their number less one: what one more trial costs. *Run twice*,
*never run*: trials, all rounds together. *Memory*: the largest sum of the resident sets of all its processes, which
counts pages that they share in each.

What the numbers compare, and what they do not:

- The trials do nothing, but leave different things. ablate draws and stores the ranks of 2 × 1,000 queries, the hits,
  the attempt with its times and the libraries' versions, under a lease; Optuna, Ray Tune and PyExperimenter store one
  parameter and one number; Ray Core stores nothing and is the yardstick for handing a function to a process.
- ablate's store is SQLite in WAL mode with `synchronous=NORMAL`: a killed process loses nothing, a power cut may lose
  the last moments. Optuna and PyExperimenter leave SQLite at its defaults, where every commit waits for the disk; the
  line “with ablate's settings” gives Optuna ours.
- How often a trial ran is told by the lines that the peers' trials append to a file, and for ablate, whose simulated
  trainer appends none, by the attempts in its store.
- Optuna's random sampler draws and looks at nothing, and each of its processes is told how many trials to run. Its grid
  sampler covers given cells, as an ablation does, and looks at all earlier trials for each.
- Ray Tune starts a process for each trial unless told `reuse_actors`. It is told the cells by a grid search.
- Contenders that cost more per trial run fewer trials; where the cost of a trial grows with their number (Optuna on a
  grid, Tune's state file), that is in their favour.
- Everybody's log is off, but for ablate's lines of progress, which go to a file.

The goal: 10,000 trials in under 60 s with two workers, and memory that does not grow with them."""


def measure(asked: argparse.Namespace) -> Part:
    """Rounds in which all contenders take turns, so that a slow minute of the machine is nobody's alone."""
    runs: dict[str, list[Run]] = {name: [] for name in asked.only or CONTENDERS}
    failures: list[str] = []
    if not all(name.startswith("ablate") for name in runs):
        peers.python()  # before anything is timed
    for number in range(asked.rounds):
        for name, found in runs.items():
            print(f"round {number + 1}: {name}, {trials(asked, name)} trials", file=sys.stderr, flush=True)
            try:
                found.append(_run(name, trials(asked, name)))
            except FailedError as error:  # after an hour of the others' work, one's trouble is told and not fatal
                print(error, file=sys.stderr, flush=True)
                failures.append(f"{CONTENDERS[name].title}, round {number + 1}: {str(error).splitlines()[-1]}")
    lines = ["# The overhead of a trial", "", *_table(asked, runs), *_listed(failures), "", FOOTING, ""]
    lines += [_versions(runs), *_memory(runs)]
    numbers = {name: _numbers(trials(asked, name), found) for name, found in runs.items()}
    return Part("overhead", lines, {"contenders": numbers}, failures)


def trials(asked: argparse.Namespace, name: str) -> int:
    """How many a contender runs: what is asked for it, or its default, scaled; for ablate a multiple of ten."""
    scaled = max(10, round(CONTENDERS[name].trials * asked.scale / 10) * 10)
    count: int = asked.trials.get(name, scaled)
    return count


def _run(name: str, count: int) -> Run:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Ray's last process may still write
        return CONTENDERS[name].run(Path(folder), count)


def _table(asked: argparse.Namespace, runs: Mapping[str, Sequence[Run]]) -> list[str]:
    lines = [*HEAD.splitlines(), *(_row(CONTENDERS[name].title, trials(asked, name), runs[name]) for name in runs)]
    if asked.rounds > 1:
        lines += ["", f"Medians (and ranges) of {asked.rounds} rounds, in which they take turns."]
    return lines


def _row(title: str, count: int, runs: Sequence[Run]) -> str:
    if not runs:
        return f"| {title} | {count:,} | failed | | | | | |"
    whole = [run.finished.seconds for run in runs]
    each = 1000 * statistics.median(whole) / count
    between = spread([run.ms_between for run in runs], 1)
    twice, never = sum(run.twice for run in runs), sum(run.never(count) for run in runs)
    memory = max(run.peak for run in runs)
    times = f"{spread(whole, 1)} | {each:,.1f} | {between}"
    return f"| {title} | {count:,} | {times} | {twice:,} | {never:,} | {memory:,.0f} |"


def _listed(failures: Sequence[str]) -> list[str]:
    return ["", "Failed:", "", *(f"- {failure}" for failure in failures)] if failures else []


def _versions(runs: Mapping[str, Sequence[Run]]) -> str:
    found = {name: number for of_one in runs.values() for run in of_one for name, number in run.versions.items()}
    return "Peers: " + ", ".join(f"{name} {number}" for name, number in sorted(found.items())) if found else ""


def _memory(runs: Mapping[str, Sequence[Run]]) -> list[str]:
    lines = [
        "",
        "Memory on the way, of the runner and of its largest worker, by share of trials done (last round):",
        "",
    ]
    ours = {name: found[-1] for name, found in runs.items() if name.startswith("ablate") and found}
    for name, run in ours.items():
        told = "; ".join(
            f"{own:.0f} and {below:.0f} MiB at {share:.0%}" for share, (own, below) in run.memory().items()
        )
        lines.append(f"- {CONTENDERS[name].title}: {told}")
    return lines if ours else []


def _numbers(count: int, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "trials": count,
        "seconds": [run.finished.seconds for run in runs],
        "ms_between": [run.ms_between for run in runs],
        "run_twice": [run.twice for run in runs],
        "never_run": [run.never(count) for run in runs],
        "peak_mib": [run.peak for run in runs],
        "memory_mib": [run.memory() for run in runs],  # {share of trials done: [the process, the largest below it]}
        "versions": dict(runs[0].versions) if runs else {},
    }

"""Count the results that survive SIGKILLs: the processes of a study of a script are killed at random moments.

    python -m benchmarks.script_kills [--trials N] [--seeds N] [--no-keep]

Each script starts a process in another session, and a daemon that has cleared its environment. Runner, workers, scripts
and guards are killed at random moments; the runner is started again each time. A minute a seed on two cores.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.machine import RESULTS, describe, write
from tests.support.scripts.killed_study import KilledStudy

WORKERS = 4
SECONDS = 0.8
PAUSE = (0.4, 1.6)
HEAD = (
    "| seed | runner | workers | guards | scripts | attempts | done | twice | at once | none | wrong | failed | left "
    "| seconds |"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3, help="random sequences of kills")
    parser.add_argument("--no-keep", action="store_true", help="print the table only")
    options = parser.parse_args()
    rows = [row_of(seed, options.trials) for seed in range(1, options.seeds + 1)]
    lines = [
        "# A script's study under SIGKILL",
        "",
        f"{options.trials} trials of a script of {SECONDS:g} s, {WORKERS} workers. A process of a random kind is",
        f"killed after each {PAUSE[0]:g} to {PAUSE[1]:g} s, {options.trials // 2} in all: the columns `runner` to",
        "`scripts`. Each script starts a process in another session, and a daemon that has cleared its environment.",
        "",
        "- twice: trials with two results; at once: trainings of which two scripts ran at the same time;",
        "- none: trials without a result; wrong: values that are not those of the trial's config and seed;",
        "- failed: attempts that failed; left: processes of scripts that are alive after the run.",
        "",
        HEAD,
        "|" + "---:|" * (HEAD.count("|") - 1),
        *rows,
    ]
    write(RESULTS / "script-kills.md", lines) if not options.no_keep else print("\n".join([*lines, "", *describe()]))


def row_of(seed: int, trials: int) -> str:
    """Run a study under one random sequence of kills, and return its row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        study = KilledStudy(Path(folder), trials, WORKERS, random.Random(seed), SECONDS)
        began = time.perf_counter()
        study.run(PAUSE, trials // 2)
        seconds = time.perf_counter() - began
        time.sleep(1.0)
        values, expected, attempts = study.values(), study.expected_values(), study.attempts()
        cells: list[object] = [seed, *(study.kills[kind] for kind in ("runner", "worker", "guard", "script"))]
        cells += [attempts.total(), attempts["done"], sum(len(each) > 1 for each in values.values())]
        cells += [
            study.twice_at_once(),
            len(expected.keys() - values.keys()),
            wrong(values, expected),
            failed(attempts),
        ]
        cells += [study.left(), f"{seconds:.0f}"]
    return "| " + " | ".join(map(str, cells)) + " |"


def wrong(values: dict[tuple[str, int], list[float]], expected: dict[tuple[str, int], list[float]]) -> int:
    """Return the number of trials with a value that is not that of their config and seed."""
    return sum(bool(set(values[trial]) - set(expected[trial])) for trial in values)


def failed(attempts: Counter[str]) -> int:
    """Return the number of attempts that ended in another way than done, killed or interrupted."""
    return sum(number for end, number in attempts.items() if end not in ("done", "lost", "abandoned", "interrupted"))


if __name__ == "__main__":
    main()

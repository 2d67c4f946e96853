"""How often reports about rows that are not paired by seed are wrong, by simulated studies of known truth.

nice python -m benchmarks.unpaired [--studies N] [--output FILE]

About a minute on one core with 20,000 studies a cell.
"""

import argparse
import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import write
from tests.support.analysis.simulated_calibration import ALPHA, DELTA, ROWS
from tests.support.analysis.simulated_unpaired import FIRST, RUNS, SDS, UnpairedCase, UnpairedOutcome, simulated

RESULTS = Path(__file__).parent / "results" / "unpaired.md"
TAILS = ("normal", "t5")

Found = Mapping[UnpairedCase, UnpairedOutcome]


def every(studies: int, rng: np.random.Generator) -> Found:
    """The whole calibration."""
    cases = (UnpairedCase(*parts) for parts in itertools.product(FIRST, SDS, RUNS, TAILS))
    return {case: simulated(case, studies, rng) for case in cases}


def table(found: Found, studies: int) -> list[str]:
    """The lines of the table."""
    lines = [
        "# Calibration of rows that are not paired by seed",
        "",
        f"{ROWS} rows, {ROWS - 1} contrasts, alpha {ALPHA:g}, delta {DELTA:g}; {studies:,} studies a cell, so that the "
        f"standard error of a share of 5 % is {100 * (0.05 * 0.95 / studies) ** 0.5:.2f}. Percent. `2 to 10`: row 1 "
        "has 2 runs, row 9 has 10. In a star every row is compared with row 1.",
        "",
        "- false claims: studies without an effect in which some contrast is called better or worse; at most 5",
        "- false absence: studies with effects of ±delta in which some contrast is said to have none beyond delta; at "
        "most 5",
        "- covered: contrasts whose own interval has the truth; 95 or more",
        "- all covered: studies whose simultaneous intervals all have the truth; 95 or more",
        "- if pooled: false claims if one variance were pooled over all rows, which the tool does not do here",
        "",
        "| design | SDs of rows | runs | tails | false claims | false absence | covered | all covered | if pooled |",
        "|---|---|---|---|--:|--:|--:|--:|--:|",
    ]
    for case, outcome in found.items():
        shares = " | ".join(f"{100 * share:.1f}" for share in vars(outcome).values())
        lines.append(f"| {case.design} | {case.sds} | {case.runs} | {case.tails} | {shares} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the calibration and keep its output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=20_000, help="studies a cell")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    started, rng = time.perf_counter(), np.random.default_rng(2026)
    lines = table(every(given.studies, rng), given.studies)
    write(given.output, [*lines, "", f"Took {time.perf_counter() - started:.0f} s on one core."])


if __name__ == "__main__":
    main()

"""Looks that give more seeds to undecided contrasts, against fixed numbers of seeds: trials and correct verdicts.

python -m benchmarks.adaptive [--studies N] [--output FILE]

Two to four minutes on one core.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import write
from tests.support.analysis.simulated_looks import (
    ALPHA,
    DELTA,
    FIRST,
    LOG,
    METHODS,
    PAIRED_SDS,
    ROWS,
    TABLE,
    Case,
    equal,
    error_rate,
    errors,
    measured,
)

RESULTS = Path(__file__).parent / "results" / "adaptive.md"
ERROR_METHODS = ("fixed 10, pooled", *list(METHODS)[4:])


def trials_table(design: str, studies: int, rng: np.random.Generator) -> list[str]:
    columns = [f"SD {sd:g}{before}" for sd in PAIRED_SDS for before in ("", ", the table's")]
    lines = [f"| {design} | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    for name, method in METHODS.items():
        cells = []
        for at, sd in enumerate(PAIRED_SDS):
            trials, share = measured(Case(design, LOG, equal(sd)), method, studies, rng)
            before = f"{TABLE[name][at][0]} / {_share(TABLE[name][at][1])}" if name in TABLE else "–"
            cells += [f"{trials:.1f} / {_share(share, 3)}", before]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def errors_table(design: str, studies: int, rng: np.random.Generator) -> list[str]:
    lines = [f"| {design} | {' | '.join(ERROR_METHODS)} |", "|---|" + "--:|" * len(ERROR_METHODS)]
    for truth in errors():
        cells = []
        for name in ERROR_METHODS:
            share, error, trials = error_rate(truth, design, METHODS[name], studies, rng)
            cells.append(f"{100 * share:.1f} ± {100 * error:.1f} ({trials:.1f})")
        lines.append(f"| {truth} | {' | '.join(cells)} |")
    return lines


def _share(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".removeprefix("0")


def tables(studies: int, rng: np.random.Generator) -> list[str]:
    lines = [
        "# Seeds spent where verdicts are open",
        "",
        f"{ROWS} rows, {ROWS - 1} contrasts, alpha {ALPHA:g}, delta {DELTA:g} pp. The contrasts have the log's top-1 "
        f"effects: {', '.join(f'{effect:+.2f}' for effect in LOG)} pp. *Ladder*: each row against the one above; "
        "*star*: each against the first. SD: of the difference of two runs of one seed, in pp; rates are drawn, not "
        "queries.",
        "",
        "## Trials a study / share of contrasts decided correctly",
        "",
        f"{studies:,} studies a cell; two standard errors are about {16 / studies**0.5:.1f} trials and "
        f"{_share(0.24 / studies**0.5, 3)} of a share. Correctly: decided, "
        "and all that the verdict says is true, its sign and whether it lies within ±delta. *The table's*: what was "
        "simulated for the design beforehand, alpha / 8 for each contrast and not Holm; its layout is not known.",
    ]
    for design in FIRST:
        lines += ["", *trials_table(design, studies, rng)]
    many = 4 * studies
    lines += [
        "",
        "## Families with a false verdict, percent (trials a study)",
        "",
        f"At most 5 %; {many:,} studies a cell, ± one standard error. Paired SD .4 pp where no other is given.",
    ]
    for design in FIRST:
        lines += ["", *errors_table(design, many, rng)]
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="studies a cell; four times as many for error rates")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    started = time.perf_counter()
    lines = tables(given.studies, np.random.default_rng(2026))
    took = f"Took {time.perf_counter() - started:.0f} s on one core."
    write(given.output, [*lines, "", took])


if __name__ == "__main__":
    main()

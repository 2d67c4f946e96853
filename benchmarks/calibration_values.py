"""How often reports about means, single numbers and ratios are wrong, by simulated studies of known truth.

nice python -m benchmarks.calibration_values [--studies N] [--output FILE]

A few minutes on one core with 6,000 studies a cell.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import write
from tests.support.analysis.calibrated_values import (
    EXAMPLES,
    OneSeedCase,
    ValueCase,
    calibrate_values,
    one_seed_cases,
    value_cases,
)
from tests.support.analysis.simulated_calibration import ALPHA, DELTA, ROWS, SEEDS, TARGETS, Rate, target_text

RESULTS = Path(__file__).parent / "results" / "calibration-values.md"

Found = Mapping[tuple[ValueCase | OneSeedCase, int], Mapping[str, Rate]]
"""{(case, seeds): {measure: how often}}."""


def every(studies: int, rng: np.random.Generator) -> Found:
    """The whole calibration."""
    cases = [*itertools.product(value_cases(), SEEDS), *((case, 1) for case in one_seed_cases())]
    return {(case, seeds): calibrate_values(case, seeds, studies, rng) for case, seeds in cases}


def tables(found: Found) -> list[str]:
    """The lines of all tables."""
    studies = next(iter(next(iter(found.values())).values())).studies
    error = 100 * (0.05 * 0.95 / studies) ** 0.5
    lines = [
        "# Calibration of means, single numbers and ratios",
        "",
        f"{ROWS} rows that spread alike, 8 contrasts, alpha {ALPHA:g}, delta {DELTA:g}, SD of a run's own shift .3, "
        f"shift shared by a seed's rows .2; a mean is over {EXAMPLES} skewed examples that add as much variance; "
        f"{studies:,} studies a cell.",
        f"Percent of studies. `!`: beyond the target by more than two standard errors, each {error:.2f} at 5 or 95 %.",
    ]
    for measure in TARGETS:
        title = f"{measure[0].upper()}{measure[1:]}, {target_text(measure)}"
        lines += ["", f"## {title}", "", *_table(found, measure, _plain)]
    lines += ["", "## A mean with one seed", "", *_one_seed_table(found, _plain)]
    lines += ["", "## Every cell, with its standard error", ""]
    for measure in TARGETS:
        lines += [f"{measure[0].upper()}{measure[1:]}:", "", *_table(found, measure, _with_error), ""]
    return [*lines, "A mean with one seed:", "", *_one_seed_table(found, _with_error)]


def _table(found: Found, measure: str, text: Callable[[Rate, str], str]) -> list[str]:
    heads = " | ".join(f"{seeds} seeds" for seeds in SEEDS)
    lines = [f"| design | value | tails | {heads} |", "|---|---|---|" + "--:|" * len(SEEDS)]
    for case in value_cases():
        cells = [text(found[case, seeds][measure], measure) for seeds in SEEDS]
        lines.append(f"| {case.design} | {case.law} | {case.tails} | {' | '.join(cells)} |")
    return lines


def _one_seed_table(found: Found, text: Callable[[Rate, str], str]) -> list[str]:
    measures = list(next(rates for (_, seeds), rates in found.items() if seeds == 1))
    lines = [f"| design | examples | {' | '.join(measures)} |", "|---|---|" + "--:|" * len(measures)]
    for case in one_seed_cases():
        clusters = f" in {case.clusters} clusters" if case.clusters else ""
        cells = " | ".join(text(found[case, 1][measure], measure) for measure in measures)
        lines.append(f"| {case.design} | {case.examples:,}{clusters}, {case.noise} | {cells} |")
    return lines


def _plain(rate: Rate, measure: str) -> str:
    return rate.text(measure)


def _with_error(rate: Rate, measure: str) -> str:
    return f"{rate.text(measure)} ± {100 * rate.error:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=6000, help="studies a cell")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    started, rng = time.perf_counter(), np.random.default_rng(2026)
    lines = tables(every(given.studies, rng))
    took = f"Took {time.perf_counter() - started:.0f} s on one core."
    write(given.output, [*lines, "", took])


if __name__ == "__main__":
    main()

"""How often reports are wrong: false claims, coverage and false `no_effect`, by simulated studies of known truth.

nice python -m benchmarks.calibration [--studies N] [--output FILE]

About ten minutes on one core with 2,000 studies a cell.
"""

import argparse
import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.machine import write
from tests.support.analysis.simulated_calibration import (
    ALPHA,
    COVERS_HALF,
    COVERS_NULL,
    DELTA,
    DISCORDANCES,
    FALSE_HALF,
    FALSE_NULL,
    FIRST,
    LARGE,
    ROWS,
    SEEDS,
    SPREADS,
    TARGETS,
    Case,
    Rate,
    alternatives,
    calibrate,
    cases,
    target_text,
)

RESULTS = Path(__file__).parent / "results" / "calibration.md"

Found = Mapping[tuple[Case, int, str], Rate]
"""{(case, seeds, measure): how often}."""


def every(studies: int, rng: np.random.Generator) -> dict[tuple[Case, int, str], Rate]:
    """The whole calibration. One seed has no spread to be unequal: the first of the spreads stands for all."""
    found = {}
    large = [Case(design, "equal, .3", "normal", 0.16, LARGE) for design in FIRST]
    asked = [*itertools.product(cases(), SEEDS), *((case, 3) for case in large)]
    asked += [(case, 1) for case in cases() if case.spread in ("equal, .3", "one row .7")]
    for case, seeds in asked:
        for measure, rate in calibrate(case, seeds, studies, rng).items():
            found[case, seeds, measure] = rate
    return found


def tables(found: Found) -> list[str]:
    lines = ["# Calibration", "", *_legend(found)]
    for measure in TARGETS:
        lines += ["", f"## {_sentence(measure)}, {target_text(measure)}", "", *_short_table(found, measure)]
    lines += ["", "## One seed", "", *_one_seed_table(found)]
    lines += ["", f"## {LARGE:,} queries, three seeds", "", *_large_table(found)]
    return lines


def _legend(found: Found) -> list[str]:
    studies = next(iter(found.values())).studies
    return [
        f"{ROWS} rows, 8 contrasts, alpha {ALPHA:g}, delta {DELTA:g} pp, base .27, 1,000 queries, shift shared by a "
        f"seed's rows .2 pp; {studies:,} studies a cell.",
        "Percent of studies. Three numbers a cell: discordance 0 / .16 / .39. `!`: beyond the target by more than two "
        f"standard errors, which are {100 * (0.05 * 0.95 / studies) ** 0.5:.2f} at 5 or 95 %.",
    ]


def _short_table(found: Found, measure: str) -> list[str]:
    lines = [
        "| design | SD of a run, pp | tails | " + " | ".join(f"{seeds} seeds" for seeds in SEEDS) + " |",
        "|---|---|---|" + "--:|" * len(SEEDS),
    ]
    for case in _once(cases()):
        cells = [_of_discordances(found, case, seeds, measure) for seeds in SEEDS]
        lines.append(f"| {case.design} | {case.spread} | {case.tails} | {' | '.join(cells)} |")
    return lines


def _one_seed_table(found: Found) -> list[str]:
    measures = (FALSE_NULL, FALSE_HALF, COVERS_NULL, COVERS_HALF)
    lines = ["| design | SD of a run, pp | tails | " + " | ".join(measures) + " |", "|---|---|---|" + "--:|" * 4]
    for case in _once(case for case, seeds, _ in found if seeds == 1):
        cells = [_of_discordances(found, case, 1, measure) for measure in measures]
        lines.append(f"| {case.design} | {case.spread} | {case.tails} | {' | '.join(cells)} |")
    return lines


def _large_table(found: Found) -> list[str]:
    lines = ["Equal spread, normal tails, discordance .16.", "", "| | ladder | star |", "|---|--:|--:|"]
    for measure in TARGETS:
        rates = [rate for (case, _, of), rate in found.items() if case.queries == LARGE and of == measure]
        lines.append(f"| {measure} | {' | '.join(_with_error(rate, measure) for rate in rates)} |")
    return lines


def _once(several: Iterable[Case]) -> list[Case]:
    """Cases that differ in the discordance alone, once."""
    return list(dict.fromkeys(replace(case, discordance=0.0) for case in several))


def _of_discordances(found: Found, case: Case, seeds: int, measure: str) -> str:
    rates = [found[replace(case, discordance=discordance), seeds, measure] for discordance in DISCORDANCES]
    return " / ".join(rate.text(measure) for rate in rates)


def _with_error(rate: Rate, measure: str) -> str:
    return f"{rate.text(measure)} ± {100 * rate.error:.1f}"


def alternatives_table(studies: int, rng: np.random.Generator) -> list[str]:
    lines = [
        "## What other methods do in the same runs",
        "",
        f"{LARGE:,} queries, discordance .16, normal tails, all effects null. False claims / coverage of all eight "
        "intervals, percent ± standard error.",
    ]
    for case in (
        Case("ladder", "equal, .3", "normal", 0.16, LARGE),
        Case("star", "baseline .7", "normal", 0.16, LARGE),
    ):
        found = [alternatives(case, seeds, studies, rng) for seeds in SEEDS]
        lines += ["", f"{case.design}, SD of a run {case.spread}:", ""]
        lines += ["| method | " + " | ".join(f"{seeds} seeds" for seeds in SEEDS) + " |", "|---|" + "--:|" * len(SEEDS)]
        for method in found[0]:
            cells = [" / ".join(_pair(of[method])) for of in found]
            lines.append(f"| {method} | {' | '.join(cells)} |")
    return lines


def _pair(rates: tuple[Rate, Rate]) -> list[str]:
    return [_with_error(rate, measure) for rate, measure in zip(rates, (FALSE_NULL, COVERS_NULL), strict=True)]


def details(found: Found) -> list[str]:
    """Every cell with its standard error."""
    lines = ["## Every cell, with its standard error", ""]
    lines += ["| design | SD of a run, pp | tails | discordance | queries | seeds | " + " | ".join(TARGETS) + " |"]
    lines += ["|---|---|---|--:|--:|--:|" + "--:|" * len(TARGETS)]
    for case, seeds in dict.fromkeys((case, seeds) for case, seeds, _ in found):
        rates = [found.get((case, seeds, measure)) for measure in TARGETS]
        cells = [_with_error(rate, of) if rate else "–" for rate, of in zip(rates, TARGETS, strict=True)]
        about = (case.design, case.spread, case.tails, f"{case.discordance:g}", f"{case.queries:,}", str(seeds))
        lines.append(f"| {' | '.join((*about, *cells))} |")
    return lines


def missed(found: Found) -> list[str]:
    """How many cells miss, of how many, by the spread of rows: other things matter little."""
    lines = ["| SD of a run, pp | cells | beyond the target |", "|---|--:|--:|"]
    for spread in SPREADS:
        of_spread = [rate.misses(measure) for (case, _, measure), rate in found.items() if case.spread == spread]
        lines.append(f"| {spread} | {len(of_spread)} | {sum(of_spread)} |")
    return [*lines, "", "Of cells that are just on target, one in 44 would be marked by luck."]


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="studies a cell")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    started, rng = time.perf_counter(), np.random.default_rng(2026)
    found = every(given.studies, rng)
    lines = [
        *tables(found),
        "",
        "## Which cells miss",
        "",
        *missed(found),
        "",
        *alternatives_table(given.studies, rng),
        "",
        *details(found),
    ]
    took = f"Took {time.perf_counter() - started:.0f} s on one core."
    write(given.output, [*lines, "", took])


if __name__ == "__main__":
    main()

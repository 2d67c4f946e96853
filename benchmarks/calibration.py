"""How often reports are wrong: false claims, coverage and false `no_effect`, by simulated studies of known truth.

nice python benchmarks/calibration.py [--studies N] [--output FILE]

About ten minutes on one core with 2,000 studies a cell.
"""

import argparse
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.power.batch_verdicts import BatchVerdicts, judge, judge_one_seed, pair_weights
from ablate.analysis.power.simulation import SimulationTruth, draw_hits, draw_paired

RESULTS = Path(__file__).parent / "results" / "calibration.md"
ROWS, ALPHA, DELTA = 9, 0.05, 0.5
SEEDS = (2, 3, 5, 10)
DISCORDANCES = (0.0, 0.16, 0.39)
LARGE = 12_377

FIRST = {"ladder": np.arange(ROWS - 1), "star": np.zeros(ROWS - 1, dtype=int)}
SECOND = np.arange(1, ROWS)
SPREADS = {
    "equal, .3": (0.3,) * ROWS,
    "from .2 to .4": tuple(float(sd) for sd in np.geomspace(0.2, 0.4, ROWS)),
    "one row .7": (*(0.3,) * 4, 0.7, *(0.3,) * 4),
    "baseline .7": (0.7, *(0.3,) * 8),
}
NO_EFFECTS = (0.0,) * ROWS
HALF = {"ladder": (0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 2.0, 2.0, 0.0), "star": (0.0, *(0.0, 2.0) * 4)}
"""Every other contrast is 2 pp, or −2; the others are 0."""
AT_DELTA = {"ladder": (0.0, *(DELTA, 0.0) * 4), "star": (0.0, *(DELTA, -DELTA) * 4)}
"""Every contrast is delta, or −delta."""
WIDE = 6.0
"""Standard errors of a contrast: a delta so wide that `no_effect` can be said, whatever the spread and the seeds."""

CLAIMS = (verdicts.BETTER, verdicts.WORSE, verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)
SMALL = (verdicts.NO_EFFECT, verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)

FALSE_NULL, FALSE_HALF = "false claims, all effects null", "false claims, half of the effects null"
COVERS_NULL, COVERS_HALF = "coverage, all effects null", "coverage, half of the effects null"
FALSE_SMALL = "false `no_effect`, all effects ±delta"
FALSE_WIDE = "false `no_effect`, all effects ±delta, delta of 6 standard errors"
TARGETS = dict.fromkeys((FALSE_NULL, FALSE_HALF, FALSE_SMALL, FALSE_WIDE), 0.05) | dict.fromkeys(
    (COVERS_NULL, COVERS_HALF), 0.95
)


@dataclass(frozen=True)
class Case:
    """A design in a world: one line of the tables."""

    design: str
    spread: str
    tails: str
    discordance: float
    queries: int = 1000

    def world(self, effects: tuple[float, ...]) -> SimulationTruth:
        drawn = SimulationTruth(effects, SPREADS[self.spread], queries=self.queries, discordance=self.discordance)
        return replace(drawn, tails=self.tails)  # type: ignore[arg-type]

    def wide(self, seeds: int) -> float:
        """WIDE standard errors of a contrast of two rows of SD .3, in pp."""
        variance = 0.3**2 + 100**2 * self.discordance / 2 / self.queries
        return WIDE * (2 * variance / seeds) ** 0.5

    @property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return FIRST[self.design], SECOND

    def true(self, effects: tuple[float, ...]) -> NDArray[np.float64]:
        """The contrasts' true effects in pp."""
        return pair_weights(*self.pairs, ROWS) @ np.array(effects)


@dataclass(frozen=True)
class Rate:
    """How often something was so, of a number of studies."""

    count: int
    studies: int

    @property
    def value(self) -> float:
        return self.count / self.studies

    @property
    def error(self) -> float:
        """The Monte-Carlo standard error."""
        return (self.value * (1 - self.value) / self.studies) ** 0.5

    def misses(self, measure: str) -> bool:
        """Whether it is beyond its target by more than two standard errors."""
        target = TARGETS[measure]
        excess = self.value - target if target < 0.5 else target - self.value
        return excess > 2 * self.error

    def text(self, measure: str) -> str:
        """In percent, with a mark where it misses."""
        return f"{100 * self.value:.1f}" + ("!" if self.misses(measure) else "")


Found = Mapping[tuple[Case, int, str], Rate]
"""{(case, seeds, measure): how often}."""


def cases() -> Iterator[Case]:
    """Every line of the main tables: the noisy baseline is a star's alone."""
    for design, spread, tails, discordance in itertools.product(FIRST, SPREADS, ("normal", "t5"), DISCORDANCES):
        if design == "star" or spread != "baseline .7":
            yield Case(design, spread, tails, discordance)


def calibrate(case: Case, seeds: int, studies: int, rng: np.random.Generator) -> dict[str, Rate]:
    """All rates of one case. One seed: claims about these networks, and the coverage of their true difference."""
    if seeds == 1:
        return _one_seed(case, studies, rng)
    wide = case.wide(seeds)
    at_wide = tuple(effect / DELTA * wide for effect in AT_DELTA[case.design])
    null, half, edge, wide_edge = (
        judge(draw_hits(case.world(effects), seeds, studies, rng), case.queries, *case.pairs, ALPHA, delta)
        for effects, delta in (
            (NO_EFFECTS, DELTA),
            (HALF[case.design], DELTA),
            (AT_DELTA[case.design], DELTA),
            (at_wide, wide),
        )
    )
    true = case.true(HALF[case.design])
    return {
        FALSE_NULL: any_of(null.says(*CLAIMS)),
        FALSE_HALF: any_of(half.says(*CLAIMS)[:, true == 0]),
        COVERS_NULL: all_of(null.covers(0.0)),
        COVERS_HALF: all_of(half.covers(true)),
        FALSE_SMALL: any_of(edge.says(*SMALL)),
        FALSE_WIDE: any_of(wide_edge.says(*SMALL)),
    }


def _one_seed(case: Case, studies: int, rng: np.random.Generator) -> dict[str, Rate]:
    """Networks of the very same rate for false claims; runs that spread for the coverage."""
    found = {}
    for effects, claims, covers in (
        (NO_EFFECTS, FALSE_NULL, COVERS_NULL),
        (HALF[case.design], FALSE_HALF, COVERS_HALF),
    ):
        still = replace(case.world(effects), own_sd=(0.0,) * ROWS, shared_sd=0.0)
        said, _ = _paired(case, still, studies, rng)
        found[claims] = any_of(said.says(verdicts.CHECKPOINTS_DIFFER)[:, case.true(effects) == 0])
        said, true = _paired(case, case.world(effects), studies, rng)
        found[covers] = all_of(said.covers(true))
    return found


def _paired(
    case: Case, world: SimulationTruth, studies: int, rng: np.random.Generator
) -> tuple[BatchVerdicts, NDArray[np.float64]]:
    """What is said of studies of one seed, and the true differences of their networks."""
    drawn = draw_paired(world, list(zip(*(end.tolist() for end in case.pairs), strict=True)), studies, rng)
    true = 100 * (drawn.rates[:, case.pairs[1]] - drawn.rates[:, case.pairs[0]])
    return judge_one_seed(drawn.gained, drawn.lost, case.queries, ALPHA), true


def any_of(said: NDArray[np.bool_]) -> Rate:
    """In how many studies it was said of some contrast. `said`: shape (studies, contrasts)."""
    return Rate(int(said.any(axis=1).sum()), len(said))


def all_of(said: NDArray[np.bool_]) -> Rate:
    return Rate(int(said.all(axis=1).sum()), len(said))


def alternatives(case: Case, seeds: int, studies: int, rng: np.random.Generator) -> dict[str, tuple[Rate, Rate]]:
    """{method: false claims with all effects null, coverage}, all methods on the same runs."""
    n = case.queries
    pairs = list(zip(*(end.tolist() for end in case.pairs), strict=True))
    drawn = [draw_paired(case.world(NO_EFFECTS), pairs, studies, rng) for _ in range(seeds)]
    hits = np.stack([seed.hits for seed in drawn], axis=2)
    stacked = judge_one_seed(sum(seed.gained for seed in drawn), sum(seed.lost for seed in drawn), n * seeds, ALPHA)
    said = {
        "**pooled, noisy rows' contrasts by their own spread**": judge(hits, n, *case.pairs, ALPHA, DELTA),
        "pooled, no check of spread": judge(hits, n, *case.pairs, ALPHA, DELTA, separate=False),
        "separate t": judge(hits, n, *case.pairs, ALPHA, DELTA, separate=True),
        "McNemar, seeds stacked": stacked,
    }
    found = {
        method: (any_of(of.says(*CLAIMS, verdicts.CHECKPOINTS_DIFFER)), all_of(of.covers(0.0)))
        for method, of in said.items()
    }
    differences = 100 * (hits[:, case.pairs[1]] - hits[:, case.pairs[0]]) / n
    low, high = bootstrap(differences, ALPHA / len(pairs), rng)
    inside = (low <= 0) & (high >= 0)
    return {**found, "bootstrap of seeds": (any_of(~inside), all_of(inside))}


def bootstrap(
    values: NDArray[np.float64], alpha: float, rng: np.random.Generator, draws: int = 2000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The percentile interval of a mean over seeds, the last axis; the same resamples for all."""
    seeds = values.shape[-1]
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws).T / seeds
    ends = [np.quantile(part @ weights, [alpha / 2, 1 - alpha / 2], axis=-1) for part in np.array_split(values, 20)]
    low, high = np.concatenate(ends, axis=1)
    return low, high


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
        lines += ["", f"## {_sentence(measure)}, {_target(measure)}", "", *_short_table(found, measure)]
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


def _target(measure: str) -> str:
    return f"at {'most' if TARGETS[measure] < 0.5 else 'least'} {100 * TARGETS[measure]:.0f} %"


def main(arguments: Sequence[str] | None = None) -> None:
    from machine import describe

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
    text = "\n".join([*lines, "", took, "", "Measured on:", "", *describe()]) + "\n"
    print(text)
    given.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""Seeds spent where verdicts are open: trials, right verdicts and false claims, against fixed numbers of seeds.

python benchmarks/adaptive.py [--studies N] [--output FILE]

Two to four minutes on one core.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.power.batch_verdicts import judge
from ablate.analysis.power.simulation import SimulationTruth, run_rates
from ablate.analysis.spending import SpendingOutcome, spend
from ablate.analysis.stats.group_sequential import repeated_p

RESULTS = Path(__file__).parent / "results" / "adaptive.md"
ROWS, ALPHA, DELTA = 9, 0.05, 0.5
LOOKS, LONGER = (2, 3, 5, 7, 10), (2, 3, 5, 8, 11)
PAIRED_SDS = (0.3, 0.4, 0.5)
LOG = (3.5792, -1.0988, 2.4804, -4.5003, 0.0242, 0.5332, -0.1697, -0.1212)
"""pp of top-1: baseline 1 to 2, omega, erasing, both to baseline 1, warm-up, label smoothing, omega, backbone."""
FINE = 1_000_000  # queries, so many that rates are not rounded

FIRST = {"ladder": np.arange(ROWS - 1), "star": np.zeros(ROWS - 1, dtype=int)}
SECOND = np.arange(1, ROWS)

CLAIMS = (verdicts.BETTER, verdicts.WORSE, verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)
SMALL = (verdicts.NO_EFFECT, verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)
UP = (verdicts.BETTER, verdicts.BETTER_BELOW_DELTA)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Method = Callable[[Floats, NDArray[np.int64]], SpendingOutcome]
"""Rates in pp, shape (studies, rows, seeds), and the first row of each contrast, to how the studies ended."""


@dataclass(frozen=True)
class Case:
    """What is true. `effects`: of the contrasts, in pp; `own`: SD of each row's runs, in pp."""

    design: str
    effects: tuple[float, ...]
    own: tuple[float, ...]
    tails: str = "normal"

    def draw(self, studies: int, rng: np.random.Generator) -> Floats:
        """Rates in pp of all runs that a study may have."""
        rows = np.cumsum((0.0, *self.effects)) if self.design == "ladder" else np.array((0.0, *self.effects))
        world = replace(SimulationTruth(tuple(rows.tolist()), self.own), tails=self.tails)  # type: ignore[arg-type]
        return 100 * run_rates(world, LONGER[-1], studies, rng)


def equal(paired: float) -> tuple[float, ...]:
    """Every run's own SD, where that of the difference of two runs of one seed is `paired`."""
    return (paired / 2**0.5,) * ROWS


def adaptive(looks: Sequence[int], **other: object) -> Method:
    return lambda rates, first: spend(rates, first, SECOND, looks, ALPHA, DELTA, **other)  # type: ignore[arg-type]


def fixed(seeds: int, separate: bool) -> Method:
    """A study that is judged once: by the rule of reports, or by separate t's."""

    def method(rates: Floats, first: NDArray[np.int64]) -> SpendingOutcome:
        counts = rates[..., :seeds] / 100 * FINE
        said = judge(counts, FINE, first, SECOND, ALPHA, DELTA, separate=True if separate else None)
        return SpendingOutcome(said.verdict, np.full(rates.shape[:2], seeds))

    return method


def bonferroni(p: Floats, p_equivalence: Floats) -> tuple[Floats, Floats]:
    size = p.shape[-1]
    return np.minimum(size * p, 1.0), np.minimum(size * p_equivalence, 1.0)


def nominal(p: Floats, information: Sequence[float]) -> Floats:
    """No account of how often one looks."""
    return p


METHODS: Mapping[str, Method] = {
    "fixed 5, separate t": fixed(5, separate=True),
    "fixed 5, pooled": fixed(5, separate=False),
    "fixed 10, separate t": fixed(10, separate=True),
    "fixed 10, pooled": fixed(10, separate=False),
    "**looks 2/3/5/7/10**": adaptive(LOOKS),
    "**looks 2/3/5/8/11**": adaptive(LONGER),
    "2/3/5/7/10, Bonferroni for Holm": adaptive(LOOKS, adjust=bonferroni),
    "2/3/5/7/10, O'Brien–Fleming spending": adaptive(LOOKS, repeat=partial(repeated_p, spending="obrien-fleming")),
    "2/3/5/7/10, naive: p at each look as it is": adaptive(LOOKS, repeat=nominal),
}
TABLE = {
    "fixed 5, separate t": ((45, 0.62), (45, 0.52), (45, 0.45)),
    "fixed 5, pooled": ((45, 0.83), (45, 0.63), (45, 0.55)),
    "fixed 10, separate t": ((90, 0.92), (90, 0.77), (90, 0.65)),
    "fixed 10, pooled": ((90, 0.99), (90, 0.88), (90, 0.73)),
    "**looks 2/3/5/7/10**": ((49, 0.97), (60, 0.85), (64, 0.70)),
    "**looks 2/3/5/8/11**": ((52, 0.98), (63, 0.88), (70, 0.73)),
    "2/3/5/7/10, O'Brien–Fleming spending": ((59, 0.98), (67, 0.87), (71, 0.72)),
}
"""What the design had simulated before: trials and share of right verdicts, by paired SD."""


def right(said: SpendingOutcome, effects: Sequence[float]) -> Bools:
    """Where a contrast is decided and all that its verdict says is true: the sign, and to be within ±delta."""
    true = np.array(effects)
    sign = np.where(said.says(*UP), true > 0, true < 0)
    claimed, small = said.says(*CLAIMS), said.says(*SMALL)
    found: Bools = (claimed | small) & (~claimed | sign) & (~small | (np.abs(true) < DELTA))
    return found


def measured(case: Case, method: Method, studies: int, rng: np.random.Generator) -> tuple[float, float]:
    """Trials a study, and the share of its contrasts that are decided correctly."""
    said = method(case.draw(studies, rng), FIRST[case.design])
    return float(said.trials.mean()), float(right(said, case.effects).mean())


NO_EFFECTS = (0.0,) * (ROWS - 1)
AT_DELTA = (DELTA, -DELTA) * 4
HALF = (0.0, 2.0, 0.0, -2.0) * 2
SPREADS = {
    "unequal: SD of a run .24 to .34": tuple(float(sd) for sd in np.geomspace(0.24, 0.34, ROWS)),
    "unequal: SD of a run .2 to .4": tuple(float(sd) for sd in np.geomspace(0.2, 0.4, ROWS)),
    "one row of .7 among .3": (*(0.3,) * 4, 0.7, *(0.3,) * 4),
    "the first row .7, the others .3": (0.7, *(0.3,) * 8),
}


def errors() -> dict[str, tuple[Callable[[str], Case], Callable[[SpendingOutcome], Bools]]]:
    """What may not happen in more than 5 % of studies: {what is true: (case of a design, where a verdict is false)}."""
    sd = equal(0.4)

    def claims(said: SpendingOutcome) -> Bools:
        return said.says(*CLAIMS)

    def claims_of_none(said: SpendingOutcome) -> Bools:
        return said.says(*CLAIMS) & (np.array(HALF) == 0)

    def small(said: SpendingOutcome) -> Bools:
        return said.says(*SMALL)

    def untrue(said: SpendingOutcome) -> Bools:
        return (said.verdict != verdicts.UNDECIDED) & ~right(said, LOG)

    return {
        "the log's effects: any verdict that is not true": (lambda design: Case(design, LOG, sd), untrue),
        "all effects null": (lambda design: Case(design, NO_EFFECTS, sd), claims),
        "half of them null, the others ±2 pp": (lambda design: Case(design, HALF, sd), claims_of_none),
        "all ±delta: false `no_effect`": (lambda design: Case(design, AT_DELTA, sd), small),
        "all null, t₅ tails": (lambda design: Case(design, NO_EFFECTS, sd, "t5"), claims),
        **{
            f"all null, {name}": (lambda design, own=own: Case(design, NO_EFFECTS, own), claims)
            for name, own in SPREADS.items()
        },
    }


ERROR_METHODS = ("fixed 10, pooled", *list(METHODS)[4:])


def error_rate(
    truth: str, design: str, method: Method, studies: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Share of studies with a false verdict, its standard error, and trials a study."""
    make, false = errors()[truth]
    case = make(design)
    said = method(case.draw(studies, rng), FIRST[design])
    share = float(false(said).any(axis=1).mean())
    return share, (share * (1 - share) / studies) ** 0.5, float(said.trials.mean())


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
    from machine import describe

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="studies a cell; four times as many for error rates")
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args(arguments)
    started = time.perf_counter()
    lines = tables(given.studies, np.random.default_rng(2026))
    took = f"Took {time.perf_counter() - started:.0f} s on one core."
    text = "\n".join([*lines, "", took, "", "Measured on:", "", *describe()]) + "\n"
    print(text)
    given.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

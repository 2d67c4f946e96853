"""Simulated studies of known truth: how often verdicts are false, and how often intervals contain the truth."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.power.batch_verdicts import BatchVerdicts, judge, judge_one_seed, pair_weights
from ablate.analysis.power.proportions import ProportionTruth, draw_paired, draw_successes

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
"""Half of the contrasts are 2 pp or −2 pp, the others 0."""
AT_DELTA = {"ladder": (0.0, *(DELTA, 0.0) * 4), "star": (0.0, *(DELTA, -DELTA) * 4)}
"""Every contrast is delta, or −delta."""
WIDE = 6.0
"""A delta in standard errors of a contrast, wide enough for `no_effect` with any spread and number of seeds."""

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
    """A design and its truth: one line of the tables."""

    design: str
    spread: str
    tails: str
    discordance: float
    queries: int = 1000

    def truth(self, effects: tuple[float, ...]) -> ProportionTruth:
        own = tuple(sd / 100 for sd in SPREADS[self.spread])
        rates = tuple(effect / 100 for effect in effects)
        truth = ProportionTruth(rates, own, examples=self.queries, discordance=self.discordance)
        return replace(truth, tails=self.tails)  # type: ignore[arg-type]

    def draw(
        self, effects: tuple[float, ...], seeds: int, studies: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the rates of new runs in pp, shape (studies, rows, seeds)."""
        return 100 * draw_successes(self.truth(effects), seeds, studies, rng) / self.queries

    def judge(self, rates: NDArray[np.float64], delta: float, separate: bool | None = None) -> BatchVerdicts:
        """Return the verdicts on studies of several seeds; rates, effects, intervals and `delta` in pp."""
        return judge(rates, *self.pairs, ALPHA, delta, resolution=100 / self.queries, separate=separate)

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
    """A number of studies in which an event happened, and the number of all studies."""

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
        """Return True if the rate is beyond its target by more than two standard errors."""
        target = TARGETS[measure]
        excess = self.value - target if target < 0.5 else target - self.value
        return excess > 2 * self.error

    def text(self, measure: str) -> str:
        """Return the rate in percent, with `!` if it misses its target."""
        return f"{100 * self.value:.1f}" + ("!" if self.misses(measure) else "")


def target_text(measure: str) -> str:
    """Return the target of a measure in words: `at most 5 %`."""
    return f"at {'most' if TARGETS[measure] < 0.5 else 'least'} {100 * TARGETS[measure]:.0f} %"


def cases() -> Iterator[Case]:
    """Return the cases of all lines of the main tables; only the star has a case with a noisy baseline."""
    for design, spread, tails, discordance in itertools.product(FIRST, SPREADS, ("normal", "t5"), DISCORDANCES):
        if design == "star" or spread != "baseline .7":
            yield Case(design, spread, tails, discordance)


def calibrate(case: Case, seeds: int, studies: int, rng: np.random.Generator) -> dict[str, Rate]:
    """Return all rates of one case.

    With one seed: claims about the two networks, and coverage of the true difference of the two.
    """
    return _one_seed(case, studies, rng) if seeds == 1 else several_seeds(case, seeds, studies, rng)


class SeveralSeeds(Protocol):
    """A case of which studies of several seeds can be drawn and judged; values and effects in one unit."""

    @property
    def design(self) -> str: ...

    def draw(
        self, effects: tuple[float, ...], seeds: int, studies: int, rng: np.random.Generator
    ) -> NDArray[np.float64]: ...

    def judge(self, values: NDArray[np.float64], delta: float, /) -> BatchVerdicts: ...

    def wide(self, seeds: int) -> float: ...

    def true(self, effects: tuple[float, ...]) -> NDArray[np.float64]: ...


def several_seeds(case: SeveralSeeds, seeds: int, studies: int, rng: np.random.Generator) -> dict[str, Rate]:
    """Return all rates of one case with two seeds or more."""
    wide = case.wide(seeds)
    at_wide = tuple(effect / DELTA * wide for effect in AT_DELTA[case.design])
    null, half, edge, wide_edge = (
        case.judge(case.draw(effects, seeds, studies, rng), delta)
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
    """Count false claims among networks of the same true rate, and coverage among runs that have a spread."""
    rates = {}
    for effects, claims, covers in (
        (NO_EFFECTS, FALSE_NULL, COVERS_NULL),
        (HALF[case.design], FALSE_HALF, COVERS_HALF),
    ):
        still = replace(case.truth(effects), own_sd=(0.0,) * ROWS, shared_sd=0.0)
        judged, _ = _paired(case, still, studies, rng)
        rates[claims] = any_of(judged.says(verdicts.CHECKPOINTS_DIFFER)[:, case.true(effects) == 0])
        judged, true = _paired(case, case.truth(effects), studies, rng)
        rates[covers] = all_of(judged.covers(true))
    return rates


def _paired(
    case: Case, truth: ProportionTruth, studies: int, rng: np.random.Generator
) -> tuple[BatchVerdicts, NDArray[np.float64]]:
    """Return the verdicts of studies of one seed, and the true differences of their networks."""
    drawn = draw_paired(truth, list(zip(*(end.tolist() for end in case.pairs), strict=True)), studies, rng)
    true = drawn.rates[:, case.pairs[1]] - drawn.rates[:, case.pairs[0]]
    return judge_one_seed(drawn.gained, drawn.lost, case.queries, ALPHA), true


def any_of(events: NDArray[np.bool_]) -> Rate:
    """Return the rate of studies in which `events`, shape (studies, contrasts), has any True."""
    return Rate(int(events.any(axis=1).sum()), len(events))


def all_of(events: NDArray[np.bool_]) -> Rate:
    """Return the rate of studies in which `events`, shape (studies, contrasts), is True for all contrasts."""
    return Rate(int(events.all(axis=1).sum()), len(events))


def alternatives(case: Case, seeds: int, studies: int, rng: np.random.Generator) -> dict[str, tuple[Rate, Rate]]:
    """Return {method: (false claims with all effects null, coverage)}, for all methods on the same runs."""
    n = case.queries
    pairs = list(zip(*(end.tolist() for end in case.pairs), strict=True))
    drawn = [draw_paired(case.truth(NO_EFFECTS), pairs, studies, rng) for _ in range(seeds)]
    rates = 100 * np.stack([seed.successes for seed in drawn], axis=2) / n
    stacked = judge_one_seed(sum(seed.gained for seed in drawn), sum(seed.lost for seed in drawn), n * seeds, ALPHA)
    judged = {
        "**pooled, noisy rows' contrasts by their own spread**": case.judge(rates, DELTA),
        "pooled, no check of spread": case.judge(rates, DELTA, separate=False),
        "separate t": case.judge(rates, DELTA, separate=True),
        "McNemar, seeds stacked": stacked,
    }
    found = {
        method: (any_of(verdicts_of.says(*CLAIMS, verdicts.CHECKPOINTS_DIFFER)), all_of(verdicts_of.covers(0.0)))
        for method, verdicts_of in judged.items()
    }
    differences = rates[:, case.pairs[1]] - rates[:, case.pairs[0]]
    low, high = bootstrap(differences, ALPHA / len(pairs), rng)
    inside = (low <= 0) & (high >= 0)
    return {**found, "bootstrap of seeds": (any_of(~inside), all_of(inside))}


def bootstrap(
    values: NDArray[np.float64], alpha: float, rng: np.random.Generator, draws: int = 2000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the percentile interval of a mean over seeds, the last axis; all means use the same resamples."""
    seeds = values.shape[-1]
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws).T / seeds
    ends = [np.quantile(part @ weights, [alpha / 2, 1 - alpha / 2], axis=-1) for part in np.array_split(values, 20)]
    low, high = np.concatenate(ends, axis=1)
    return low, high

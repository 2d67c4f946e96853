"""Many simulated studies that stop rows at looks, judged by the functions that the tool itself uses.

Every array has the studies as its first dimension. All studies have one design and one schedule; each stops rows by
itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.seed_differences import PAIR_PRECISION, pair_values, seedwise
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.looks.repeated_p_values import Adjust, Repeat, RepeatedPValues, repeated, shares, touched
from ablate.analysis.power.batch_verdicts import judge, pair_weights
from ablate.analysis.power.proportions import ProportionTruth, run_rates
from ablate.analysis.stats.group_sequential import repeated_p
from ablate.analysis.stats.t_tests import t_equivalence, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROWS, ALPHA, DELTA = 9, 0.05, 0.5
LOOKS, LONGER = (2, 3, 5, 7, 10), (2, 3, 5, 8, 11)
PAIRED_SDS = (0.3, 0.4, 0.5)
LOG = (3.5792, -1.0988, 2.4804, -4.5003, 0.0242, 0.5332, -0.1697, -0.1212)
"""pp of top-1: baseline 1 to 2, omega, erasing, both to baseline 1, warm-up, label smoothing, omega, backbone."""

FIRST = {"ladder": np.arange(ROWS - 1), "star": np.zeros(ROWS - 1, dtype=int)}
SECOND = np.arange(1, ROWS)

CLAIMS = (verdicts.BETTER, verdicts.WORSE, verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)
SMALL = (verdicts.NO_EFFECT, verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)
UP = (verdicts.BETTER, verdicts.BETTER_BELOW_DELTA)


@dataclass(frozen=True)
class SpendingOutcome:
    """The ends of many simulated studies."""

    verdict: NDArray[np.str_]
    """The last verdict of each contrast, shape (studies, contrasts)."""
    seeds: Ints
    """The number of seeds that each row has, shape (studies, rows)."""

    @property
    def trials(self) -> Ints:
        """The number of trials of each study, shape (studies,)."""
        trials: Ints = self.seeds.sum(axis=1)
        return trials

    def says(self, *named: str) -> Bools:
        """Return True for each contrast whose verdict is one of these, shape (studies, contrasts)."""
        return np.isin(self.verdict, named)


def spend(
    rates: Floats,
    first: ArrayLike,
    second: ArrayLike,
    looks: Sequence[int],
    alpha: float,
    delta: float,
    *,
    repeat: Repeat = repeated_p,
    adjust: Adjust = verdicts.adjusted,
) -> SpendingOutcome:
    """Take looks at studies whose runs would have these `rates` in pp, shape (studies, rows, looks[-1]).

    `first` and `second`: the rows of each contrast, shape (contrasts,), as in `batch_verdicts.judge`. `looks`: numbers
    of seeds, two or more. The defaults of `repeat` and `adjust` are the rule of the tool; others are for comparison.
    """
    first, second = np.asarray(first), np.asarray(second)
    touches = pair_weights(first, second, rates.shape[1]) != 0
    seeds = np.zeros(rates.shape[:2], dtype=np.int64)
    evidence = RepeatedPValues.none((len(rates), len(first)))
    going = np.ones(rates.shape[:2], dtype=bool)
    for number, look in enumerate(looks, start=1):
        seeds[going] = look
        effect, p, small = _measured(rates, seeds, first, second, delta)
        fresh = (seeds[:, first] == look) & (seeds[:, second] == look)
        p, small = repeated(p, small, shares(looks[:number], looks), repeat)
        evidence = evidence.after(np.where(fresh, p, np.nan), np.where(fresh, small, np.nan), effect)
        verdict = evidence.verdicts(True, alpha, adjust)
        going = touched(verdict == verdicts.UNDECIDED, touches)
    return SpendingOutcome(verdict, seeds)


def _measured(rates: Floats, seeds: Ints, first: Ints, second: Ints, delta: float) -> tuple[Floats, Floats, Floats]:
    """Return effects, nominal p's and p's of equivalence, (studies, contrasts), from the first `seeds` of each row."""
    estimates = np.empty((3, len(rates), len(first)))
    patterns, of_study = np.unique(seeds, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        at = np.flatnonzero(of_study.reshape(-1) == number)
        has_run = np.arange(pattern.max()) < pattern[:, None]
        so_far = np.where(has_run, rates[at, :, : pattern.max()], np.nan)
        spread = VarianceModel(so_far)
        values = pair_values(so_far, first, second)
        separate = spread.noisy[:, first] | spread.noisy[:, second]
        measured = seedwise(spread, values, np.full(values.shape, PAIR_PRECISION), separate)
        t = measured.effect, measured.standard_error, measured.df
        estimates[:, at] = measured.effect, t_test(*t), t_equivalence(*t, delta)
    return estimates[0], estimates[1], estimates[2]


Method = Callable[[Floats, NDArray[np.int64]], SpendingOutcome]
"""A function of rates in pp, shape (studies, rows, seeds), and the first row of each contrast."""


@dataclass(frozen=True)
class Case:
    """A design and its truth."""

    design: str
    effects: tuple[float, ...]
    """The true effect of each contrast, in pp."""
    own: tuple[float, ...]
    """The SD of each row's runs, in pp."""
    tails: str = "normal"

    def draw(self, studies: int, rng: np.random.Generator) -> Floats:
        """Return the rates in pp of all runs that a study may have, shape (studies, rows, seeds)."""
        rows = np.cumsum((0.0, *self.effects)) if self.design == "ladder" else np.array((0.0, *self.effects))
        effects, own = (tuple((np.array(of) / 100).tolist()) for of in (rows, self.own))
        truth = replace(ProportionTruth(effects, own), tails=self.tails)  # type: ignore[arg-type]
        return 100 * run_rates(truth, LONGER[-1], studies, rng)


def equal(paired: float) -> tuple[float, ...]:
    """Return every row's own SD in pp such that the difference of two runs of one seed has the SD `paired`."""
    return (paired / 2**0.5,) * ROWS


def adaptive(looks: Sequence[int], **other: object) -> Method:
    return lambda rates, first: spend(rates, first, SECOND, looks, ALPHA, DELTA, **other)  # type: ignore[arg-type]


def fixed(seeds: int, separate: bool) -> Method:
    """Return the method that judges a study once, after `seeds` seeds: by the rule of reports, or by separate t's."""

    def method(rates: Floats, first: NDArray[np.int64]) -> SpendingOutcome:
        judged = judge(rates[..., :seeds], first, SECOND, ALPHA, DELTA, separate=True if separate else None)
        return SpendingOutcome(judged.verdict, np.full(rates.shape[:2], seeds))

    return method


def bonferroni(p: Floats, p_equivalence: Floats) -> tuple[Floats, Floats]:
    size = p.shape[-1]
    return np.minimum(size * p, 1.0), np.minimum(size * p_equivalence, 1.0)


def nominal(p: Floats, information: Sequence[float]) -> Floats:
    """Leave p unchanged, which ignores how often one looks."""
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
"""Trials and share of right verdicts, by paired SD, as simulated when the feature was designed."""


def right(outcome: SpendingOutcome, effects: Sequence[float]) -> Bools:
    """Return True for contrasts with a correct verdict: the sign is right, and the claim about ±delta too."""
    true = np.array(effects)
    sign = np.where(outcome.says(*UP), true > 0, true < 0)
    claimed, small = outcome.says(*CLAIMS), outcome.says(*SMALL)
    correct: Bools = (claimed | small) & (~claimed | sign) & (~small | (np.abs(true) < DELTA))
    return correct


def measured(case: Case, method: Method, studies: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the trials of a study and the share of its contrasts that are decided correctly, both as means."""
    outcome = method(case.draw(studies, rng), FIRST[case.design])
    return float(outcome.trials.mean()), float(right(outcome, case.effects).mean())


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
    """Return the errors that at most 5 % of studies may make: {truth: (case of a design, test for a false verdict)}."""
    sd = equal(0.4)

    def claims(outcome: SpendingOutcome) -> Bools:
        return outcome.says(*CLAIMS)

    def claims_of_none(outcome: SpendingOutcome) -> Bools:
        return outcome.says(*CLAIMS) & (np.array(HALF) == 0)

    def small(outcome: SpendingOutcome) -> Bools:
        return outcome.says(*SMALL)

    def untrue(outcome: SpendingOutcome) -> Bools:
        return (outcome.verdict != verdicts.UNDECIDED) & ~right(outcome, LOG)

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


def error_rate(
    truth: str, design: str, method: Method, studies: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the share of studies with a false verdict, its standard error, and the mean trials of a study."""
    make, false = errors()[truth]
    case = make(design)
    outcome = method(case.draw(studies, rng), FIRST[design])
    share = float(false(outcome).any(axis=1).mean())
    return share, (share * (1 - share) / studies) ** 0.5, float(outcome.trials.mean())

"""Many simulated studies that spend seeds where verdicts are open, by the functions that looks use.

Every array has the studies in front. All studies are of one design and one schedule; each stops rows on its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.seed_differences import PAIR_PRECISION, pair_values, seedwise
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.looks.repeated_p_values import Adjust, Repeat, RepeatedPValues, repeated, shares, touched
from ablate.analysis.power.batch_verdicts import pair_weights
from ablate.analysis.stats.group_sequential import repeated_p
from ablate.analysis.stats.t_tests import t_equivalence, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SpendingOutcome:
    """How studies ended: the verdict of each contrast, shape (studies, contrasts), and seeds, (studies, rows)."""

    verdict: NDArray[np.str_]
    seeds: Ints

    @property
    def trials(self) -> Ints:
        """Shape (studies,)."""
        found: Ints = self.seeds.sum(axis=1)
        return found

    def says(self, *named: str) -> Bools:
        """Where the verdict is one of these."""
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
    """Studies whose runs would have these rates in pp, shape (studies, rows, looks[-1]), as they spend their seeds.

    Pairs as in `many.judge`; looks of two seeds or more. `repeat` and `adjust` are the rule's own; others are there
    to be compared with it.
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
        said = evidence.verdicts(True, alpha, adjust)
        going = touched(said == verdicts.UNDECIDED, touches)
    return SpendingOutcome(said, seeds)


def _measured(rates: Floats, seeds: Ints, first: Ints, second: Ints, delta: float) -> tuple[Floats, Floats, Floats]:
    """Effects with their nominal p's, shape (studies, contrasts), from the first `seeds` of each row."""
    found = np.empty((3, len(rates), len(first)))
    patterns, of_study = np.unique(seeds, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        at = np.flatnonzero(of_study.reshape(-1) == number)
        there = np.arange(pattern.max()) < pattern[:, None]
        known = np.where(there, rates[at, :, : pattern.max()], np.nan)
        spread = VarianceModel(known)
        values = pair_values(known, first, second)
        separate = spread.noisy[:, first] | spread.noisy[:, second]
        measured = seedwise(spread, values, np.full(values.shape, PAIR_PRECISION), separate)
        t = measured.effect, measured.standard_error, measured.df
        found[:, at] = measured.effect, t_test(*t), t_equivalence(*t, delta)
    return found[0], found[1], found[2]

"""Verdicts of many studies at once, by the functions that reports use: for power and calibration.

Every array has the studies in front. All studies are of one design: the same rows, seeds, family and queries.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.seed_differences import seedwise
from ablate.analysis.estimation.single_seed import PairedHits
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.stats.t_tests import t_equivalence, t_interval, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class BatchVerdicts:
    """What is said of each contrast of one family in each study, arrays of shape (studies, contrasts).

    `effect` in pp, `low` to `high` its interval for the whole family at 1 − alpha, `p` of no effect and
    `p_equivalence` of one of delta or more, both adjusted for the family.
    """

    effect: Floats
    low: Floats
    high: Floats
    p: Floats
    p_equivalence: Floats
    verdict: NDArray[np.str_]

    def covers(self, true: ArrayLike) -> NDArray[np.bool_]:
        """Whether each interval holds the true effect in pp, which broadcasts to (studies, contrasts)."""
        found: NDArray[np.bool_] = (self.low <= np.asarray(true)) & (np.asarray(true) <= self.high)
        return found

    def says(self, *named: str) -> NDArray[np.bool_]:
        """Where the verdict is one of these."""
        return np.isin(self.verdict, named)


def pair_weights(first: ArrayLike, second: ArrayLike, rows: int) -> Floats:
    """Pairs of rows, `second` less `first`, as contrasts: shape (pairs, rows)."""
    unit = np.eye(rows)
    weights: Floats = unit[np.asarray(second, dtype=int)] - unit[np.asarray(first, dtype=int)]
    return weights


def judge(
    hits: ArrayLike,
    n: int,
    first: ArrayLike,
    second: ArrayLike,
    alpha: float,
    delta: float,
    separate: bool | None = None,
) -> BatchVerdicts:
    """Studies of two seeds or more: `hits` of n queries, shape (studies, rows, seeds); pairs as in `pair_weights`.

    `separate`: whether contrasts have the separate t on their own values; None is what reports do, those that have a
    noisy row. True for all and False for none are there to be compared with it.
    """
    weights = pair_weights(first, second, np.shape(hits)[-2])
    return judge_weighted(hits, n, weights, alpha, delta, separate)


def judge_weighted(
    hits: ArrayLike, n: int, weights: ArrayLike, alpha: float, delta: float, separate: bool | None = None
) -> BatchVerdicts:
    """As `judge`, of contrasts given by weights, shape (contrasts, rows); nan in all rows of one that is aliased."""
    rates, weights = 100 * np.asarray(hits, dtype=float) / n, np.asarray(weights, dtype=float)
    if rates.ndim != 3 or rates.shape[-1] < 2:
        raise ValueError(f"hits of shape {rates.shape}: studies, rows and two seeds or more are needed")
    counted, known = np.nan_to_num(weights), ~np.isnan(weights).any(axis=1)
    spread = VarianceModel(rates, floor=(100 / n) ** 2 / 12)
    values = np.where(known[:, None], np.matmul(counted, rates), np.nan)
    with np.errstate(divide="ignore"):
        precision = 1 / np.sum(counted**2, axis=1)
    own = spread.noisy @ (counted != 0).T if separate is None else np.full(values.shape[:-1], separate)
    found = seedwise(spread, values, np.broadcast_to(precision[:, None], values.shape), own)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = t_test(found.effect, found.standard_error, found.df)
        p_equivalence = t_equivalence(found.effect, found.standard_error, found.df, delta)
        low, high = t_interval(found.effect, found.standard_error, found.df, 1 - alpha / max(len(weights), 1))
    adjusted = verdicts.adjusted(p, p_equivalence)
    verdict = verdicts.decide(found.effect, *adjusted, np.asarray(False), alpha)
    return BatchVerdicts(found.effect, low, high, *adjusted, verdict)


def judge_one_seed(gained: ArrayLike, lost: ArrayLike, n: int, alpha: float) -> BatchVerdicts:
    """Studies of one seed, from the queries that each pair gained and lost, shape (studies, pairs)."""
    gained, lost = np.asarray(gained, dtype=float), np.asarray(lost, dtype=float)
    every = np.arange(gained.shape[-1])
    measured = PairedHits(every, gained, lost, np.full(gained.shape, float(n)))
    low, high = measured.interval(1 - alpha / max(len(every), 1))
    effect = 100 * (gained - lost) / n
    p, p_equivalence = verdicts.adjusted(measured.p, np.full(gained.shape, np.nan))
    verdict = verdicts.decide(effect, p, p_equivalence, np.asarray(True), alpha)
    return BatchVerdicts(effect, low, high, p, p_equivalence, verdict)

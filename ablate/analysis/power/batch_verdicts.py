"""Verdicts of many studies at once, by the functions that reports use: for power and calibration.

Every array has the studies as its first dimension. All studies have one design: the same rows, seeds, family and
number of queries.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.seed_differences import seedwise
from ablate.analysis.estimation.single_seed import PairedHits
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.stats.resolution import rounding_variance
from ablate.analysis.stats.t_tests import t_equivalence, t_interval, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class BatchVerdicts:
    """The conclusions on each contrast of one family in each study; arrays of shape (studies, contrasts)."""

    effect: Floats
    """In pp."""
    low: Floats
    """Lower end, in pp, of the interval at 1 − alpha for the whole family."""
    high: Floats
    """Upper end of that interval."""
    p: Floats
    """The p of no effect, adjusted for the family."""
    p_equivalence: Floats
    """The p of an effect of delta or more, adjusted for the family."""
    verdict: NDArray[np.str_]

    def covers(self, true: ArrayLike) -> NDArray[np.bool_]:
        """Return True for intervals that contain the true effect in pp, which broadcasts to (studies, contrasts)."""
        inside: NDArray[np.bool_] = (self.low <= np.asarray(true)) & (np.asarray(true) <= self.high)
        return inside

    def says(self, *names: str) -> NDArray[np.bool_]:
        """Return True for contrasts with one of these verdicts."""
        return np.isin(self.verdict, names)


def pair_weights(first: ArrayLike, second: ArrayLike, rows: int) -> Floats:
    """Return pairs of rows, `second` minus `first`, as weights of rows: shape (pairs, rows)."""
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
    """Return the verdicts on pairs of rows in studies of two seeds or more.

    `hits`: of n queries, shape (studies, rows, seeds). `first`, `second`: the rows of each pair. `delta`: in pp.
    `separate`: None is the rule of reports: contrasts with a noisy row use their own values. True (all contrasts do)
    and False (none does) are for comparison with that rule.
    """
    weights = pair_weights(first, second, np.shape(hits)[-2])
    return judge_weighted(hits, n, weights, alpha, delta, separate)


def judge_weighted(
    hits: ArrayLike, n: int, weights: ArrayLike, alpha: float, delta: float, separate: bool | None = None
) -> BatchVerdicts:
    """Return verdicts as `judge` does, on contrasts given by weights, shape (contrasts, rows).

    The weights of an aliased contrast are nan in all rows.
    """
    rates, weights = 100 * np.asarray(hits, dtype=float) / n, np.asarray(weights, dtype=float)
    if rates.ndim != 3 or rates.shape[-1] < 2:
        raise ValueError(f"hits of shape {rates.shape}: studies, rows and two seeds or more are needed")
    finite_weights, estimable = np.nan_to_num(weights), ~np.isnan(weights).any(axis=1)
    variance_model = VarianceModel(rates, floor=rounding_variance(n))
    values = np.where(estimable[:, None], np.matmul(finite_weights, rates), np.nan)
    with np.errstate(divide="ignore"):
        precision = 1 / np.sum(finite_weights**2, axis=1)
    has_noisy_row = variance_model.noisy @ (finite_weights != 0).T
    own = has_noisy_row if separate is None else np.full(values.shape[:-1], separate)
    differences = seedwise(variance_model, values, np.broadcast_to(precision[:, None], values.shape), own)
    effect, t = differences.effect, (differences.effect, differences.standard_error, differences.df)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, p_equivalence = t_test(*t), t_equivalence(*t, delta)
        low, high = t_interval(*t, 1 - alpha / max(len(weights), 1))
    adjusted = verdicts.adjusted(p, p_equivalence)
    verdict = verdicts.decide(effect, *adjusted, np.asarray(False), alpha)
    return BatchVerdicts(effect, low, high, *adjusted, verdict)


def judge_one_seed(gained: ArrayLike, lost: ArrayLike, n: int, alpha: float) -> BatchVerdicts:
    """Return the verdicts in studies of one seed.

    `gained`, `lost`: queries of n that each pair of networks gained and lost, shape (studies, pairs).
    """
    gained, lost = np.asarray(gained, dtype=float), np.asarray(lost, dtype=float)
    every = np.arange(gained.shape[-1])
    contrasts = PairedHits(every, gained, lost, np.full(gained.shape, float(n)))
    low, high = contrasts.interval(1 - alpha / max(len(every), 1))
    effect = 100 * (gained - lost) / n
    p, p_equivalence = verdicts.adjusted(contrasts.p, np.full(gained.shape, np.nan))
    verdict = verdicts.decide(effect, p, p_equivalence, np.asarray(True), alpha)
    return BatchVerdicts(effect, low, high, p, p_equivalence, verdict)

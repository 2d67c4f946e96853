"""Verdicts of many studies at once, by the functions that reports use: for power and calibration.

Every array has the studies as its first dimension. All studies have one design: the same rows, seeds and family.
Values, effects and delta are in the metric's unit. `sign` is 1 if an increase of the metric is an improvement,
otherwise −1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.seed_differences import seedwise
from ablate.analysis.estimation.single_seed import PAIRED_T, ExampleMeans, PairedSuccesses
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.stats.resolution import resolution_variance
from ablate.analysis.stats.t_tests import t_equivalence, t_interval, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class BatchVerdicts:
    """The conclusions on each contrast of one family in each study; arrays of shape (studies, contrasts)."""

    effect: Floats
    low: Floats
    """Lower end of the interval at 1 − alpha for the whole family."""
    high: Floats
    """Upper end of that interval."""
    p: Floats
    """The p of no effect, adjusted for the family."""
    p_equivalence: Floats
    """The p of an effect of delta or more, adjusted for the family."""
    verdict: NDArray[np.str_]

    def covers(self, true: ArrayLike) -> NDArray[np.bool_]:
        """Return True for intervals that contain the true effect, which broadcasts to (studies, contrasts)."""
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
    values: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    alpha: float,
    delta: float,
    *,
    resolution: float = 0.0,
    sign: int = 1,
    separate: bool | None = None,
) -> BatchVerdicts:
    """Return the verdicts on pairs of rows in studies of two seeds or more.

    `values`: of runs, shape (studies, rows, seeds). `first`, `second`: the rows of each pair. `resolution`: the
    smallest difference between two values of a proportion; 0 for other metrics. `separate`: None is the rule of
    reports: contrasts with a noisy row use their own values. True (all contrasts do) and False (none does) are for
    comparison with that rule.
    """
    weights = pair_weights(first, second, np.shape(values)[-2])
    return judge_weighted(values, weights, alpha, delta, resolution=resolution, sign=sign, separate=separate)


def judge_weighted(
    values: ArrayLike,
    weights: ArrayLike,
    alpha: float,
    delta: float,
    *,
    resolution: float = 0.0,
    sign: int = 1,
    separate: bool | None = None,
) -> BatchVerdicts:
    """Return verdicts as `judge` does, on contrasts given by weights, shape (contrasts, rows).

    The weights of an aliased contrast are nan in all rows.
    """
    runs, weights = np.asarray(values, dtype=float), np.asarray(weights, dtype=float)
    if runs.ndim != 3 or runs.shape[-1] < 2:
        raise ValueError(f"values of shape {runs.shape}: studies, rows and two seeds or more are needed")
    finite_weights, estimable = np.nan_to_num(weights), ~np.isnan(weights).any(axis=1)
    variance_model = VarianceModel(runs, floor=resolution_variance(resolution))
    of_contrasts = np.where(estimable[:, None], np.matmul(finite_weights, runs), np.nan)
    with np.errstate(divide="ignore"):
        precision = 1 / np.sum(finite_weights**2, axis=1)
    has_noisy_row = variance_model.noisy @ (finite_weights != 0).T
    own = has_noisy_row if separate is None else np.full(of_contrasts.shape[:-1], separate)
    precisions = np.broadcast_to(precision[:, None], of_contrasts.shape)
    differences = seedwise(variance_model, of_contrasts, precisions, own)
    effect, t = differences.effect, (differences.effect, differences.standard_error, differences.df)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, p_equivalence = t_test(*t), t_equivalence(*t, delta)
        low, high = t_interval(*t, 1 - alpha / max(len(weights), 1))
    adjusted = verdicts.adjusted(p, p_equivalence)
    verdict = verdicts.decide(sign * effect, *adjusted, np.asarray(False), alpha)
    return BatchVerdicts(effect, low, high, *adjusted, verdict)


def judge_one_seed(gained: ArrayLike, lost: ArrayLike, n: int, alpha: float, *, sign: int = 1) -> BatchVerdicts:
    """Return the verdicts on a proportion in studies of one seed.

    `gained`, `lost`: examples of n that each pair of networks gained and lost, shape (studies, pairs).
    """
    gained, lost = np.asarray(gained, dtype=float), np.asarray(lost, dtype=float)
    every = np.arange(gained.shape[-1])
    contrasts = PairedSuccesses(every, gained, lost, np.full(gained.shape, float(n)))
    low, high = contrasts.interval(1 - alpha / max(len(every), 1))
    return _of_one_seed((gained - lost) / n, contrasts.p, low, high, alpha, sign)


def judge_means_of_one_seed(
    difference: ArrayLike, error: ArrayLike, df: float, alpha: float, *, sign: int = 1
) -> BatchVerdicts:
    """Return the verdicts on a mean in studies of one seed, by paired t over the examples.

    `difference`: of the means of each pair of networks; `error`: its standard error, from the spread over the examples
    of one example's difference. Both have the shape (studies, pairs).
    """
    effect, errors = np.asarray(difference, dtype=float), np.asarray(error, dtype=float)
    contrasts = ExampleMeans(np.arange(effect.shape[-1]), effect, errors, float(df), PAIRED_T)
    low, high = contrasts.interval(1 - alpha / max(effect.shape[-1], 1))
    return _of_one_seed(effect, contrasts.p, low, high, alpha, sign)


def _of_one_seed(effect: Floats, p: Floats, low: Floats, high: Floats, alpha: float, sign: int) -> BatchVerdicts:
    adjusted = verdicts.adjusted(p, np.full(effect.shape, np.nan))
    verdict = verdicts.decide(sign * effect, *adjusted, np.asarray(True), alpha)
    return BatchVerdicts(effect, low, high, *adjusted, verdict)

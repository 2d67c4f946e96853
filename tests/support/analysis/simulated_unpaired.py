"""Many simulated studies whose rows are not paired, judged by the functions that the tool itself uses.

Arrays have the studies as their first dimension.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.estimation.row_spreads import RowSpreads
from ablate.analysis.estimation.welch import welch
from ablate.analysis.stats.t_tests import t_equivalence, t_interval, t_test
from tests.support.analysis.simulated_calibration import ALPHA, DELTA, ROWS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST = {"ladder": np.arange(ROWS - 1), "star": np.zeros(ROWS - 1, dtype=int)}
SECOND = np.arange(1, ROWS)
SDS: Mapping[str, Floats] = {
    "alike, .3": np.full(ROWS, 0.3),
    "from .1 to .9": np.geomspace(0.1, 0.9, ROWS),
    "one of .9, others .3": np.array([0.9, *[0.3] * (ROWS - 1)]),
}
RUNS: Mapping[str, Ints] = {
    "2": np.full(ROWS, 2),
    "3": np.full(ROWS, 3),
    "5": np.full(ROWS, 5),
    "10": np.full(ROWS, 10),
    "2 to 10": np.arange(2, 2 + ROWS),
    "10 to 2": np.arange(2, 2 + ROWS)[::-1],
}
"""The number of runs of each row; the spreads of SDS grow with the number of the row, or only the first is wide."""


@dataclass(frozen=True)
class UnpairedCase:
    """A design and its truth."""

    design: str
    sds: str
    runs: str
    tails: str = "normal"


@dataclass(frozen=True)
class UnpairedOutcome:
    """The measures of a case, each as a share."""

    false_claims: float
    """The share of studies without an effect in which some contrast is called better or worse."""
    false_absence: float
    """The share of studies with effects of ±delta in which some contrast has the verdict "no effect beyond delta"."""
    covered: float
    """The share of contrasts whose own interval includes the true effect."""
    all_covered: float
    """The share of studies in which every simultaneous interval includes the true effect."""
    pooled: float
    """The same as `false_claims`, if one variance were pooled over all rows."""


def simulated(case: UnpairedCase, studies: int, rng: np.random.Generator) -> UnpairedOutcome:
    """Simulate studies without an effect. Effects of ±delta are these studies, moved by the truth."""
    sds, runs = SDS[case.sds], RUNS[case.runs]
    means, variance = _drawn(sds, runs, case.tails, studies, rng)
    first, second = FIRST[case.design], SECOND
    spreads = RowSpreads(variance.reshape(-1), np.tile(runs, studies), np.zeros(studies * ROWS, dtype=np.int64))
    rows = (np.arange(studies)[:, None, None] * ROWS + np.stack([first, second], axis=1)).reshape(-1, 2)
    errors = welch(np.array([-1.0, 1.0]), rows, spreads)
    shape = studies, ROWS - 1
    error, df = errors.standard_error.reshape(shape), errors.df.reshape(shape)
    effect = means[:, second] - means[:, first]
    truth = np.tile([DELTA, -DELTA], ROWS)[: ROWS - 1]
    low, high = t_interval(effect, error, df, 1 - ALPHA)
    lowest, highest = t_interval(effect, error, df, 1 - ALPHA / (ROWS - 1))
    claimed, _ = _says(effect, error, df)
    _, absent = _says(effect + truth, error, df)
    free = np.sum(runs - 1)
    pooled = np.sqrt((variance @ (runs - 1) / free)[:, None] * (1 / runs[first] + 1 / runs[second]))
    claimed_pooled, _ = _says(effect, pooled, np.full(shape, float(free)))
    return UnpairedOutcome(
        float(claimed.any(axis=1).mean()),
        float(absent.any(axis=1).mean()),
        float(((low <= 0) & (high >= 0)).mean()),
        float(((lowest <= 0) & (highest >= 0)).all(axis=1).mean()),
        float(claimed_pooled.any(axis=1).mean()),
    )


def _says(effect: Floats, error: Floats, df: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which contrasts are claimed to have an effect, and which to have none beyond delta."""
    p, absent = verdicts.adjusted(t_test(effect, error, df), t_equivalence(effect, error, df, DELTA))
    verdict = verdicts.decide(effect, p, absent, np.zeros(effect.shape, dtype=bool), ALPHA)
    small = (verdicts.NO_EFFECT, verdicts.BETTER_BELOW_DELTA, verdicts.WORSE_BELOW_DELTA)
    return np.isin(verdict, verdicts.CLAIMS), np.isin(verdict, small)


def _drawn(sds: Floats, runs: Ints, tails: str, studies: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the means and the variances of the rows' runs, each of shape (studies, rows)."""
    shape = studies, ROWS, int(runs.max())
    draws = rng.standard_normal(shape) if tails == "normal" else rng.standard_t(5, shape) / (5 / 3) ** 0.5
    values = np.where(np.arange(shape[-1]) < runs[:, None], draws * sds[:, None], np.nan)
    return np.nanmean(values, axis=-1), np.nanvar(values, axis=-1, ddof=1)

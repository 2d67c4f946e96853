"""The spread of each row's own runs, for studies whose rows are not paired by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.stats.resolution import known_variance
from ablate.measurement import Metric, Scale
from ablate.store.plan_document import Summary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ONE_RUN: Final = "one_run"
NO_SD: Final = "no_sd"
NO_NUMBER: Final = "no_number"
MEAN_ONLY: Final = "mean_only"
REASONS: Final = ("", ONE_RUN, NO_SD, NO_NUMBER, MEAN_ONLY)
"""Why the spread of a row's mean is not known, in ascending order of what is missing; empty if it is known."""


@dataclass(frozen=True)
class RowSpread:
    """The runs of one row by themselves."""

    variance: float
    """The variance of one run, as values are compared, squared; nan if it is not known."""
    runs: int
    """The number of runs; 0 if it is not known."""
    lacking: str = ""
    """One of REASONS."""


@dataclass(frozen=True)
class RowSpreads:
    """The runs of all rows; every array has the shape (rows,)."""

    variance: Floats
    """As in `RowSpread`."""
    runs: Ints
    """As in `RowSpread`."""
    lacking: Ints
    """The position of the reason in REASONS."""

    @classmethod
    def of(cls, rows: Sequence[RowSpread]) -> "RowSpreads":
        """Return the arrays of some rows."""
        return cls(
            np.array([row.variance for row in rows], dtype=float),
            np.array([row.runs for row in rows], dtype=np.int64),
            np.array([REASONS.index(row.lacking) for row in rows], dtype=np.int64),
        )


def spread_of_runs(values: Floats, floor: float) -> RowSpread:
    """Return the spread of runs with these values, as they are compared; nan among them is left out.

    `floor`: the smallest variance, that of the metric's resolution. With 0, the variance of values that agree exactly
    is not known.
    """
    own = values[~np.isnan(values)]
    if len(own) < 2:
        return RowSpread(np.nan, len(own), ONE_RUN if len(own) else "")
    largest = float(np.abs(own).max())
    return RowSpread(float(known_variance(np.var(own, ddof=1), floor, largest)), len(own))


def spread_of_summary(summary: Summary, mean: float, metric: Metric, floor: float) -> RowSpread:
    """Return the spread of runs of which only the mean and a summary are known.

    `mean`: in the metric's unit. On a log scale the SD of the logarithms is that of a lognormal law with this mean and
    SD.
    """
    runs = summary.seeds or 0
    if summary.sd is None:
        return RowSpread(np.nan, runs, ONE_RUN if runs == 1 else NO_SD if runs else MEAN_ONLY)
    if runs < 2:
        return RowSpread(np.nan, runs, ONE_RUN if runs else NO_NUMBER)
    variance, largest = summary.sd**2, abs(mean)
    if metric.scale is Scale.LOG:
        variance, largest = float(np.log1p(variance / mean**2)) if mean > 0 else np.nan, 0.0
    return RowSpread(float(known_variance(variance, floor, largest)), runs)

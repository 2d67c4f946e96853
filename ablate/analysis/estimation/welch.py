"""Welch's t for contrasts of rows that are not paired: each row has a spread and a number of runs of its own.

The runs of a row have nothing in common with those of another one, so no effect of seeds is fitted and no variance is
pooled. A contrast Σ w·mean has the variance Σ w²·s²/n and Satterthwaite's degrees of freedom. Welch 1947; Satterthwaite
1946.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablate.analysis.estimation.row_spreads import ONE_RUN, REASONS, RowSpreads

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDING = 1e-9
"""A weight below it counts as zero."""


@dataclass(frozen=True)
class WelchErrors:
    """The errors of contrasts; every array has the shape (contrasts,)."""

    standard_error: Floats
    """nan if the spread of some row is not known."""
    df: Floats
    """Satterthwaite's degrees of freedom; 1 without an error."""
    runs: Ints
    """The smallest number of runs of a row in the contrast; 0 if one is not known."""
    lacking: Ints
    """The position in REASONS of what is missing most; 0 if every row has one run, or if nothing is missing."""
    sd: Floats
    """The standard error if every row had one run and these spreads; nan likewise."""
    pooled_rows: Ints
    """The number of rows over which a pooled variance would have about these degrees of freedom."""


def welch(weights: Floats, rows: Ints, spreads: RowSpreads) -> WelchErrors:
    """Return the errors of contrasts given by weights.

    `weights` and `rows`, the positions of the rows that they belong to, broadcast to the shape (contrasts, k).
    """
    weights, rows = np.broadcast_arrays(weights, rows)
    used, runs = np.abs(weights) > ROUNDING, spreads.runs[rows]
    of_one = np.where(used, weights**2 * spreads.variance[rows], 0.0)
    parts = of_one / np.maximum(runs, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = parts / parts.sum(axis=-1, keepdims=True)
        df = 1 / np.sum(shares**2 / np.maximum(runs - 1, 1), axis=-1)
        alike = np.square(of_one.sum(axis=-1)) / np.sum(of_one**2, axis=-1)
    fewest, most = (np.where(used, runs, other) for other in (np.iinfo(np.int64).max, 0))
    lacking = np.where(used, spreads.lacking[rows], 0).max(axis=-1, initial=0)
    single = (lacking == REASONS.index(ONE_RUN)) & (most.max(axis=-1, initial=0) == 1)
    return WelchErrors(
        np.sqrt(parts.sum(axis=-1)),
        np.where(np.isnan(df), 1.0, df),
        fewest.min(axis=-1, initial=np.iinfo(np.int64).max),
        np.where(single, 0, lacking),
        np.sqrt(of_one.sum(axis=-1)),
        1 + np.rint(np.nan_to_num(alike, nan=1.0)).astype(np.int64),
    )


def width_if_paired(spreads: RowSpreads, first: Ints, second: Ints, correlation: float, alpha: float) -> Floats:
    """Return the width of intervals of pairs of rows if runs were paired by seed, as a share of Welch's; (pairs,).

    `correlation`: between the paired runs of two rows. The paired interval has the variance of `metric ~ row + seed`
    pooled over all rows, as this package has it, and the seeds of the row with the fewest. nan if it is not known.
    """
    rows = np.column_stack([first, second])
    unpaired = welch(np.array([-1.0, 1.0]), rows, spreads)
    one, other = np.sqrt(spreads.variance[rows]).T
    seeds = np.maximum(unpaired.runs, 2)
    variance = (one**2 + other**2 - 2 * correlation * one * other) / seeds
    pooled = max(int(np.sum(~np.isnan(spreads.variance))), 2)
    upper = 1 - alpha / 2
    paired = special.stdtrit((pooled - 1) * (seeds - 1.0), upper) * np.sqrt(variance)
    width: Floats = paired / (special.stdtrit(unpaired.df, upper) * unpaired.standard_error)
    return width

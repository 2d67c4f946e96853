"""Contrasts over seeds: each seed gives one value, in which what all rows of the seed share cancels.

Arrays are (..., contrasts, seeds), with any number of studies in front. Effects are in percentage points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.variance_components import VarianceModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SeedDifferences:
    """Contrasts over seeds, arrays (..., contrasts): pooled, or by their own values where `separate`.

    `standard_error` and `df` are those of the method used; `own_error` and `own_df` those of the separate t.
    """

    effect: Floats
    seeds: Ints
    standard_error: Floats
    df: Floats
    own_error: Floats
    own_df: Floats
    separate: Bools


def seedwise(spread: VarianceModel, values: Floats, precision: Floats, noisy: Bools) -> SeedDifferences:
    """Averages values, shape (..., contrasts, seeds), nan where missing, with `precision` 1 / Σ weight² of each.

    Student 1908 with the variance of `metric ~ row + seed`; contrasts in which a `noisy` row counts, by their own
    seed-wise values. nan with no seed; a standard error of nan with one.
    """
    known = ~np.isnan(values)
    weight = np.where(known, precision, 0.0)
    filled = np.where(known, values, 0.0)
    seeds, total = known.sum(axis=-1), weight.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.sum(weight * filled, axis=-1) / total
        own = np.sum(weight * (filled - effect[..., None]) ** 2, axis=-1) / (seeds - 1)
        own_error = np.where(seeds > 1, np.sqrt(np.maximum(own, spread.floor) / total), np.nan)
        pooled = np.where(seeds > 1, np.sqrt(spread.variance[..., None] / total), np.nan)
    separate = (noisy | (spread.df <= 0)) & (seeds > 1)
    own_df = np.maximum(seeds - 1, 1).astype(float)
    return SeedDifferences(
        effect,
        seeds,
        np.where(separate, own_error, pooled),
        np.where(separate, own_df, float(max(spread.df, 1))),
        own_error,
        own_df,
        separate,
    )


def pair_values(rates: Floats, first: Ints, second: Ints) -> Floats:
    """Each seed's difference of two rows, shape (..., pairs, seeds)."""
    values: Floats = rates[..., second, :] - rates[..., first, :]
    return values


PAIR_PRECISION = 0.5
"""Of the difference of two rows: 1 / (1² + 1²)."""

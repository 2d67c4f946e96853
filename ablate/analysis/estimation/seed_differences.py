"""Contrasts over several seeds: each seed gives one value, in which everything that rows of a seed share cancels.

Arrays have the shape (..., contrasts, seeds); leading dimensions are studies. Effects are in the metric's unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.stats.resolution import known_variance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SeedDifferences:
    """Contrasts over seeds; every array has the shape (..., contrasts)."""

    effect: Floats
    """The mean over seeds; nan with no seed."""
    seeds: Ints
    """The number of seeds that have a value."""
    standard_error: Floats
    """Standard error of the method that is used; nan with fewer than two seeds, or if they show no spread."""
    df: Floats
    """Degrees of freedom of the method that is used."""
    own_error: Floats
    """Standard error from the contrast's own values alone; nan likewise."""
    own_df: Floats
    """Degrees of freedom of `own_error`."""
    separate: Bools
    """True if the contrast uses its own values alone, False if it uses the pooled variance."""


def seedwise(variance_model: VarianceModel, values: Floats, precision: Floats, noisy: Bools) -> SeedDifferences:
    """Average the values of each contrast over its seeds.

    `values`: shape (..., contrasts, seeds), nan if missing. `precision`: 1 / Σ weight² of each value. Student 1908 with
    the variance of `metric ~ row + seed`. Contrasts for which `noisy` is True use their own seed-wise values instead.
    """
    present = ~np.isnan(values)
    weight = np.where(present, precision, 0.0)
    filled = np.where(present, values, 0.0)
    seeds, total = present.sum(axis=-1), weight.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.sum(weight * filled, axis=-1) / total
        own = np.sum(weight * (filled - effect[..., None]) ** 2, axis=-1) / (seeds - 1)
        known = known_variance(own, variance_model.floor, variance_model.largest[..., None])
        own_error = np.where(seeds > 1, np.sqrt(known / total), np.nan)
        pooled = np.where(seeds > 1, np.sqrt(variance_model.variance[..., None] / total), np.nan)
    separate = (noisy | (variance_model.df <= 0)) & (seeds > 1)
    own_df = np.maximum(seeds - 1, 1).astype(float)
    return SeedDifferences(
        effect,
        seeds,
        np.where(separate, own_error, pooled),
        np.where(separate, own_df, float(max(variance_model.df, 1))),
        own_error,
        own_df,
        separate,
    )


def pair_values(values: Floats, first: Ints, second: Ints) -> Floats:
    """Return each seed's difference of two rows, `second` minus `first`, shape (..., pairs, seeds)."""
    differences: Floats = values[..., second, :] - values[..., first, :]
    return differences


PAIR_PRECISION = 0.5
"""Precision of the difference of two rows: 1 / (1² + 1²)."""

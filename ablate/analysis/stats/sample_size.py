"""The number of seeds needed to show an effect, or to show that an effect is small."""

import math
from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from scipy import special

from ablate.analysis.stats.group_sequential import legendre_nodes


def seeds_needed(
    effect: float, sd: float, rows: int, alpha: float, power: float = 0.8, most: int = 10_000
) -> int | None:
    """Return the smallest number S of seeds per row, from 2, that show a true effect; None if over `most`.

    A two-sided t test at level `alpha` (already divided by the family's size) of a contrast with seed-wise differences
    of SD `sd`: standard error sd/√S, variance pooled over `rows` rows, df (rows − 1)(S − 1), power by the
    noncentral t distribution; Cohen 1988. None also if effect or sd is nan.
    """
    _check_design(sd, rows, alpha, power)
    if math.isnan(effect) or math.isnan(sd):
        return None
    return _least_seeds(lambda seeds: _power_of_t(abs(effect), _error(sd, seeds), _df(rows, seeds), alpha), power, most)


def seeds_for_equivalence(
    effect: float, sd: float, rows: int, alpha: float, delta: float, power: float = 0.8, most: int = 10_000
) -> int | None:
    """Return the smallest number of seeds per row, from 2, that show no effect beyond ±delta; None if over `most`.

    As `seeds_needed`, for two one-sided t tests at level alpha each, if the true effect is `effect`. The power is
    exact: the normal probability of both rejections given the estimated SD, integrated over its distribution; Phillips
    1990. None also if the true effect is not within ±delta, or if effect or sd is nan. ValueError if delta is not
    positive.
    """
    _check_design(sd, rows, alpha, power)
    if not delta > 0:
        raise ValueError(f"delta is {delta}; a positive number is needed")
    if math.isnan(sd) or not abs(effect) < delta:
        return None
    return _least_seeds(
        lambda seeds: _power_of_tost(effect, delta, _error(sd, seeds), _df(rows, seeds), alpha), power, most
    )


def _check_design(sd: float, rows: int, alpha: float, power: float) -> None:
    if rows < 2 or sd < 0 or not 0 < alpha < 1 or not 0 < power < 1:
        raise ValueError(
            f"rows {rows}, sd {sd}, alpha {alpha}, power {power}; needed are two rows or more, "
            "an sd of 0 or more, and an alpha and a power between 0 and 1"
        )


def _error(sd: float, seeds: int) -> float:
    return max(sd, 1e-300) / math.sqrt(seeds)  # an SD of 0 is treated as the limit of small SDs


def _df(rows: int, seeds: int) -> int:
    return (rows - 1) * (seeds - 1)


def _least_seeds(power_with: Callable[[int], float], power: float, most: int) -> int | None:
    """Return the smallest number of seeds with this power; by bisection, because power grows with the seeds."""
    candidates = range(2, most + 1)
    position = bisect_left(candidates, power, key=power_with)
    return candidates[position] if position < len(candidates) else None


def _power_of_t(effect: float, error: float, df: int, alpha: float) -> float:
    critical, shift = special.stdtrit(df, 1 - alpha / 2), min(effect / error, 1e9)
    missed = _noncentral_t(df, shift, critical) - _noncentral_t(df, shift, -critical)
    return 1 - missed


def _noncentral_t(df: int, shift: float, t: float) -> float:
    """Return P(T ≤ t); by the normal distribution far in a tail, for which the library returns nan."""
    p = float(special.nctdtr(df, shift, t))
    return float(special.ndtr(t - shift)) if math.isnan(p) else p


def _power_of_tost(effect: float, delta: float, error: float, df: int, alpha: float) -> float:
    """Return ∫ P(both one-sided tests reject | s) dP(s) over s = estimated SD / true SD; s²·df is chi-squared."""
    critical, spread = special.stdtrit(df, 1 - alpha), 12 / math.sqrt(2 * df)
    low, high = (
        max(0.0, 1 - spread),
        min(1 + spread, delta / error / critical),
    )  # a larger s fails both tests
    if high <= low:
        return 0.0
    s, weights = legendre_nodes(low, high, (high - low) / 12)
    log_density = special.xlogy(df - 1, s) - df * s**2 / 2 + df / 2 * math.log(df) + (1 - df / 2) * math.log(2)
    density = np.exp(log_density - special.gammaln(df / 2))
    inside = special.ndtr((delta - effect) / error - critical * s)
    outside = special.ndtr(-(delta + effect) / error + critical * s)
    return float(((inside - outside) * density * weights).sum())

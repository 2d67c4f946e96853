"""Contrasts that a single seed gives: of trained networks, on the same queries if hits of each query are known.

Every class holds some of the contrasts of one seed: `at` is their positions among all contrasts, shape (k,); `p` is the
two-sided p of no difference, shape (k,); `interval` returns the ends of each interval in percentage points (pp).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablate.analysis.estimation.observations import Observations
from ablate.analysis.stats.proportions import bonett_price, mcnemar, newcombe, pooled_z, wilson
from ablate.analysis.stats.resolution import at_least_rounding, rounding_variance
from ablate.analysis.stats.t_tests import t_interval, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BONETT_PRICE, PAIRED_Z = "bonett-price", "paired z"
NEWCOMBE, MOVER = "newcombe", "mover"


@dataclass(frozen=True)
class PairedHits:
    """Contrasts of two networks on the same queries."""

    at: Ints
    gained: Floats
    """Number of queries that the first network misses and the second hits."""
    lost: Floats
    """Number of queries that the first network hits and the second misses."""
    n: Floats
    """Number of queries."""
    method = BONETT_PRICE

    @property
    def p(self) -> Floats:
        """By McNemar's mid-p test."""
        return np.asarray(mcnemar(self.lost, self.gained).midp, dtype=float)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """By Bonett and Price."""
        low, high = bonett_price(self.gained, self.lost, self.n, confidence)
        return 100 * low, 100 * high


@dataclass(frozen=True)
class PairedTotals:
    """Contrasts of two rows with known totals only."""

    at: Ints
    hits: tuple[Floats, Floats]
    """Number of hits of the first rows and of the second rows."""
    n: tuple[Ints, Ints]
    """Number of queries of the first rows and of the second rows."""
    method = NEWCOMBE

    @property
    def p(self) -> Floats:
        """By the z test with pooled variance."""
        return np.asarray(pooled_z(self.hits[0], self.n[0], self.hits[1], self.n[1]), dtype=float)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """By Newcombe's method 10."""
        low, high = newcombe(self.hits[0], self.n[0], self.hits[1], self.n[1], confidence)
        return 100 * low, 100 * high


@dataclass(frozen=True)
class WeightedTotals:
    """Contrasts of several rows with known totals only."""

    at: Ints
    weights: Floats
    """The weight of each row in each contrast, shape (contrasts, rows)."""
    hits: Floats
    """Number of hits of each row, shape (rows,)."""
    n: Ints
    """Number of queries of each row, shape (rows,)."""
    method = MOVER

    @property
    def p(self) -> Floats:
        """By Wald's test with each row's own variance."""
        rate = self.hits / self.n
        least = np.array([rounding_variance(n) for n in self.n]) / 100**2
        error = np.sqrt(self.weights**2 @ at_least_rounding(rate * (1 - rate) / self.n, least))
        p: Floats = 2 * special.ndtr(-np.abs(self._effect / error))
        return p

    @property
    def _effect(self) -> Floats:
        effect: Floats = self.weights @ (self.hits / self.n)
        return effect

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """From each rate's Wilson limits. Zou and Donner 2008; Newcombe's method 10 is the case of two rates."""
        rate = self.hits / self.n
        low, high = (np.asarray(end, dtype=float) for end in wilson(self.hits, self.n, confidence))
        plus, minus = np.maximum(self.weights, 0) ** 2, np.minimum(self.weights, 0) ** 2
        below = plus @ (rate - low) ** 2 + minus @ (high - rate) ** 2
        above = plus @ (high - rate) ** 2 + minus @ (rate - low) ** 2
        return 100 * (self._effect - np.sqrt(below)), 100 * (self._effect + np.sqrt(above))


@dataclass(frozen=True)
class WeightedHits:
    """Contrasts of several networks on the same queries: the mean of each query's weighted sum, by the normal law."""

    at: Ints
    effect: Floats
    """In pp."""
    error: Floats
    """Standard error in pp."""
    method = PAIRED_Z

    @property
    def p(self) -> Floats:
        """By the z test."""
        return t_test(self.effect, self.error, np.full(self.effect.shape, np.inf))

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """By the normal law."""
        return t_interval(self.effect, self.error, np.full(self.effect.shape, np.inf), confidence)


OneSeed = PairedHits | PairedTotals | WeightedTotals | WeightedHits


def pairs_of_one_seed(observations: Observations, seed: int, at: Ints, first: Ints, second: Ints) -> list[OneSeed]:
    """Return the pairs of rows at positions `at`, which have this seed only; query by query if both rows allow it.

    `seed`: the seed's position. `first`, `second`: the rows of all pairs.
    """
    if not len(at):
        return []
    i, j = first[at], second[at]
    has_queries = observations.paired.get(seed, np.zeros(len(observations.n), dtype=bool))
    both = has_queries[i] & has_queries[j]
    parts: list[OneSeed] = []
    if both.any():
        hit = observations.queries[seed].astype(np.float32)
        if len(at) > len(hit):
            shared = (hit @ hit.T)[i[both], j[both]]
        else:
            shared = np.einsum("pq,pq->p", hit[i[both]], hit[j[both]])
        before, after = observations.hits[i[both], seed], observations.hits[j[both], seed]
        parts.append(PairedHits(at[both], after - shared, before - shared, observations.n[i[both]].astype(float)))
    rest = ~both
    hits = (observations.hits[i[rest], seed], observations.hits[j[rest], seed])
    return [*parts, PairedTotals(at[rest], hits, (observations.n[i[rest]], observations.n[j[rest]]))]


def combinations_of_one_seed(observations: Observations, seed: int, at: Ints, weights: Floats) -> list[OneSeed]:
    """Return the contrasts at positions `at`, which have this seed only; contrasts of two rows as pairs.

    `seed`: the seed's position. `weights`: of all contrasts, shape (contrasts, rows).
    """
    pairs = [k for k in at if sorted(weights[k][weights[k] != 0]) == [-1.0, 1.0]]
    first = np.zeros(len(weights), dtype=np.int64)
    second = np.zeros(len(weights), dtype=np.int64)
    for k in pairs:
        first[k], second[k] = int(np.argmin(weights[k])), int(np.argmax(weights[k]))
    parts = pairs_of_one_seed(observations, seed, np.array(pairs, dtype=np.int64), first, second)
    rest = np.setdiff1d(at, pairs)
    has_queries = observations.paired.get(seed, np.zeros(len(observations.n), dtype=bool))
    by_query = np.array([bool(has_queries[weights[k] != 0].all()) for k in rest], dtype=bool)
    if by_query.any():
        parts.append(_weighted_hits(observations.queries[seed], rest[by_query], weights[rest[by_query]]))
    totals = rest[~by_query] if len(rest) else rest
    if len(totals):
        used = np.flatnonzero(np.any(weights[totals] != 0, axis=0))
        parts.append(
            WeightedTotals(totals, weights[totals][:, used], observations.hits[used, seed], observations.n[used])
        )
    return parts


def _weighted_hits(hit: Bools, at: Ints, weights: Floats) -> WeightedHits:
    """Return contrasts query by query. `hit`: shape (rows, queries); `weights`: shape (contrasts, rows)."""
    scores = weights.astype(np.float32) @ hit.astype(np.float32)
    queries = hit.shape[1]
    variance = (100 * scores.std(axis=1, ddof=1, dtype=float)) ** 2 / queries
    error = np.sqrt(at_least_rounding(variance, rounding_variance(queries) * np.sum(weights**2, axis=1)))
    return WeightedHits(at, 100 * scores.mean(axis=1, dtype=float), error)

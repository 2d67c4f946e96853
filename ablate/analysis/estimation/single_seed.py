"""Contrasts that one seed alone gives: of two trained networks, on the same queries where those are known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablate.analysis.estimation.observations import Observations
from ablate.analysis.stats.proportions import bonett_price, mcnemar, newcombe, pooled_z, wilson
from ablate.analysis.stats.t_tests import t_interval, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BONETT_PRICE, PAIRED_Z = "bonett-price", "paired z"
NEWCOMBE, MOVER = "newcombe", "mover"


@dataclass(frozen=True)
class PairedHits:
    """Contrasts of two networks on the same queries: how many each gained and lost, of n."""

    at: Ints
    gained: Floats
    lost: Floats
    n: Floats
    method = BONETT_PRICE

    @property
    def p(self) -> Floats:
        return np.asarray(mcnemar(self.lost, self.gained).midp, dtype=float)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        low, high = bonett_price(self.gained, self.lost, self.n, confidence)
        return 100 * low, 100 * high


@dataclass(frozen=True)
class PairedTotals:
    """Contrasts of two rows of which totals alone are known."""

    at: Ints
    hits: tuple[Floats, Floats]
    n: tuple[Ints, Ints]
    method = NEWCOMBE

    @property
    def p(self) -> Floats:
        return np.asarray(pooled_z(self.hits[0], self.n[0], self.hits[1], self.n[1]), dtype=float)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        low, high = newcombe(self.hits[0], self.n[0], self.hits[1], self.n[1], confidence)
        return 100 * low, 100 * high


@dataclass(frozen=True)
class WeightedTotals:
    """Contrasts of several rows of which totals alone are known: `weights` shape (contrasts, rows)."""

    at: Ints
    weights: Floats
    hits: Floats
    n: Ints
    method = MOVER

    @property
    def p(self) -> Floats:
        """Wald's test with each row's own variance."""
        rate = self.hits / self.n
        error = np.sqrt(self.weights**2 @ (rate * (1 - rate) / self.n))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(self._effect == 0, 0.0, self._effect / error)
        p: Floats = 2 * special.ndtr(-np.abs(z))
        return p

    @property
    def _effect(self) -> Floats:
        effect: Floats = self.weights @ (self.hits / self.n)
        return effect

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """From each rate's Wilson limits. Zou and Donner 2008, of which Newcombe's method 10 is the case of two."""
        rate = self.hits / self.n
        low, high = (np.asarray(end, dtype=float) for end in wilson(self.hits, self.n, confidence))
        plus, minus = np.maximum(self.weights, 0) ** 2, np.minimum(self.weights, 0) ** 2
        below = plus @ (rate - low) ** 2 + minus @ (high - rate) ** 2
        above = plus @ (high - rate) ** 2 + minus @ (rate - low) ** 2
        return 100 * (self._effect - np.sqrt(below)), 100 * (self._effect + np.sqrt(above))


@dataclass(frozen=True)
class WeightedHits:
    """Contrasts of several networks on the same queries: each query's weighted sum, by the normal law."""

    at: Ints
    effect: Floats
    error: Floats
    method = PAIRED_Z

    @property
    def p(self) -> Floats:
        return t_test(self.effect, self.error, np.full(self.effect.shape, np.inf))

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        return t_interval(self.effect, self.error, np.full(self.effect.shape, np.inf), confidence)


OneSeed = PairedHits | PairedTotals | WeightedTotals | WeightedHits


def pairs_of_one_seed(cells: Observations, seed: int, at: Ints, first: Ints, second: Ints) -> list[OneSeed]:
    """Pairs that one seed alone gives, with their queries where those are known of both rows."""
    if not len(at):
        return []
    i, j = first[at], second[at]
    known = cells.paired.get(seed, np.zeros(len(cells.n), dtype=bool))
    both = known[i] & known[j]
    parts: list[OneSeed] = []
    if both.any():
        hit = cells.queries[seed].astype(np.float32)
        if len(at) > len(hit):
            shared = (hit @ hit.T)[i[both], j[both]]
        else:
            shared = np.einsum("pq,pq->p", hit[i[both]], hit[j[both]])
        had, has = cells.hits[i[both], seed], cells.hits[j[both], seed]
        parts.append(PairedHits(at[both], has - shared, had - shared, cells.n[i[both]].astype(float)))
    rest = ~both
    hits = (cells.hits[i[rest], seed], cells.hits[j[rest], seed])
    return [*parts, PairedTotals(at[rest], hits, (cells.n[i[rest]], cells.n[j[rest]]))]


def combinations_of_one_seed(cells: Observations, seed: int, at: Ints, weights: Floats) -> list[OneSeed]:
    """Combinations that one seed alone gives, `weights` (contrasts, rows); those of two rows as pairs."""
    pairs = [k for k in at if sorted(weights[k][weights[k] != 0]) == [-1.0, 1.0]]
    first = np.zeros(len(weights), dtype=np.int64)
    second = np.zeros(len(weights), dtype=np.int64)
    for k in pairs:
        first[k], second[k] = int(np.argmin(weights[k])), int(np.argmax(weights[k]))
    parts = pairs_of_one_seed(cells, seed, np.array(pairs, dtype=np.int64), first, second)
    rest = np.setdiff1d(at, pairs)
    known = cells.paired.get(seed, np.zeros(len(cells.n), dtype=bool))
    by_query = np.array([bool(known[weights[k] != 0].all()) for k in rest], dtype=bool)
    if by_query.any():
        parts.append(_weighted_hits(cells.queries[seed], rest[by_query], weights[rest[by_query]]))
    totals = rest[~by_query] if len(rest) else rest
    if len(totals):
        counted = np.flatnonzero(np.any(weights[totals] != 0, axis=0))
        parts.append(WeightedTotals(totals, weights[totals][:, counted], cells.hits[counted, seed], cells.n[counted]))
    return parts


def _weighted_hits(hit: Bools, at: Ints, weights: Floats) -> WeightedHits:
    scores = weights.astype(np.float32) @ hit.astype(np.float32)
    error = scores.std(axis=1, ddof=1, dtype=float) / np.sqrt(hit.shape[1])
    return WeightedHits(at, 100 * scores.mean(axis=1, dtype=float), 100 * error)

"""Contrasts that a single seed gives: of trained networks, on the same examples if their values are known.

Every class holds some of the contrasts of one seed: `at` is their positions among all contrasts, shape (k,); `p` is the
two-sided p of no difference, shape (k,); `interval` returns the ends of each interval in the metric's unit. A metric
of which neither examples nor totals are known has no such contrast: one number does not show its own spread.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablate.analysis.estimation.observations import Observations
from ablate.analysis.stats.clusters import variance_of_mean
from ablate.analysis.stats.proportions import bonett_price, mcnemar, newcombe, pooled_z, wilson
from ablate.analysis.stats.resolution import known_variance, resolution_variance
from ablate.analysis.stats.t_tests import t_interval, t_test

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BONETT_PRICE, PAIRED_Z = "bonett-price", "paired z"
PAIRED_T, CLUSTERED_T = "paired t", "clustered t"
NEWCOMBE, MOVER = "newcombe", "mover"

MOST_DIFFERENCES = 4_000_000
"""The largest number of differences of examples that are held at a time."""


@dataclass(frozen=True)
class PairedSuccesses:
    """Contrasts of two networks on the same examples, each a success or a failure."""

    at: Ints
    gained: Floats
    """Number of examples on which the first network fails and the second succeeds."""
    lost: Floats
    """Number of examples on which the first network succeeds and the second fails."""
    n: Floats
    """Number of examples."""
    method = BONETT_PRICE

    @property
    def p(self) -> Floats:
        """By McNemar's mid-p test."""
        return np.asarray(mcnemar(self.lost, self.gained).midp, dtype=float)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """By Bonett and Price."""
        low, high = bonett_price(self.gained, self.lost, self.n, confidence)
        return low, high


@dataclass(frozen=True)
class PairedTotals:
    """Contrasts of two rows with known totals only."""

    at: Ints
    successes: tuple[Floats, Floats]
    """Number of successes of the first rows and of the second rows."""
    n: tuple[Ints, Ints]
    """Number of examples of the first rows and of the second rows."""
    method = NEWCOMBE

    @property
    def p(self) -> Floats:
        """By the z test with pooled variance."""
        return np.asarray(pooled_z(self.successes[0], self.n[0], self.successes[1], self.n[1]), dtype=float)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """By Newcombe's method 10."""
        low, high = newcombe(self.successes[0], self.n[0], self.successes[1], self.n[1], confidence)
        return low, high


@dataclass(frozen=True)
class WeightedTotals:
    """Contrasts of several rows with known totals only."""

    at: Ints
    weights: Floats
    """The weight of each row in each contrast, shape (contrasts, rows)."""
    successes: Floats
    """Number of successes of each row, shape (rows,)."""
    n: Ints
    """Number of examples of each row, shape (rows,)."""
    method = MOVER

    @property
    def p(self) -> Floats:
        """By Wald's test with each row's own variance."""
        rate = self.successes / self.n
        least = np.array([resolution_variance(1 / n) for n in self.n])
        error = np.sqrt(self.weights**2 @ known_variance(rate * (1 - rate) / self.n, least))
        p: Floats = 2 * special.ndtr(-np.abs(self._effect / error))
        return p

    @property
    def _effect(self) -> Floats:
        effect: Floats = self.weights @ (self.successes / self.n)
        return effect

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """From each rate's Wilson limits. Zou and Donner 2008; Newcombe's method 10 is the case of two rates."""
        rate = self.successes / self.n
        low, high = (np.asarray(end, dtype=float) for end in wilson(self.successes, self.n, confidence))
        plus, minus = np.maximum(self.weights, 0) ** 2, np.minimum(self.weights, 0) ** 2
        below = plus @ (rate - low) ** 2 + minus @ (high - rate) ** 2
        above = plus @ (high - rate) ** 2 + minus @ (rate - low) ** 2
        return self._effect - np.sqrt(below), self._effect + np.sqrt(above)


@dataclass(frozen=True)
class ExampleMeans:
    """Contrasts of networks on the same examples: the mean over examples of a weighted sum of their values."""

    at: Ints
    effect: Floats
    error: Floats
    """Standard error of the mean; nan if the examples show no spread."""
    df: float
    """Degrees of freedom of the error; infinite for the normal law."""
    method: str

    @property
    def p(self) -> Floats:
        """By the t test; by the z test if df is infinite."""
        return t_test(self.effect, self.error, np.full(self.effect.shape, self.df))

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        """By Student's t; by the normal law if df is infinite."""
        return t_interval(self.effect, self.error, np.full(self.effect.shape, self.df), confidence)


OneSeed = PairedSuccesses | PairedTotals | WeightedTotals | ExampleMeans


def pairs_of_one_seed(observations: Observations, seed: int, at: Ints, first: Ints, second: Ints) -> list[OneSeed]:
    """Return the pairs of rows at positions `at`, which have this seed only; by examples if both rows allow it.

    `seed`: the seed's position. `first`, `second`: the rows of all pairs. Pairs of which neither examples nor totals
    are known are left out.
    """
    if not len(at):
        return []
    i, j = first[at], second[at]
    has_examples = _rows_with_examples(observations, seed)
    both = has_examples[i] & has_examples[j]
    parts: list[OneSeed] = []
    if both.any() and observations.is_proportion and seed not in observations.clusters:
        success = observations.examples[seed]
        if len(at) > len(success):
            shared = (success @ success.T)[i[both], j[both]]
        else:
            shared = np.einsum("pq,pq->p", success[i[both]], success[j[both]])
        totals = success.sum(axis=1, dtype=float)
        n = np.full(len(shared), float(success.shape[1]))
        parts.append(PairedSuccesses(at[both], totals[j[both]] - shared, totals[i[both]] - shared, n))
    elif both.any():
        parts.append(_mean_differences(observations, seed, at[both], i[both], j[both]))
    rest = ~both & (observations.n[i] > 0) & (observations.n[j] > 0)
    if rest.any() and observations.is_proportion:
        successes = observations.successes[i[rest], seed], observations.successes[j[rest], seed]
        parts.append(PairedTotals(at[rest], successes, (observations.n[i[rest]], observations.n[j[rest]])))
    return parts


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
    has_examples = _rows_with_examples(observations, seed)
    by_example = np.array([bool(has_examples[weights[k] != 0].all()) for k in rest], dtype=bool)
    if by_example.any():
        scores = weights[rest[by_example]] @ observations.examples[seed]
        squares = np.sum(weights[rest[by_example]] ** 2, axis=1)
        parts.append(_means(observations, seed, rest[by_example], scores, squares))
    totals = rest[~by_example] if len(rest) else rest
    known = np.array([bool((observations.n[weights[k] != 0] > 0).all()) for k in totals], dtype=bool)
    if known.any() and observations.is_proportion:
        totals = totals[known]
        used = np.flatnonzero(np.any(weights[totals] != 0, axis=0))
        successes = observations.successes[used, seed]
        parts.append(WeightedTotals(totals, weights[totals][:, used], successes, observations.n[used]))
    return parts


def _rows_with_examples(observations: Observations, seed: int) -> Bools:
    return observations.paired.get(seed, np.zeros(len(observations.n), dtype=bool))


def _mean_differences(observations: Observations, seed: int, at: Ints, first: Ints, second: Ints) -> ExampleMeans:
    """Return the contrasts of pairs of rows by the differences of their examples."""
    examples = observations.examples[seed]
    pairs_at_a_time = max(1, MOST_DIFFERENCES // max(1, examples.shape[1]))
    parts = []
    for start in range(0, len(at), pairs_at_a_time):
        some = slice(start, start + pairs_at_a_time)
        scores = np.subtract(examples[second[some]], examples[first[some]], dtype=float)
        parts.append(_means(observations, seed, at[some], scores, np.full(len(scores), 2.0)))
    effect, error = (np.concatenate([getattr(part, name) for part in parts]) for name in ("effect", "error"))
    return replace(parts[0], at=at, effect=effect, error=error)


def _means(observations: Observations, seed: int, at: Ints, scores: Floats, squares: Floats) -> ExampleMeans:
    """Return contrasts by their scores, shape (contrasts, examples). `squares`: the sum of each one's squared weights.

    Independent examples that are 0 or 1 use the normal law, with a variance that is not below that of the resolution.
    Others use Student's t, over clusters if there are any.
    """
    examples, clusters = scores.shape[1], observations.clusters.get(seed)
    mean = scores.mean(axis=1)
    if observations.is_proportion and clusters is None:
        variance = scores.std(axis=1, ddof=1) ** 2 / examples
        error = np.sqrt(known_variance(variance, resolution_variance(1 / examples) * squares))
        return ExampleMeans(at, mean, error, np.inf, PAIRED_Z)
    variance, df = variance_of_mean(scores, clusters)
    largest = np.abs(scores).max(axis=1, initial=0.0)
    method = PAIRED_T if clusters is None else CLUSTERED_T
    return ExampleMeans(at, mean, np.sqrt(known_variance(variance, 0.0, largest)), df, method)

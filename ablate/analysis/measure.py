"""One contrast after another measured: an effect, its standard error, and the method that the data allows.

Effects are in percentage points. A contrast is a sum of rows' rates with weights that add up to zero. Each seed gives
one value of it, in which what all rows of the seed share cancels; the values are averaged by their precision.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ablate.analysis.spread import Spread
from ablate.analysis.stats import bonett_price, crossed, mcnemar, newcombe, pooled_z, wilson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

POOLED_T, SEPARATE_T, CROSSED = "pooled t", "separate t", "crossed"
BONETT_PRICE, PAIRED_Z = "bonett-price", "paired z"
NEWCOMBE, MOVER = "newcombe", "mover"
NO_METHOD = ""


@dataclass(frozen=True)
class Cells:
    """What rows have on one metric. `hits`: shape (rows, seeds), nan where missing; `n`: queries of each row.

    `queries`: {position of a seed: hit or not of each row and query, shape (rows, queries)}; `paired`: which rows
    those are known of, on the same queries. Both are empty where only totals are known.
    """

    hits: Floats
    n: Ints
    queries: Mapping[int, Bools] = field(default_factory=dict)
    paired: Mapping[int, Bools] = field(default_factory=dict)

    @cached_property
    def rates(self) -> Floats:
        """Percent, shape (rows, seeds)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rates: Floats = 100 * self.hits / self.n[:, None]
        return rates

    @cached_property
    def spread(self) -> Spread:
        """The spread between seeds over all rows."""
        known = self.n[self.n > 0]
        return Spread(self.rates, floor=(100 / float(known.min())) ** 2 / 12 if len(known) else 0.0)


@dataclass(frozen=True)
class Seedwise:
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


def seedwise(spread: Spread, values: Floats, precision: Floats, noisy: Bools) -> Seedwise:
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
    separate = noisy & (seeds > 1)
    own_df = np.maximum(seeds - 1, 1).astype(float)
    return Seedwise(
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


def t_test(effect: Floats, error: Floats, df: Floats) -> Floats:
    """Two-sided p of no effect; nan where there is no error. An infinite df is the normal law."""
    p: Floats = 2 * _below(-np.abs(effect) / error, df)
    return p


def t_equivalence(effect: Floats, error: Floats, df: Floats, delta: float) -> Floats:
    """p of an effect of `delta` or more on either side: the larger of two one-sided tests. Schuirmann 1987."""
    return _below((np.abs(effect) - delta) / error, df)


def t_interval(effect: Floats, error: Floats, df: Floats, confidence: float) -> tuple[Floats, Floats]:
    """The two-sided interval; nan where there is no error."""
    upper = (1 + confidence) / 2
    finite = special.stdtrit(np.where(np.isinf(df), 1.0, df), upper)
    half = np.where(np.isinf(df), special.ndtri(upper), finite) * error
    return effect - half, effect + half


def _below(t: Floats, df: Floats) -> Floats:
    finite = special.stdtr(np.where(np.isinf(df), 1.0, df), t)
    found: Floats = np.where(np.isinf(df), special.ndtr(t), finite)
    return found


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


OneSeed = PairedHits | PairedTotals | WeightedTotals


@dataclass(frozen=True)
class Measured:
    """Contrasts measured, arrays of shape (contrasts,). `one_seed`: parts that have their own test and interval."""

    effect: Floats
    seeds: Ints
    standard_error: Floats
    df: Floats
    own_error: Floats
    own_df: Floats
    methods: NDArray[Any]
    one_seed: Sequence[OneSeed] = ()

    @property
    def p(self) -> Floats:
        """p of no effect, not adjusted; nan where there is no result."""
        return self._overridden(t_test(self.effect, self.standard_error, self.df))

    def p_equivalence(self, delta: float) -> Floats:
        """p of an effect of `delta` pp or more; nan where one seed leaves the spread unknown."""
        return t_equivalence(self.effect, self.standard_error, self.df, delta)

    def interval(self, confidence: float) -> tuple[Floats, Floats]:
        low, high = t_interval(self.effect, self.standard_error, self.df, confidence)
        for part in self.one_seed:
            low[part.at], high[part.at] = part.interval(confidence)
        return low, high

    def own_interval(self, confidence: float) -> tuple[Floats, Floats]:
        """By each contrast's own seed-wise values; nan with fewer than two seeds."""
        return t_interval(self.effect, self.own_error, self.own_df, confidence)

    def _overridden(self, p: Floats) -> Floats:
        for part in self.one_seed:
            p[part.at] = part.p
        return p


def measure_pairs(cells: Cells, first: Ints, second: Ints, new_queries: bool = False) -> Measured:
    """Pairs of rows, `second` less `first`. `new_queries`: over other queries as well as over other seeds (E2)."""
    spread = cells.spread
    noisy = spread.noisy[first] | spread.noisy[second]
    values = pair_values(cells.rates, first, second)
    found = _measured(seedwise(spread, values, np.full(values.shape, PAIR_PRECISION), noisy), values)
    if new_queries:
        _cross(found, cells, values, lambda k: (np.array([first[k], second[k]]), np.array([-1.0, 1.0])))
    parts = [
        part
        for seed in range(values.shape[1])
        for part in _of_one_seed(
            cells, seed, np.flatnonzero((found.seeds == 1) & ~np.isnan(values[:, seed])), first, second
        )
    ]
    for part in parts:
        found.methods[part.at] = part.method
    return _with(found, parts)


def measure_combinations(cells: Cells, weights: Floats, new_queries: bool = False) -> Measured:
    """Contrasts given by weights, shape (seeds, contrasts, rows); nan in all rows where a seed cannot give one."""
    spread = cells.spread
    counted = np.nan_to_num(weights)
    rates = np.nan_to_num(cells.rates)
    values = np.einsum("skr,rs->ks", counted, rates)
    values[np.isnan(weights).any(axis=2).T] = np.nan
    with np.errstate(divide="ignore"):
        precision = 1 / np.sum(counted**2, axis=2).T
    noisy = (np.abs(counted) > 0).any(axis=0) @ spread.noisy.astype(int) > 0
    found = _measured(seedwise(spread, values, precision, noisy), values)
    if new_queries:
        _cross(found, cells, values, lambda k: _of_all_seeds(weights[:, k]))
    parts: list[OneSeed] = []
    for seed in range(values.shape[1]):
        at = np.flatnonzero((found.seeds == 1) & ~np.isnan(values[:, seed]))
        parts += _combined_of_one_seed(found, cells, seed, at, counted[seed])
    for part in parts:
        found.methods[part.at] = part.method
    return _with(found, parts)


def _measured(found: Seedwise, values: Floats) -> Measured:
    methods = np.where(found.seeds < 2, NO_METHOD, np.where(found.separate, SEPARATE_T, POOLED_T)).astype(object)
    return Measured(found.effect, found.seeds, found.standard_error, found.df, found.own_error, found.own_df, methods)


def _with(found: Measured, parts: Sequence[OneSeed]) -> Measured:
    return Measured(
        found.effect,
        found.seeds,
        found.standard_error,
        found.df,
        found.own_error,
        found.own_df,
        found.methods,
        [part for part in parts if len(part.at)],
    )


def _of_one_seed(cells: Cells, seed: int, at: Ints, first: Ints, second: Ints) -> list[OneSeed]:
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


def _combined_of_one_seed(found: Measured, cells: Cells, seed: int, at: Ints, weights: Floats) -> list[OneSeed]:
    """Combinations that one seed alone gives; those of two rows as pairs."""
    pairs = [k for k in at if sorted(weights[k][weights[k] != 0]) == [-1.0, 1.0]]
    first = np.zeros(len(weights), dtype=np.int64)
    second = np.zeros(len(weights), dtype=np.int64)
    for k in pairs:
        first[k], second[k] = int(np.argmin(weights[k])), int(np.argmax(weights[k]))
    parts = _of_one_seed(cells, seed, np.array(pairs, dtype=np.int64), first, second)
    rest = np.setdiff1d(at, pairs)
    known = cells.paired.get(seed, np.zeros(len(cells.n), dtype=bool))
    by_query = np.array([bool(known[weights[k] != 0].all()) for k in rest], dtype=bool)
    for k in rest[by_query] if len(rest) else ():
        scores = weights[k].astype(np.float32) @ cells.queries[seed].astype(np.float32)
        found.standard_error[k] = 100 * float(np.std(scores, ddof=1)) / np.sqrt(len(scores))
        found.df[k], found.methods[k] = np.inf, PAIRED_Z
    totals = rest[~by_query] if len(rest) else rest
    if len(totals):
        counted = np.flatnonzero(np.any(weights[totals] != 0, axis=0))
        parts.append(WeightedTotals(totals, weights[totals][:, counted], cells.hits[counted, seed], cells.n[counted]))
    return parts


def _cross(
    found: Measured, cells: Cells, values: Floats, weights_of: Callable[[int], tuple[Ints, Floats] | None]
) -> None:
    """Puts E2's error in the place of E1's where several seeds have it; where it cannot be had, E1's stays.

    `weights_of` gives the rows of a contrast and what they count, if that is the same for all seeds.
    """
    for k in np.flatnonzero(found.seeds > 1):
        seeds = [int(seed) for seed in np.flatnonzero(~np.isnan(values[k]))]
        weighted = weights_of(int(k))
        if weighted is None or not all(s in cells.paired and cells.paired[s][weighted[0]].all() for s in seeds):
            continue
        rows, weights = weighted
        scores = np.stack([weights @ cells.queries[seed][rows] for seed in seeds])
        _, error, df, positive = crossed(100 * scores)
        if positive:
            found.standard_error[k], found.df[k], found.methods[k] = error, df, CROSSED


def _of_all_seeds(weights: Floats) -> tuple[Ints, Floats] | None:
    """The rows that count in a contrast and their weights, shape (seeds, rows); None if seeds differ in them."""
    given = weights[~np.isnan(weights).any(axis=1)]
    if not len(given) or not np.all(given == given[0]):
        return None
    rows = np.flatnonzero(given[0])
    return rows, given[0][rows]

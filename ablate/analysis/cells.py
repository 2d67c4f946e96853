"""What rows have on one metric, as arrays: hits by row and seed, and of each query where those are known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.results import StudyResults
from ablate.analysis.spread import Spread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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


def cells(results: StudyResults, metric: str, hits: Mapping[str, NDArray[np.bool_]] | None = None) -> Cells:
    """The rows' hits on one metric as arrays, with the single queries' where `hits` has those."""
    seeds = {seed: at for at, seed in enumerate(results.seeds)}
    counts = np.full((len(results.rows), len(seeds)), np.nan)
    n = np.zeros(len(results.rows), dtype=np.int64)
    for at, row in enumerate(results.rows):
        found = row.metrics.get(metric)
        if found and found.n:
            counts[at, [seeds[seed] for seed in row.seeds]] = found.hits
            n[at] = found.n
    queries, paired = _by_query(results, hits or {})
    return Cells(counts, n, queries, paired)


def _by_query(
    results: StudyResults, hits: Mapping[str, NDArray[np.bool_]]
) -> tuple[dict[int, NDArray[np.bool_]], dict[int, NDArray[np.bool_]]]:
    """Hits of each query by seed, and of which rows: those on the data that most rows of the seed have."""
    queries, paired = {}, {}
    for position, seed in enumerate(results.seeds):
        known = {at: row.trials[seed] for at, row in enumerate(results.rows) if row.trials.get(seed) in hits}
        data = {at: (results.rows[at].environments[seed].get("data"), len(hits[key])) for at, key in known.items()}
        kinds = list(data.values())
        usual = max(dict.fromkeys(kinds), key=kinds.count, default=None)
        kept = [at for at in known if data[at] == usual]
        if usual is None or not kept:
            continue
        of_seed = np.zeros((len(results.rows), usual[1]), dtype=bool)
        of_seed[kept] = np.stack([hits[known[at]] for at in kept])
        queries[position] = of_seed
        paired[position] = np.isin(np.arange(len(results.rows)), kept)
    return queries, paired

"""What rows have on one metric, as arrays: hits by row and seed, and of each query where those are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.results import StudyResults

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Observations:
    """What rows have on one metric. `hits`: shape (rows, seeds), nan where missing; `n`: queries of each row.

    `queries`: {position of a seed: hit or not of each row and query, shape (rows, queries)}; `paired`: which rows
    those are known of, on the same queries. Both are empty where only totals are known. `training`: a number for each
    row, which rows share that are evaluations of the same trainings: their runs are no independent ones.
    """

    hits: Floats
    n: Ints
    queries: Mapping[int, Bools] = field(default_factory=dict)
    paired: Mapping[int, Bools] = field(default_factory=dict)
    training: Ints | None = None

    @cached_property
    def rates(self) -> Floats:
        """Percent, shape (rows, seeds)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rates: Floats = 100 * self.hits / self.n[:, None]
        return rates

    @cached_property
    def spread(self) -> VarianceModel:
        """The spread between seeds over all rows, of those that share trainings one."""
        known = self.n[self.n > 0]
        floor = (100 / float(known.min())) ** 2 / 12 if len(known) else 0.0
        return VarianceModel(self.rates[self._representatives], floor)

    @cached_property
    def groups(self) -> Ints:
        """Which rows share their trainings, as numbers from 0; shape (rows,)."""
        if self.training is None:
            return np.arange(len(self.n))
        return np.unique(self.training, return_inverse=True)[1].reshape(-1)

    @cached_property
    def noisy(self) -> Bools:
        """Rows whose trainings spread more than the others can explain, shape (rows,)."""
        return self.spread.noisy[self.groups]

    @cached_property
    def _representatives(self) -> Ints:
        """A row of each group, that with most seeds: so that every training counts once."""
        seeds = np.sum(~np.isnan(self.hits), axis=1)
        order = np.lexsort((np.arange(len(seeds)), -seeds, self.groups))
        first = np.unique(self.groups[order], return_index=True)[1]
        return order[first]


def cells(results: StudyResults, metric: str, hits: Mapping[str, NDArray[np.bool_]] | None = None) -> Observations:
    """The rows' hits on one metric as arrays, with the single queries' where `hits` has those."""
    known = {at: row.metrics[metric] for at, row in enumerate(results.rows) if metric in row.metrics}
    counts = _by_seed(results, {at: found.hits for at, found in known.items() if found.n})
    n = np.array([known[at].n if at in known else 0 for at in range(len(results.rows))], dtype=np.int64)
    queries, paired = _by_query(results, hits or {})
    return Observations(counts, n, queries, paired, _trainings(results))


def cells_of_precision(results: StudyResults, name: str) -> Observations:
    """The rows' mean precisions as if they were rates, hits being mean times queries: for their spread."""
    n = np.full(len(results.rows), results.queries or 0, dtype=np.int64)
    known = {at: row.precisions[name].values for at, row in enumerate(results.rows) if name in row.precisions}
    return Observations(_by_seed(results, known) * n[:, None], n, training=_trainings(results))


def _by_seed(results: StudyResults, values: Mapping[int, Sequence[float]]) -> Floats:
    """{position of a row: a value of each of its seeds} as shape (rows, seeds), nan where missing."""
    seeds = {seed: at for at, seed in enumerate(results.seeds)}
    found = np.full((len(results.rows), len(seeds)), np.nan)
    for at, of_row in values.items():
        found[at, [seeds[seed] for seed in results.rows[at].seeds]] = of_row
    return found


def _trainings(results: StudyResults) -> Ints:
    """A number for each row: the first row that it shares a training with."""
    first: dict[str, int] = {}
    found = np.arange(len(results.rows))
    for at, row in enumerate(results.rows):
        keys = [result.training for result in row.results.values()]
        found[at] = min([first[key] for key in keys if key in first], default=at)
        for key in keys:
            first.setdefault(key, int(found[at]))
    return found


def _by_query(
    results: StudyResults, hits: Mapping[str, NDArray[np.bool_]]
) -> tuple[dict[int, NDArray[np.bool_]], dict[int, NDArray[np.bool_]]]:
    """Hits of each query by seed, and of which rows: those on the data that most rows of the seed have."""
    queries, paired = {}, {}
    for position, seed in enumerate(results.seeds):
        of_rows = {at: row.results[seed] for at, row in enumerate(results.rows) if seed in row.results}
        known = {at: result.trial for at, result in of_rows.items() if result.trial in hits}
        data = {at: (of_rows[at].environment.get("data"), len(hits[key])) for at, key in known.items()}
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

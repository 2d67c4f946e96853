"""The results of all rows on one metric as arrays: values by row and seed, and those of each example if known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.estimation.row_spreads import RowSpread, RowSpreads, spread_of_runs, spread_of_summary
from ablate.analysis.estimation.variance_components import VarianceModel
from ablate.analysis.results import TESTED_ON, Clusters, RowResult, StudyResults, common
from ablate.analysis.stats.resolution import resolution_variance
from ablate.measurement import TEST, Kind, Metric, Scale
from ablate.store.examples import Examples
from ablate.study.plan.limits import of_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROUNDING = 1e-9
"""Values of a bounded metric that differ by less are equal."""


@dataclass(frozen=True)
class Observations:
    """The results of all rows on one metric.

    Values are in the metric's unit. On a log scale they are natural logarithms, and so are limits and constants.
    """

    values: Floats
    """The value of each run, shape (rows, seeds); nan if there is no result."""
    n: Ints
    """Number of examples of each row, shape (rows,); 0 if it is not known, or if a row has no result."""
    metric: Metric
    examples: Mapping[int, Examples] = field(default_factory=dict)
    """{position of a seed: the value of each row and example, shape (rows, examples)}; empty if they are not known."""
    paired: Mapping[int, Bools] = field(default_factory=dict)
    """{position of a seed: the rows whose examples are known and the same, shape (rows,)}; empty like `examples`."""
    clusters: Mapping[int, Clusters] = field(default_factory=dict)
    """{position of a seed: number of the cluster of each example, shape (examples,)}, for seeds whose examples are not
    independent."""
    tests: Mapping[int, str] = field(default_factory=dict)
    """{position of a seed: a text that is equal for seeds with the same examples}; empty like `examples`."""
    training: Ints | None = None
    """A number for each row, shape (rows,). Rows with one number are evaluations of the same trainings, so that their
    runs are not independent. None if every row has trainings of its own."""
    limits: Floats | None = None
    """The lowest and the highest value that the data leave each row, shape (2, rows). None: the metric's bounds."""
    trials: Ints | None = None
    """A number for the trial of each run, shape (rows, seeds), and below 0 if there is none. Runs with one number are
    one trial, so that a comparison of them shows nothing. None if every run is a trial of its own."""
    equal: Ints | None = None
    """A number for each row, shape (rows,). Rows with one number have equal results, which chance cannot explain. None
    if no two rows have."""
    likely: Ints | None = None
    """The same of rows with equal results that chance hardly explains."""
    alike: Ints | None = None
    """The same of rows with equal results in every seed that they share, be it by chance."""
    spreads: RowSpreads | None = None
    """The spread of each row's own runs, if the rows are not paired by seed. `values` are then the means of the rows,
    shape (rows, 1). None if they are paired."""

    def cannot_differ(self, first: Ints, second: Ints) -> Bools:
        """Return True for runs of pairs of rows that show no difference whatever the factors do, (pairs, seeds).

        They are one trial, or their rows have equal results to the last bit.
        """
        cannot = np.zeros((len(first), self.values.shape[1]), dtype=bool)
        if self.trials is not None:
            cannot |= (self.trials[first] == self.trials[second]) & (self.trials[first] >= 0)
        if self.equal is not None:
            cannot |= (self.equal[first] == self.equal[second])[:, None]
        return cannot

    def are_alike(self, first: Ints, second: Ints) -> Bools:
        """Return True for pairs of rows with equal results in every seed, which show no absence of an effect."""
        if self.alike is None:
            return np.zeros(len(first), dtype=bool)
        are_alike: Bools = self.alike[first] == self.alike[second]
        return are_alike

    @property
    def successes(self) -> Floats:
        """For a proportion: the number of examples for which it holds, shape (rows, seeds)."""
        counts: Floats = np.rint(self.values * self.n[:, None])
        return counts

    @cached_property
    def is_proportion(self) -> bool:
        """True if values are shares of examples that are compared by their difference, and examples are 0 or 1."""
        return (
            self.metric.kind is Kind.PROPORTION
            and self.metric.scale is Scale.LINEAR
            and all(bool(np.all((values == 0) | (values == 1))) for values in self.examples.values())
        )

    @cached_property
    def resolution(self) -> float:
        """The smallest difference between two values of a proportion, 1/n; 0 if it is not known, as of other metrics.

        On a log scale it is divided by the mean value, as a small difference of logarithms is.
        """
        counts, values = self.n[self.n > 0], self.values[~np.isnan(self.values)]
        if self.metric.kind is not Kind.PROPORTION or not len(counts) or not len(values):
            return 0.0
        share = 1 / float(counts.min())
        return share / float(np.exp(values.mean())) if self.metric.scale is Scale.LOG else share

    @cached_property
    def variance_model(self) -> VarianceModel:
        """The spread between seeds over all rows; rows whose runs are not independent count as one row.

        Rows at an end of the scale in every run have no room to spread, so they say nothing about the other rows.
        """
        chosen = self._representatives
        return VarianceModel(
            _with_room(self.values[chosen], self.ends[:, chosen]), resolution_variance(self.resolution)
        )

    @cached_property
    def constant(self) -> Floats:
        """The value of rows whose results show nothing, shape (rows,); nan for the others.

        The data fix it, or every result of the study is the same and at an end of the scale. Results that could not
        differ, or that are all at one end, look as if they were precise.
        """
        if self.shared_end is not None:
            return np.where(np.isnan(self.values).all(axis=1), np.nan, self.shared_end)
        low, high = self.ends
        return np.where(high - low < ROUNDING, high, np.nan)

    @cached_property
    def shared_end(self) -> float | None:
        """The value of every result, if it is the same and an end of each row's scale; otherwise None."""
        has_result = ~np.isnan(self.values)
        if not has_result.any():
            return None
        value = float(self.values[has_result][0])
        if np.any(np.abs(self.values[has_result] - value) > ROUNDING):
            return None
        at_end = np.any(np.abs(self.ends[:, has_result.any(axis=1)] - value) <= ROUNDING, axis=0)
        return value if at_end.all() else None

    @cached_property
    def ends(self) -> Floats:
        """The lowest and the highest value of each row, shape (2, rows)."""
        bounds = compared(np.array(self.metric.bounds, dtype=float), self.metric)
        return np.repeat(bounds[:, None], len(self.n), axis=1) if self.limits is None else self.limits

    @cached_property
    def groups(self) -> Ints:
        """A number from 0 for each row, shape (rows,), that is the same for rows whose runs are not independent.

        They share their trainings, or have equal results that chance hardly explains.
        """
        numbers = np.arange(len(self.n)) if self.training is None else self.training.copy()
        for equal in (self.equal, self.likely):
            for number in np.unique(equal) if equal is not None else ():
                joined = np.unique(numbers[equal == number])
                numbers[np.isin(numbers, joined)] = joined[0]
        return np.unique(numbers, return_inverse=True)[1].reshape(-1)

    @cached_property
    def noisy(self) -> Bools:
        """True for rows whose trainings spread more than the others can explain, shape (rows,)."""
        return self.variance_model.noisy[self.groups]

    @cached_property
    def _representatives(self) -> Ints:
        """The row with most seeds of each group, so that every training, and every result, counts once."""
        seeds = np.sum(~np.isnan(self.values), axis=1)
        order = np.lexsort((np.arange(len(seeds)), -seeds, self.groups))
        first = np.unique(self.groups[order], return_index=True)[1]
        return order[first]


def _with_room(values: Floats, ends: Floats) -> Floats:
    """Return values, shape (rows, seeds), without the rows that are at one of their ends, (2, rows), in every run.

    All rows stay if fewer than two others have several runs.
    """
    several = np.sum(~np.isnan(values), axis=1) > 1
    at_end = (np.abs(values - ends[:, :, None]) <= ROUNDING) | np.isnan(values)
    stuck = several & at_end.all(axis=2).any(axis=0)
    return np.where(stuck[:, None], np.nan, values) if np.sum(several & ~stuck) > 1 else values


def compared(values: Floats, metric: Metric) -> Floats:
    """Return values as they are compared: as they are, or their logarithms; nan for the logarithm of none."""
    if metric.scale is Scale.LINEAR:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms: Floats = np.where(values >= 0, np.log(np.maximum(values, 0.0)), -np.inf)
    return logarithms


def observations_of(
    results: StudyResults, metric: Metric, examples: Mapping[str, Examples] | None = None
) -> Observations:
    """Return the rows' values of a metric as arrays; a row with values that cannot be has none.

    `examples`: {trial key: value of each example}, if known. Values that are no finite numbers are left out.
    """
    if results.unpaired:
        numbered = _numbered(results)
        return _means_of_rows(_by_row_and_seed(numbered, metric, examples), numbered)
    return _by_row_and_seed(results, metric, examples)


def _numbered(results: StudyResults) -> StudyResults:
    """Return the results with the runs of each row numbered from 0, as their seeds mean nothing."""
    rows = tuple(replace(row, results=dict(enumerate(row.results.values()))) for row in results.rows)
    return replace(results, rows=rows)


def _means_of_rows(runs: Observations, results: StudyResults) -> Observations:
    """Return the rows' means with the spread of their own runs. Examples stay only if every row has one run."""
    floor = resolution_variance(runs.resolution)
    spreads = RowSpreads.of([row_spread(row, runs.metric, results, floor) for row in results.rows])
    number = np.sum(~np.isnan(runs.values), axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        means = np.where(number > 0, np.nansum(runs.values, axis=1, keepdims=True) / np.maximum(number, 1), np.nan)
    trials = None if runs.trials is None else runs.trials[:, :1]
    one_column = replace(runs, values=means, spreads=spreads, trials=trials)
    if runs.values.shape[1] == 1:
        return one_column
    return replace(one_column, examples={}, paired={}, clusters={}, tests={})


def row_spread(row: RowResult, metric: Metric, results: StudyResults, floor: float) -> RowSpread:
    """Return the spread of a row's own runs, as values are compared, from its runs or from their summary.

    `floor`: as in `spread_of_runs`.
    """
    values = np.array([one.value(metric.name) for one in row.results.values()], dtype=float)
    finite = np.isfinite(values)
    summary = results.summary(row, metric.name)
    if summary is not None and finite.any():
        return spread_of_summary(summary, float(values[finite][0]), metric, floor)
    of_runs = compared(values, metric)
    return spread_of_runs(of_runs[np.isfinite(of_runs)], floor)


def _by_row_and_seed(results: StudyResults, metric: Metric, examples: Mapping[str, Examples] | None) -> Observations:
    possible = {at: row for at, row in enumerate(results.rows) if not row.impossible}
    of_seeds = {at: [one.value(metric.name) for one in row.results.values()] for at, row in possible.items()}
    values = compared(_by_seed(results, of_seeds), metric)
    values[~np.isfinite(values)] = np.nan
    n = np.zeros(len(results.rows), dtype=np.int64)
    n[list(possible)] = [_common_n(row, metric.name) for row in possible.values()]
    tested = _by_example(results, {} if metric.scale is Scale.LOG else examples or {})
    values[:, [seed in results.equal.repeated_seeds for seed in results.seeds]] = np.nan
    return Observations(
        values,
        n,
        metric,
        {seed: one.examples for seed, one in tested.items()},
        {seed: one.paired for seed, one in tested.items()},
        {seed: one.clusters for seed, one in tested.items() if one.clusters is not None},
        {seed: one.test for seed, one in tested.items()},
        trainings_shared(results.rows),
        _limits(results, metric),
        _trials(results),
        _joined(results, results.equal.rows),
        _joined(results, results.equal.likely_rows),
        _joined(results, results.equal.alike_rows),
    )


def _common_n(row: RowResult, metric: str) -> int:
    """Return the number of examples of a row's values; 0 if it is not known, or if seeds differ in it."""
    return common(one.values[metric].n for one in row.results.values() if metric in one.values) or 0


def _by_seed(results: StudyResults, values: Mapping[int, Sequence[float]]) -> Floats:
    """Turn {position of a row: a value for each of its seeds} into an array, shape (rows, seeds); nan if missing."""
    seeds = {seed: at for at, seed in enumerate(results.seeds)}
    table = np.full((len(results.rows), len(seeds)), np.nan)
    for at, of_row in values.items():
        table[at, [seeds[seed] for seed in results.rows[at].seeds]] = of_row
    return table


def trainings_shared(rows: Sequence[RowResult]) -> Ints:
    """Return a number for each row: the position of the first row that it shares a training with."""
    first: dict[str, int] = {}
    numbers = np.arange(len(rows))
    for at, row in enumerate(rows):
        keys = [result.training for result in row.results.values()]
        numbers[at] = min([first[key] for key in keys if key in first], default=at)
        for key in keys:
            first.setdefault(key, int(numbers[at]))
    return numbers


def _limits(results: StudyResults, metric: Metric) -> Floats:
    """Return the lowest and the highest value that the data leave each row, shape (2, rows)."""
    limits = of_rows(results.document.limits, [row.label for row in results.rows], TEST)
    ends = [metric.bounds if one is None else one.ranges.get(metric.name, metric.bounds) for one in limits]
    return compared(np.array(ends, dtype=float).reshape(-1, 2).T, metric)


def _trials(results: StudyResults) -> Ints | None:
    """Return `Observations.trials`."""
    if results.imported and not results.document.declared:
        return None
    numbers: dict[str, int] = {}
    found = np.full((len(results.rows), len(results.seeds)), -1, dtype=np.int64)
    for at, row in enumerate(results.rows):
        for position, seed in enumerate(results.seeds):
            if seed in row.results:
                found[at, position] = numbers.setdefault(row.results[seed].trial, len(numbers))
    return found


def _joined(results: StudyResults, groups: Sequence[Sequence[str]]) -> Ints | None:
    """Return a number for each row that is the same for the rows of a group; None without a group."""
    if not groups:
        return None
    group = {label: at for at, labels in enumerate(groups) for label in labels}
    alone = len(groups)
    return np.array([group.get(row.label, alone + at) for at, row in enumerate(results.rows)], dtype=np.int64)


@dataclass(frozen=True)
class _SeedExamples:
    """The examples of one seed, of the rows that were tested on the same ones; the fields are as in `Observations`."""

    examples: Examples
    paired: Bools
    clusters: Clusters | None
    test: str


def _by_example(results: StudyResults, examples: Mapping[str, Examples]) -> dict[int, _SeedExamples]:
    """Return {position of a seed: its examples}.

    The rows of a seed that were tested on other examples than most rows of the seed are left out.
    """
    by_seed = {}
    for position, seed in enumerate(results.seeds):
        rows = ((at, row) for at, row in enumerate(results.rows) if not row.impossible)
        of_rows = {at: row.results[seed] for at, row in rows if seed in row.results}
        trials = {at: result.trial for at, result in of_rows.items() if result.trial in examples}
        data = {at: (of_rows[at].environment.get(TESTED_ON), len(examples[key])) for at, key in trials.items()}
        kinds = list(data.values())
        usual = max(dict.fromkeys(kinds), key=kinds.count, default=None)
        kept = [at for at in trials if data[at] == usual and np.isfinite(examples[trials[at]]).all()]
        if usual is None or not kept:
            continue
        of_seed = np.zeros((len(results.rows), usual[1]), dtype=np.float32)
        of_seed[kept] = np.stack([examples[trials[at]] for at in kept])
        paired = np.isin(np.arange(len(results.rows)), kept)
        clusters = results.clusters.get(trials[kept[0]])
        by_seed[position] = _SeedExamples(of_seed, paired, clusters, f"{usual[0]}, {usual[1]}")
    return by_seed

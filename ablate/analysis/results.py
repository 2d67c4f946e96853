"""The results of a study as values, from which every table, figure and contrast is made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import isfinite, isnan, nan
from statistics import fmean, geometric_mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate import text
from ablate.analysis.looks.history import Look
from ablate.analysis.untested import EQUAL_RESULTS, NOT_READ, Untested, unread_reasons
from ablate.measurement import Metric, Scale
from ablate.store.examples import Examples
from ablate.store.plan_document import DataIdentity, PlanDocument, Summary
from ablate.store.results import StoredValue
from ablate.study.config_keys import overlaps
from ablate.study.model import Family
from ablate.study.wiring.compared import is_of_machine
from ablate.study.wiring.outcomes import EqualResults
from ablate.study.wiring.repeats import Repeat, repeat_sentences
from ablate.study.wiring.words import NamedStudy, equality_sentences, seeds_text
from ablate.trainers.registry import TRAINERS

MOST_NAMED = 4
ROUNDING = 1e-9
"""Values that differ by less do not contradict each other."""
TESTED_ON = "test examples"
"""The circumstance that two rows were tested on different examples. No factor declares it: a factor may set the data,
but a difference between tests on different examples is never its effect alone."""
Clusters = NDArray[np.int64]
"""A number from 0 for each example, shape (n,): those of one cluster are not independent."""


@dataclass(frozen=True)
class RowValues:
    """The values of one row on one metric."""

    values: Sequence[float]
    """The value of each seed in the metric's unit, parallel to the row's `seeds`; nan if it is not a number."""
    n: int | None
    """Number of examples that each value is the mean over; None if it is not known, or if seeds differ in it."""
    scale: Scale = Scale.LINEAR

    @property
    def mean(self) -> float:
        """The mean over the seeds; on a log scale the geometric mean. nan if some value is not a finite number."""
        if not all(map(isfinite, self.values)):
            return nan
        if self.scale is Scale.LINEAR:
            return fmean(self.values)
        return geometric_mean(self.values) if min(self.values) > 0 else nan


@dataclass(frozen=True)
class SeedResult:
    """The result of one row with one seed, on the test split."""

    trial: str
    """The key of the trial."""
    training: str
    """The key of its training. Rows that differ in the evaluation only share it."""
    values: Mapping[str, StoredValue]
    """{metric: value}, for those that were recorded."""
    costs: Mapping[str, StoredValue] = field(default_factory=dict)
    """{cost: value}, those that were recorded of its training."""
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    """{word: number} of what the test split has, in the trainer's words."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """{name: value} of everything recorded of the run that may differ between runs: versions, devices, hashes of data
    and code, and the changes below."""
    data: str | None = None
    """The fingerprint of the data; None if there is none."""
    changes: tuple[str, ...] = ()
    """If the result was kept although it is stale: the changes since it was made, each as `key: old -> new`."""

    def value(self, metric: str) -> float:
        """Return the value of a metric; nan if there is none."""
        return self.values[metric].value if metric in self.values else nan


@dataclass(frozen=True)
class RowTest:
    """The test of a row."""

    sizes: tuple[tuple[str, int | None], ...]
    """(word, number) of what the test split has, in the trainer's words; empty if it is not known."""
    data: str | None
    """The fingerprint of the data; None if there is none."""


@dataclass(frozen=True)
class RowResult:
    """A row of a study with the results of its seeds."""

    number: int
    """Position in the study, from 1."""
    label: str
    title: str | None
    levels: Mapping[str, Any]
    """{factor: level}, as reports name the level."""
    lines: Sequence[tuple[str, str]] | None
    """The (key, value) lines of an imported row; None for a row that was run."""
    results: Mapping[int, SeedResult]
    """{seed: result} of the seeds that have one, in the order in which all lists over seeds go."""
    failed: tuple[int, ...] = ()
    """Seeds without a result whose last attempt failed."""
    missing: tuple[int, ...] = ()
    """Seeds without a result, those that failed or diverged included."""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    """{name: metric} of the study."""
    diverged: tuple[int, ...] = ()
    """Seeds without a result whose training diverged."""
    reasons: Mapping[int, str] = field(default_factory=dict)
    """{seed: why it failed or diverged}, as far as it is known."""

    @property
    def tests(self) -> list["RowTest"]:
        """The tests of the row's results, each once; more than one if stale results of other data were kept."""
        return list(dict.fromkeys(RowTest(tuple(one.sizes.items()), one.data) for one in self.results.values()))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that have a result."""
        return tuple(self.results)

    @property
    def trials(self) -> dict[int, str]:
        """{seed: trial key} of the seeds that have a result."""
        return {seed: result.trial for seed, result in self.results.items()}

    @cached_property
    def values(self) -> dict[str, RowValues]:
        """{metric: values} for the metrics that all seeds have, in the order of the study's metrics.

        A mean over some seeds only could not be compared with means over all.
        """
        results = list(self.results.values())
        return {
            name: _row_values([one.values[name] for one in results], metric.scale)
            for name, metric in self.metrics.items()
            if results and all(name in one.values for one in results)
        }

    def has_value(self, seed: int, metric: str) -> bool:
        """Return True if a seed has a value of the metric that is a finite number."""
        return seed in self.results and isfinite(self.results[seed].value(metric))

    @cached_property
    def impossible(self) -> str:
        """Values that contradict each other, or a metric's bounds; empty if they are possible.

        `top-5 0.923 is below top-1 0.951, and it never can be`. A row with such values has no verdict.
        """
        return next((fault for one in self.results.values() if (fault := _fault(one.values, self.metrics))), "")


def _row_values(values: Sequence[StoredValue], scale: Scale) -> RowValues:
    return RowValues([one.value for one in values], common(one.n for one in values), scale)


def common(counts: Iterable[int | None]) -> int | None:
    """Return the number that all have; None if they differ, or if there is none."""
    different = set(counts)
    return different.pop() if len(different) == 1 else None


def _fault(values: Mapping[str, StoredValue], metrics: Mapping[str, Metric]) -> str:
    """Return why the values of one seed cannot be; empty if they can."""
    for name, metric in metrics.items():
        if name not in values:
            continue
        value, (low, high) = values[name].value, metric.bounds
        if value < low - ROUNDING or value > high + ROUNDING:
            return f"{metric.title} {value:.6g} is not between {low:g} and {high:g}"
        if metric.scale is Scale.LOG and value <= 0:
            return f"{metric.title} {value:.6g} is not positive, as values on a log scale are"
        more = values.get(metric.at_most)
        if more is not None and more.value < value - ROUNDING:
            title = metrics[metric.at_most].title
            return f"{title} {more.value:.6g} is below {metric.title} {value:.6g}, and it never can be"
    return ""


@dataclass(frozen=True)
class StudyResults:
    """A study's stored plan with its results on the test split."""

    study: str
    profile: str
    imported: bool
    """True for a study that was imported from a log."""
    document: PlanDocument
    rows: tuple[RowResult, ...]
    references: tuple[RowResult, ...]
    """Lines that are printed next to the rows and compared with none."""
    sizes: Mapping[str, int | None]
    """{word: number} of what the test split has, in the trainer's words; None if rows differ in it. Empty without a
    result."""
    examples: Mapping[str, Mapping[str, Examples]] = field(default_factory=dict)
    """{metric: {trial key: value of each example}}, for trials that are compared example by example."""
    clusters: Mapping[str, Clusters] = field(default_factory=dict)
    """{trial key: number of the cluster of each example}, for trials whose examples are not independent."""
    about: str = ""
    """The metric that the analysis is about; empty for the primary one."""
    looks: tuple[Look, ...] = ()
    """The looks of the current family."""
    ended: tuple[str, ...] = ()
    """The reason why each earlier family ended."""
    equal: EqualResults = field(default_factory=EqualResults)
    """The rows and seeds with results that are equal to the last bit though their trainings differ."""
    repeats: Mapping[str, Repeat] = field(default_factory=dict)
    """{trial key: difference} of trials that were trained again with another result."""

    @property
    def unpaired(self) -> str:
        """Why the runs of the rows are not paired by seed, in words; empty if they are."""
        return self.document.unpaired or ("only the means of rows are known" if self.document.summaries else "")

    @property
    def heading(self) -> str:
        """The study, its profile, and the options that changed the file, as a title."""
        overrides = ", ".join(self.document.overrides)
        return f"{self.study} ({self.profile}{', with ' + overrides if overrides else ''})"

    @property
    def primary(self) -> str:
        """The metric that verdicts are about."""
        return self.document.primary

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """{name: metric} of the study, in the order of declaration.

        The metric that the analysis is about has enough printed decimals to read a tenth of delta. Only the primary
        metric has a delta. For another one, a hundredth of the range of the rows' means can be read.
        """
        about = self.about or self.document.primary
        return {
            metric.name: metric.to_a_tenth_of(self._readable(metric)) if metric.name == about else metric
            for metric in self.document.metrics
        }

    def _readable(self, metric: Metric) -> float:
        """Return the printed difference of which a tenth can be read; 0 if it is not known."""
        if self.is_primary:
            return self.document.delta
        of_rows = [row.values[metric.name].mean for row in self.rows if metric.name in row.values]
        means = [mean for mean in of_rows if isfinite(mean)]
        return (max(means) - min(means)) * metric.display.factor / 10 if means else 0.0

    @property
    def metric(self) -> Metric:
        """The metric that the analysis is about."""
        return self.metrics[self.about or self.primary]

    @property
    def n(self) -> int | None:
        """Number of examples of the metric; None if it is not known, or if rows differ in it."""
        rows = (*self.rows, *self.references)
        name = self.metric.name
        return common(row.values[name].n for row in rows if name in row.values)

    @property
    def is_primary(self) -> bool:
        """True if the analysis is about the primary metric, of which verdicts are."""
        return self.about in ("", self.primary)

    @property
    def measured(self) -> list[Metric]:
        """The metrics of the study that some row or reference has."""
        rows = (*self.rows, *self.references)
        return [metric for name, metric in self.metrics.items() if any(name in row.values for row in rows)]

    @property
    def alpha(self) -> float:
        """The error rate of the study's claims, from 0 to 1."""
        return float(self.document.alpha)

    @property
    def delta(self) -> float:
        """The smallest effect worth acting on, in the metric's unit; nan for a metric that is not the primary one."""
        return self.metric.difference(self.document.delta) if self.is_primary else nan

    @property
    def family(self) -> Family:
        """The contrasts that share the study's error rate."""
        return self.document.family

    @property
    def schedule(self) -> tuple[int, ...]:
        """The numbers of seeds at which looks are planned; empty for a study with a fixed number of seeds.

        Looks are about the primary metric, so there are none for another one.
        """
        return self.document.looks if self.is_primary else ()

    @property
    def baseline(self) -> RowResult:
        """The row with every factor at its baseline; if there is none, the first row."""
        return next((row for row in self.rows if self._is_baseline(row)), self.rows[0])

    @property
    def has_baseline(self) -> bool:
        """True if a row has every factor at its baseline."""
        return any(self._is_baseline(row) for row in self.rows)

    def _is_baseline(self, row: RowResult) -> bool:
        return dict(row.levels) == {factor.name: factor.baseline for factor in self.document.factors}

    @property
    def steps(self) -> list[tuple[RowResult, RowResult]]:
        """Each row that builds on another one, after that row; empty for a design whose rows have no order."""
        if self.document.steps is None:
            return list(pairwise(self.rows))
        by_label = {row.label: row for row in self.rows}
        return [(by_label[above], by_label[row]) for above, row in self.document.steps if {above, row} <= set(by_label)]

    @property
    def factors(self) -> list[str]:
        """The names of the factors."""
        return [factor.name for factor in self.document.factors]

    @cached_property
    def rows_by_test(self) -> dict[tuple[RowTest, ...], list[RowResult]]:
        """{tests: the rows and references with a result that have them}, in the order of the rows."""
        groups: dict[tuple[RowTest, ...], list[RowResult]] = {}
        for row in (*self.rows, *self.references):
            if row.results:
                groups.setdefault(tuple(row.tests), []).append(row)
        return groups

    @property
    def common_data(self) -> DataIdentity | None:
        """The data of the plan, without what is not the same for all rows."""
        planned = self.document.data
        contents = {test.data for tests in self.rows_by_test for test in tests}
        if planned is None or len(contents) < 2:
            return planned
        trainer = TRAINERS.get(self.document.trainer)
        key = trainer.data_name_key if trainer else None
        varies = (
            any(overlaps(key, other) for factor in self.document.factors for other in factor.sets) if key else False
        )
        return DataIdentity(None if varies else planned.name, None)

    @property
    def same_examples(self) -> bool:
        """True if all rows were tested on the same examples, as far as they have results."""
        return len({one.environment.get(TESTED_ON) for row in self.rows for one in row.results.values()}) < 2

    @cached_property
    def seeds(self) -> list[int]:
        """Every seed with which some row has a result."""
        return sorted({seed for row in self.rows for seed in row.seeds})

    def different_seeds(self, row: RowResult) -> int:
        """Return the number of seeds of a row, without those that repeat another to the last bit."""
        return len(set(row.seeds) - self.equal.repeated_seeds)

    def summary(self, row: RowResult, metric: str) -> Summary | None:
        """Return the spread of a row's runs if only their mean is known; None if the runs themselves are.

        If some rows are known by their means, a single value without a spread is a mean too.
        """
        is_mean = bool(self.document.summaries) and len(row.results) == 1
        return self.document.summaries.get(row.label, {}).get(metric, Summary() if is_mean else None)

    def runs(self, row: RowResult) -> int | None:
        """Return the number of runs that a row's mean on the metric is of; None if it is not known."""
        summary = self.summary(row, self.metric.name)
        return self.different_seeds(row) if summary is None else summary.seeds

    @property
    def findings(self) -> list[str]:
        """Sentences about contradictions in an imported log, and about results that cannot be, diverged, cannot be
        used, are stale, are equal, or were others before."""
        return [*self.document.findings, *self.doubtful, *self.wiring]

    @property
    def doubtful(self) -> list[str]:
        """Sentences about results that cannot be, diverged, cannot be used, and were kept although stale."""
        return [*self.impossible, *self.diverged, *self.unusable, *self.kept_although_stale]

    @property
    def impossible(self) -> list[str]:
        """A sentence for each row whose values cannot be."""
        return [
            f"row {row.number} ({row.label}): {row.impossible}; these values cannot be, and the row gets no verdict "
            "until they are corrected"
            for row in (*self.rows, *self.references)
            if row.impossible
        ]

    @property
    def diverged(self) -> list[str]:
        """A sentence for each row with seeds that diverged: the effects of the row leave them out."""
        return [
            f"row {row.number} ({row.label}): {_diverged(row)}"
            for row in (*self.rows, *self.references)
            if row.diverged
        ]

    @property
    def unusable(self) -> list[str]:
        """A sentence for each reason why results have no value of the metric that can be used."""
        seeds_by_reason: dict[str, dict[str, list[int]]] = {}
        runs = [(row, seed, one) for row in (*self.rows, *self.references) for seed, one in row.results.items()]
        for row, seed, result in runs:
            if not isfinite(result.value(self.metric.name)):
                reason = _why_unusable(self.metric, result)
                seeds_by_reason.setdefault(reason, {}).setdefault(row.label, []).append(seed)
        if runs and all(self.metric.name not in one.values for _, _, one in runs):
            why = "the trainer does not report this metric, or not on the machine of these runs"
            return [f"no run has a value of {self.metric.title}: {why}"]
        return [f"{_named(seeds)}: {reason}, so it is left out" for reason, seeds in seeds_by_reason.items()]

    @property
    def wiring(self) -> list[str]:
        """Sentences about equal results that chance hardly explains, and trials with other results than before."""
        names = {row.label: f"{row.number} ({row.label})" for row in self.rows}
        keys = {factor.name: factor.sets for factor in self.document.factors}
        levels = {row.label: row.levels for row in self.rows}
        values = {row.label: {seed: row.results[seed].value(self.primary) for seed in row.seeds} for row in self.rows}
        compared = [metric.title for metric in self.measured if not is_of_machine(metric)]
        study = NamedStudy(names, levels, keys, self.document.trainer, compared, self.primary, values)
        equal = [text for _, text in equality_sentences(self.equal, study)]
        return [*equal, *repeat_sentences(self._repeats_by_name)]

    @property
    def _repeats_by_name(self) -> dict[str, Repeat]:
        names = {
            one.trial: f"row {row.number} ({row.label}), seed {seed}"
            for row in (*self.references, *self.rows)
            for seed, one in row.results.items()
        }
        return {name: self.repeats[key] for key, name in names.items() if key in self.repeats}

    def untested(self, before: RowResult, after: RowResult, factors: Sequence[str]) -> Untested | None:
        """Return why the results of two rows, which differ in `factors`, cannot show an effect; None if they can."""
        if self.imported and not self.document.declared:
            return None
        common = set(before.seeds) & set(after.seeds)
        if common and all(before.results[seed].trial == after.results[seed].trial for seed in common):
            labels = {before.label, after.label}
            return Untested(NOT_READ, unread_reasons(self.document.unread, factors, labels))
        return Untested(EQUAL_RESULTS) if self.equal.have(before.label, after.label) else None

    @property
    def kept_although_stale(self) -> list[str]:
        """A sentence for each reason: `row plain, seeds 0–2: results kept although stale: schedule.lr: 0.1 -> 0.2`."""
        seeds_by_reason: dict[tuple[str, ...], dict[str, list[int]]] = {}
        for row in (*self.rows, *self.references):
            for seed, result in row.results.items():
                if result.changes:
                    seeds_by_reason.setdefault(result.changes, {}).setdefault(row.label, []).append(seed)
        return [
            f"{_named(seeds)}: results kept although stale: {'; '.join(reason)}"
            for reason, seeds in seeds_by_reason.items()
        ]

    @cached_property
    def bundles(self) -> Mapping[str, tuple[str, ...]]:
        """{factor: its keys} of factors that stand for several keys, which always vary together."""
        return {factor.name: factor.bundle for factor in self.document.factors if factor.bundle}

    def sets(self, factor: str) -> list[str]:
        """Return the config keys that a factor sets; empty for a factor of an imported log."""
        return next(list(stored.sets) for stored in self.document.factors if stored.name == factor)


def _diverged(row: RowResult) -> str:
    """Return `2 of 5 seeds diverged`, and the seeds from which the row's effects come."""
    planned = len(row.seeds) + len(row.missing)
    counted = f"{len(row.diverged)} of {text.plural(planned, 'seed')} diverged"
    if not row.seeds:
        return f"{counted}, and no other has a result, so the row has no effects"
    others = f"the {len(row.seeds)} seeds that did not" if len(row.seeds) > 1 else "the one seed that did not"
    return f"{counted}; effects of this row come from {others}, which favours it"


def _why_unusable(metric: Metric, result: SeedResult) -> str:
    if metric.name not in result.values:
        return f"{metric.title} was not reported"
    return f"{metric.title} is {'not a number' if isnan(result.value(metric.name)) else 'infinite'}"


def _named(seeds_of: Mapping[str, Sequence[int]]) -> str:
    """Return text like `row plain, seeds 0–2`. Of many rows, it lists the first ones and the number of the others."""
    listed = [f"row {label}, {seeds_text(seeds)}" for label, seeds in list(seeds_of.items())[:MOST_NAMED]]
    more = len(seeds_of) - len(listed)
    return "; ".join(listed) + (f"; and {more} more row{'s' if more > 1 else ''}" if more else "")

"""The results of a study as values, from which every table, figure and contrast is made."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.looks.history import Look
from ablate.analysis.stats.proportions import wilson
from ablate.analysis.untested import EQUAL_RESULTS, NOT_READ, EqualResults, Untested, unread_reasons
from ablate.store.plan_document import DataIdentity, PlanDocument
from ablate.store.results import StoredValue
from ablate.study.config_keys import overlaps
from ablate.study.model import Family
from ablate.trainers.registry import TRAINERS

MOST_NAMED = 4
TESTED_ON = "test examples"
"""The circumstance that two rows were tested on different examples. No factor declares it: a factor may set the data,
but a difference between tests on different examples is never its effect alone."""
KS = {"top1": 1, "top5": 5, "top10": 10}
PRECISIONS = ("map", "map_at_r")
TOP = re.compile(r"top(\d+)")


@dataclass(frozen=True)
class RowRates:
    """A hit rate of one row."""

    hits: Sequence[int]
    """Number of hits of each seed, parallel to the row's `seeds`."""
    n: int
    """Number of queries, the same for each seed."""
    confidence: float
    """Confidence of the interval, from 0 to 1."""

    @property
    def values(self) -> list[float]:
        """The rate of each seed, in [0, 1]."""
        return [count / self.n for count in self.hits]

    @property
    def mean(self) -> float:
        """The mean rate over the seeds, in [0, 1]."""
        return fmean(self.values)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the mean rate over the n queries. More seeds do not narrow it."""
        low, high = wilson(fmean(self.hits), self.n, self.confidence)
        return float(low), float(high)


@dataclass(frozen=True)
class MeanPrecision:
    """The mAP or mAP@R of one row."""

    values: Sequence[float]
    """The mean over all queries of each seed, in [0, 1], parallel to the row's `seeds`."""

    @property
    def mean(self) -> float:
        """The mean over the seeds, in [0, 1]."""
        return fmean(self.values)


@dataclass(frozen=True)
class SeedResult:
    """The result of one row with one seed, on the test split."""

    trial: str
    """The key of the trial."""
    training: str
    """The key of its training. Rows that differ in the evaluation only share it."""
    values: Mapping[str, StoredValue]
    """{metric: value}, for those that were recorded."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """{word: number} of what the test split has, in the trainer's words."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """{name: value} of everything recorded of the run that may differ between runs: versions, devices, hashes of data
    and code, and the changes below."""
    data: str | None = None
    """The fingerprint of the data; None if there is none."""
    changes: tuple[str, ...] = ()
    """If the result was kept although it is stale: the changes since it was made, each as `key: old -> new`."""

    @property
    def queries(self) -> int:
        """Number of queries; 0 if unknown."""
        return self.sizes.get("queries", 0)

    @property
    def gallery(self) -> int | None:
        """Number of gallery items; None if unknown."""
        return self.sizes.get("gallery")

    @cached_property
    def hits(self) -> Mapping[int, int]:
        """{k: number of queries with a correct item among their k best}, for each k that was recorded."""
        found = ((TOP.fullmatch(name), one) for name, one in self.values.items())
        return {int(match[1]): round(one.value * one.n) for match, one in found if match and one.n}

    @property
    def precisions(self) -> Mapping[str, float]:
        """{"map" or "map_at_r": mean over all queries, in [0, 1]}, for those that were recorded."""
        return {name: self.values[name].value for name in PRECISIONS if name in self.values}


@dataclass(frozen=True)
class RowTest:
    """The test of a row."""

    queries: int
    """Number of queries; 0 if unknown."""
    gallery: int | None
    """Number of gallery items; None if unknown."""
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
    """Seeds without a result, those that failed included."""
    confidence: float = 0.95
    """Confidence of the intervals of `metrics`: 1 - alpha."""

    @property
    def tests(self) -> list["RowTest"]:
        """The tests of the row's results, each once; more than one if stale results of other data were kept."""
        return list(dict.fromkeys(RowTest(one.queries, one.gallery, one.data) for one in self.results.values()))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that have a result."""
        return tuple(self.results)

    @property
    def trials(self) -> dict[int, str]:
        """{seed: trial key} of the seeds that have a result."""
        return {seed: result.trial for seed, result in self.results.items()}

    @cached_property
    def metrics(self) -> dict[str, RowRates]:
        """{"top1", "top5", "top10": rates} for those that all seeds have."""
        return {
            name: RowRates([result.hits[k] for result in self.results.values()], self._queries, self.confidence)
            for name, k in KS.items()
            if k in self.rates
        }

    @cached_property
    def rates(self) -> dict[int, float]:
        """{k: mean hit rate over seeds, in [0, 1]} for each k that all seeds have, in ascending order."""
        results = list(self.results.values())
        ks = set.intersection(*(set(result.hits) for result in results)) if results else set()
        return {k: fmean(result.hits[k] for result in results) / self._queries for k in sorted(ks)}

    @cached_property
    def precisions(self) -> dict[str, MeanPrecision]:
        """{"map", "map_at_r": values} for those that all seeds have.

        A mean over some seeds only could not be compared with the rates, which are means over all.
        """
        results = list(self.results.values())
        return {
            name: MeanPrecision([result.precisions[name] for result in results])
            for name in PRECISIONS
            if results and all(name in result.precisions for result in results)
        }

    @cached_property
    def impossible(self) -> str:
        """Two rates that contradict each other: `top-5 0.923 is below top-1 0.951, but every top-1 hit is ...`.

        Empty if the rates are possible. Otherwise the row has no verdict.
        """
        for result in self.results.values():
            for (few, hits), (more, fewer_hits) in pairwise(sorted(result.hits.items())):
                if fewer_hits < hits:
                    low, high = (f"{count / result.queries:.6g}" for count in (fewer_hits, hits))
                    reason = f"every top-{few} hit is also a top-{more} hit"
                    return f"top-{more} {low} is below top-{few} {high}, but {reason}"
        return ""

    @property
    def _queries(self) -> int:
        """Number of queries of the row's results: one data set, so one number."""
        return next(iter(self.results.values())).queries


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
    queries: int | None
    """Number of test queries; None without a result, or if rows differ in it."""
    gallery: int | None
    """Number of gallery items of the test split; None if unknown, or if rows differ in it."""
    hits: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """{trial key: True for each query that is a hit on the primary metric, shape (queries,)}, for trials that are
    compared query by query."""
    looks: tuple[Look, ...] = ()
    """The looks of the current family."""
    ended: tuple[str, ...] = ()
    """The reason why each earlier family ended."""
    equal: EqualResults = field(default_factory=EqualResults)
    """The rows and seeds with results that are equal to the last bit though their trainings differ."""

    @property
    def heading(self) -> str:
        """The study, its profile, and the options that changed the file, as a title."""
        overrides = ", ".join(self.document.overrides)
        return f"{self.study} ({self.profile}{', with ' + overrides if overrides else ''})"

    @property
    def primary(self) -> str:
        """The metric that verdicts are about."""
        return self.document.primary

    @property
    def alpha(self) -> float:
        """The error rate of the study's claims, from 0 to 1."""
        return float(self.document.alpha)

    @property
    def delta(self) -> float:
        """The smallest effect worth acting on, in percentage points."""
        return float(self.document.delta)

    @property
    def family(self) -> Family:
        """The contrasts that share the study's error rate."""
        return self.document.family

    @property
    def schedule(self) -> tuple[int, ...]:
        """The numbers of seeds at which looks are planned; empty for a study with a fixed number of seeds."""
        return self.document.looks

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

    @property
    def precisions(self) -> list[str]:
        """The names among "map" and "map_at_r" that some row or reference has."""
        rows = (*self.rows, *self.references)
        return [name for name in PRECISIONS if any(name in row.precisions for row in rows)]

    @property
    def seeds(self) -> list[int]:
        """Every seed with which some row has a result."""
        return sorted({seed for row in self.rows for seed in row.seeds})

    def different_seeds(self, row: RowResult) -> int:
        """Return the number of seeds of a row, without those that repeat another to the last bit."""
        return len(set(row.seeds) - self.equal.repeated_seeds)

    @property
    def findings(self) -> list[str]:
        """Sentences about contradictions in an imported log, and about results that cannot be, are stale, or equal."""
        return [*self.document.findings, *self.doubtful, *self.equal_results]

    @property
    def doubtful(self) -> list[str]:
        """Sentences about results that cannot be, and about results that were kept although stale."""
        return [*self.impossible, *self.kept_although_stale]

    @property
    def impossible(self) -> list[str]:
        """A sentence for each row whose rates contradict each other."""
        return [
            f"row {row.number} ({row.label}): {row.impossible}; these values cannot be, and the row gets no verdict "
            "until they are corrected"
            for row in (*self.rows, *self.references)
            if row.impossible
        ]

    @property
    def equal_results(self) -> list[str]:
        """A sentence for each group of rows, and of seeds, that have equal results of every query."""
        by_label = {row.label: row for row in self.rows}
        sentences = []
        for labels in self.equal.rows:
            rows = [by_label[label] for label in labels]
            names = [name for name in self.factors if len({repr(row.levels.get(name)) for row in rows}) > 1]
            sentences.append(f"{_rows(rows)} have equal results, to the last bit, in every seed: {_no_reach(names)}")
        for seeds in self.equal.seeds:
            sentences.append(
                f"{_seeds(seeds)} have equal results, to the last bit, in every row: the seed does not reach the "
                "trainer, or changes nothing, so they count as one seed"
            )
        return sentences

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

    def sets(self, factor: str) -> list[str]:
        """Return the config keys that a factor sets; empty for a factor of an imported log."""
        return next(list(stored.sets) for stored in self.document.factors if stored.name == factor)


def _rows(rows: Sequence[RowResult]) -> str:
    """Return `rows 1 (plain) and 3 (noisy)`; of many rows the first ones and the number of the others."""
    names = [f"{row.number} ({row.label})" for row in rows[:MOST_NAMED]]
    if len(rows) > MOST_NAMED:
        names.append(f"{len(rows) - MOST_NAMED} more")
    return f"rows {', '.join(names[:-1])} and {names[-1]}"


def _no_reach(factors: Sequence[str]) -> str:
    if not factors:
        return "they differ in no factor"
    names = ", ".join(factors[:-1]) + (" and " if len(factors) > 1 else "") + factors[-1]
    verbs = ("does", "changes") if len(factors) == 1 else ("do", "change")
    return f"{names} {verbs[0]} not reach the trainer, or {verbs[1]} nothing"


def _named(seeds_of: Mapping[str, Sequence[int]]) -> str:
    """Return text like `row plain, seeds 0–2`. Of many rows, it lists the first ones and the number of the others."""
    listed = [f"row {label}, {_seeds(seeds)}" for label, seeds in list(seeds_of.items())[:MOST_NAMED]]
    more = len(seeds_of) - len(listed)
    return "; ".join(listed) + (f"; and {more} more row{'s' if more > 1 else ''}" if more else "")


def _seeds(seeds: Sequence[int]) -> str:
    """Return text like `seed 0`, `seeds 0–2` or `seeds 0, 5`."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    in_line = list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return "seeds " + (f"{seeds[0]}–{seeds[-1]}" if in_line else ", ".join(map(str, seeds)))

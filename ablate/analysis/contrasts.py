"""Contrasts: two rows compared, with every factor in which they differ, and what may be said of the difference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.design.additive_model import AdditiveModel
from ablate.analysis.design.undeclared_differences import RecordedCircumstances, circumstances
from ablate.analysis.estimation.estimates import EffectEstimate, FamilyInference, InferenceRules
from ablate.analysis.estimation.estimators import measure_pairs
from ablate.analysis.estimation.observations import Observations
from ablate.analysis.looks.standing import FamilyMembers, LookStatus
from ablate.analysis.results import RowResult, StudyResults
from ablate.study.model import Family

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DIRECT, CONFOUNDED = "direct", "confounded"
FAMILY = 0
"""The group of contrasts that share the study's error."""

ALL_PAIRS = 100
"""Rows up to which every pair is listed; of more, those that somebody asks for."""
MOST_LISTED = 20_000
"""Contrasts of the family that are listed at most; those of smallest p."""


@dataclass(frozen=True)
class Contrast:
    """Row `after` against row `before` on one metric.

    `undeclared` are recorded circumstances, like a library's version, that no factor declares. `in_family`: whether
    it shares the study's error; other direct contrasts are adjusted among themselves, confounded ones not at all.
    """

    before: RowResult
    after: RowResult
    differs: tuple[str, ...]
    undeclared: tuple[str, ...]
    metric: str
    in_family: bool
    estimate: EffectEstimate

    @property
    def identified(self) -> str:
        """Direct if exactly one factor differs and nothing undeclared does."""
        return DIRECT if len(self.differs) == 1 and not self.undeclared else CONFOUNDED

    @property
    def flipped(self) -> "Contrast":
        """Row `before` against row `after`."""
        return replace(self, before=self.after, after=self.before, estimate=self.estimate.flipped)


@dataclass(frozen=True)
class Contrasts(Sequence[Contrast]):
    """Many contrasts as columns; each becomes an object when it is asked for.

    `family`: all pairs that share the study's error, those that are not listed too; `mixed`: which are confounded.
    """

    results: StudyResults
    metric: str
    first: Ints
    second: Ints
    differing: Bools
    undeclared: Bools
    names: tuple[str, ...]
    groups: Sequence[FamilyInference]
    group: Ints
    place: Ints
    family: Ints
    mixed: Bools

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, at: int) -> Contrast:  # type: ignore[override]
        i, j = int(self.first[at]), int(self.second[at])
        differs = tuple(name for name, is_so in zip(self.results.factors, self.differing[at], strict=True) if is_so)
        undeclared = tuple(name for name, is_so in zip(self.names, self.undeclared[at], strict=True) if is_so)
        estimate = self._estimate(int(self.group[at]), int(self.place[at]))
        if (len(differs) != 1 or undeclared) and estimate.verdict != verdicts.NOT_ESTIMABLE:
            estimate = _confounded(estimate)
        rows = self.results.rows
        return Contrast(rows[i], rows[j], differs, undeclared, self.metric, bool(self.group[at] == FAMILY), estimate)

    def __iter__(self) -> Iterator[Contrast]:
        return (self[at] for at in range(len(self)))

    def _estimate(self, group: int, place: int) -> EffectEstimate:
        now = self.groups[group][place]
        return self._standing(place, now) if group == FAMILY and self._standing else now

    @cached_property
    def _standing(self) -> LookStatus | None:
        return LookStatus(self.results, self.watched) if self.results.schedule else None

    @cached_property
    def watched(self) -> FamilyMembers:
        """The family, for looks."""
        labels = [row.label for row in self.results.rows]
        names = tuple((labels[i], labels[j]) for i, j in self.family.tolist())
        touches = np.zeros((len(names), len(labels)), dtype=bool)
        np.put_along_axis(touches, self.family, True, axis=1)
        return FamilyMembers(names, touches, self.groups[FAMILY].measured, self.mixed)

    @cached_property
    def _at(self) -> Mapping[tuple[int, int], int]:
        return {pair: at for at, pair in enumerate(zip(self.first.tolist(), self.second.tolist(), strict=True))}

    def between(self, before: RowResult, after: RowResult) -> Contrast:
        """The contrast of two rows that are listed, `after` against `before`."""
        pair = before.number - 1, after.number - 1
        return self[self._at[pair]] if pair in self._at else self[self._at[pair[::-1]]].flipped


def contrasts(
    results: StudyResults, cells: Observations, layout: AdditiveModel, seeds: Sequence[int], queries: bool
) -> Contrasts:
    """The contrasts of a study that are listed, judged in their families. `layout`: of all its rows."""
    around = circumstances(results, seeds)
    rules = InferenceRules(results.alpha, results.delta, cells.spread.rows, results.schedule)
    direct_first, direct_second, _ = layout.direct
    unlike = layout.codes[direct_first] != layout.codes[direct_second]
    clean = ~around.between(direct_first, direct_second, unlike).any(axis=1)
    direct = np.column_stack([direct_first, direct_second])[clean]
    chosen = _declared_pairs(results)
    families = _families(direct, chosen, results.family)
    always = _always(results)
    rest = _others(always, [*families, chosen])
    groups = [
        FamilyInference(measure_pairs(cells, pairs[:, 0], pairs[:, 1], queries), rules, size)
        for pairs, size in zip([*families, rest], [len(families[0]), len(families[1]), None], strict=True)
    ]
    listed = [_listed(judged, pairs, always) for judged, pairs in zip(groups, [*families, rest], strict=True)]
    pairs = np.concatenate([pairs[at] for pairs, at in zip([*families, rest], listed, strict=True)])
    group = np.repeat(np.arange(len(groups)), [len(at) for at in listed])
    order = np.lexsort((pairs.max(axis=1), pairs.min(axis=1)))
    pairs, group, place = pairs[order], group[order], np.concatenate(listed)[order]
    differing = layout.codes[pairs[:, 0]] != layout.codes[pairs[:, 1]]
    undeclared = around.between(pairs[:, 0], pairs[:, 1], differing)
    return Contrasts(
        results,
        results.primary,
        pairs[:, 0],
        pairs[:, 1],
        differing,
        undeclared,
        around.names,
        groups,
        group,
        place,
        families[0],
        _mixed(layout, around, chosen) if len(chosen) else np.zeros(len(families[0]), dtype=bool),
    )


def _mixed(layout: AdditiveModel, around: RecordedCircumstances, pairs: Ints) -> Bools:
    """Which pairs differ in more than one factor, in none, or in something undeclared."""
    first, second = pairs.T
    differing = layout.codes[first] != layout.codes[second]
    found: Bools = (differing.sum(axis=1) != 1) | around.between(first, second, differing).any(axis=1)
    return found


def _declared_pairs(results: StudyResults) -> Ints:
    """The pairs of rows that the study's `family` lists, in its order."""
    number = {row.label: row.number - 1 for row in results.rows}
    pairs = [[number[one], number[other]] for one, other in results.family.pairs]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _families(direct: Ints, chosen: Ints, family: Family) -> list[Ints]:
    """The study's family, and the direct contrasts beside it, which are adjusted among themselves."""
    if family.kind == "direct":
        return [direct, direct[:0]]
    if family.kind == "effects":
        return [direct[:0], direct]
    taken = {frozenset(pair) for pair in chosen.tolist()}
    return [chosen, direct[[frozenset(pair) not in taken for pair in direct.tolist()]]]


def _always(results: StudyResults) -> list[tuple[int, int]]:
    """Pairs that are always listed: all, or of many rows each row against the one above it and the baseline."""
    rows = len(results.rows)
    if rows <= ALL_PAIRS:
        return [(i, j) for i in range(rows) for j in range(i + 1, rows)]
    start = results.baseline.number - 1
    steps = {(i, i + 1) for i in range(rows - 1)}
    return sorted(steps | {(min(start, i), max(start, i)) for i in range(rows) if i != start})


def _others(always: Sequence[tuple[int, int]], listed: Sequence[Ints]) -> Ints:
    """Those of the pairs that are in no family."""
    taken = {frozenset(pair) for pairs in listed for pair in pairs.tolist()}
    return np.array([pair for pair in always if frozenset(pair) not in taken], dtype=np.int64).reshape(-1, 2)


def _listed(judged: FamilyInference, pairs: Ints, always: Sequence[tuple[int, int]]) -> Ints:
    """Which contrasts are listed: if they are too many, those of smallest p, and the pairs that always are."""
    if len(pairs) <= MOST_LISTED:
        return np.arange(len(pairs))
    kept = {frozenset(pair) for pair in always}
    asked = [at for at, pair in enumerate(pairs.tolist()) if frozenset(pair) in kept]
    return np.union1d(np.argsort(judged.p)[:MOST_LISTED], np.array(asked, dtype=np.int64))


def _confounded(estimate: EffectEstimate) -> EffectEstimate:
    return replace(estimate, verdict=verdicts.CONFOUNDED, more_seeds=None)

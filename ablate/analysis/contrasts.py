"""Contrasts: comparisons of two rows, with every factor in which they differ and the verdict on the difference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.design.study_design import StudyDesign
from ablate.analysis.estimation.estimates import EffectEstimate, FamilyInference, inference_rules
from ablate.analysis.estimation.estimators import estimate_pairs
from ablate.analysis.estimation.observations import Observations
from ablate.analysis.looks.status import FamilyMembers, LookStatus
from ablate.analysis.results import RowResult, StudyResults
from ablate.analysis.untested import Untested
from ablate.study.model import Family

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DIRECT, CONFOUNDED = "direct", "confounded"
FAMILY, OTHERS = 0, 1
"""The group of contrasts that share the study's error, and that of the other direct contrasts."""

ALL_PAIRS = 100
"""The number of rows up to which every pair of rows is listed."""
MOST_LISTED = 20_000
"""The largest number of contrasts of a group that are listed: those of smallest p."""


@dataclass(frozen=True)
class Contrast:
    """Row `after` against row `before` on one metric."""

    before: RowResult
    after: RowResult
    differs: tuple[str, ...]
    """The factors in which the rows differ."""
    undeclared: tuple[str, ...]
    """The recorded circumstances, like a library's version, that differ though no factor declares them."""
    metric: str
    in_family: bool
    """True if it shares the study's error. Other direct contrasts are adjusted among themselves; confounded contrasts
    are not adjusted."""
    estimate: EffectEstimate
    untested: Untested | None = None
    """Why the two rows cannot show an effect; None if they can."""
    bundles: tuple[tuple[str, ...], ...] = ()
    """The keys of each differing factor that stands for several keys, which always vary together."""

    @property
    def identified(self) -> str:
        """DIRECT if exactly one factor of one key differs and no circumstance does, otherwise CONFOUNDED."""
        return DIRECT if len(self.differs) == 1 and not self.undeclared and not self.bundles else CONFOUNDED

    @property
    def flipped(self) -> "Contrast":
        """Row `before` against row `after`."""
        return replace(self, before=self.after, after=self.before, estimate=self.estimate.flipped)


@dataclass(frozen=True)
class PairGroup:
    """Pairs of rows that are tested together."""

    pairs: Ints
    """Positions of the row before and the row after, shape (pairs, 2)."""
    inference: FamilyInference
    listed: Ints
    """Positions of the pairs that are listed."""


@dataclass(frozen=True)
class Contrasts(Sequence[Contrast]):
    """Many contrasts as arrays; each becomes an object when it is read."""

    results: StudyResults
    circumstances: tuple[str, ...]
    """The names of the recorded circumstances that are not the same in all runs."""
    groups: Sequence[PairGroup]
    """The study's family, the other direct contrasts, and the contrasts that are tested in no family."""
    pairs: Ints
    """Positions of the row before and the row after of each listed contrast, shape (contrasts, 2)."""
    differing: Bools
    """True for the factors in which the two rows differ, shape (contrasts, factors)."""
    undeclared: Bools
    """True for the circumstances in which they differ undeclared, shape (contrasts, circumstances)."""
    group: Ints
    """The position of each listed contrast's group."""
    place: Ints
    """The position of each listed contrast within its group."""
    confounded: Bools
    """True for pairs of the family that are confounded, shape (pairs of the family,)."""

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, at: int) -> Contrast:  # type: ignore[override]
        rows = self.results.rows
        before, after = self.pairs[at].tolist()
        differs = _selected(self.results.factors, self.differing[at])
        undeclared = _selected(self.circumstances, self.undeclared[at])
        estimate = self._estimate(int(self.group[at]), int(self.place[at]))
        bundles = tuple(self.results.bundles[name] for name in differs if name in self.results.bundles)
        if (len(differs) != 1 or undeclared or bundles) and estimate.verdict != verdicts.NOT_ESTIMABLE:
            estimate = replace(estimate, verdict=verdicts.CONFOUNDED, more_seeds=None)
        in_family = bool(self.group[at] == FAMILY)
        untested = None
        if estimate.effect is None:
            untested = self.results.untested(rows[before], rows[after], differs)
        pair = rows[before], rows[after]
        return Contrast(*pair, differs, undeclared, self.results.metric.name, in_family, estimate, untested, bundles)

    def __iter__(self) -> Iterator[Contrast]:
        return (self[at] for at in range(len(self)))

    def _estimate(self, group: int, place: int) -> EffectEstimate:
        estimate = self.groups[group].inference[place]
        return self._look_status.after_looks(place, estimate) if group == FAMILY and self._look_status else estimate

    @cached_property
    def _look_status(self) -> LookStatus | None:
        return LookStatus(self.results, self.family_members) if self.results.schedule else None

    @cached_property
    def family_members(self) -> FamilyMembers:
        """The contrasts of the family, for looks."""
        family = self.groups[FAMILY]
        labels = [row.label for row in self.results.rows]
        names = tuple((labels[before], labels[after]) for before, after in family.pairs.tolist())
        touches = np.zeros((len(names), len(labels)), dtype=bool)
        np.put_along_axis(touches, family.pairs, True, axis=1)
        return FamilyMembers(names, touches, family.inference.estimates, self.confounded)

    @cached_property
    def _positions(self) -> Mapping[tuple[int, int], int]:
        return {(before, after): at for at, (before, after) in enumerate(self.pairs.tolist())}

    def between(self, before: RowResult, after: RowResult) -> Contrast:
        """Return the listed contrast of two rows, `after` against `before`."""
        pair = before.number - 1, after.number - 1
        return self[self._positions[pair]] if pair in self._positions else self[self._positions[pair[::-1]]].flipped


def contrasts(observations: Observations, design: StudyDesign, new_examples: bool) -> Contrasts:
    """Return the listed contrasts of a study, tested in their families. `new_examples`: as in `estimate_pairs`."""
    results = design.results
    rules = inference_rules(results, observations.variance_model.rows)
    always_listed = _always_listed(results)
    groups = []
    for pairs, size in _pairs_by_group(design, always_listed):
        estimates = estimate_pairs(observations, pairs[:, 0], pairs[:, 1], new_examples)
        inference = FamilyInference(estimates, rules, size)
        groups.append(PairGroup(pairs, inference, _listed(inference, pairs, always_listed)))
    return _in_order_of_rows(design, groups)


def _pairs_by_group(design: StudyDesign, always_listed: Sequence[tuple[int, int]]) -> list[tuple[Ints, int | None]]:
    """Return the pairs of each group with the size of the family that they are tested in; None for no family."""
    family, other_direct = _families(_direct_pairs(design), _declared_pairs(design.results), design.results.family)
    rest = _not_in(always_listed, [family, other_direct])
    return [(family, len(family)), (other_direct, len(other_direct)), (rest, None)]


def _in_order_of_rows(design: StudyDesign, groups: Sequence[PairGroup]) -> Contrasts:
    """Return the listed pairs of all groups, sorted by the earlier row of each pair and then by the later one."""
    pairs = np.concatenate([group.pairs[group.listed] for group in groups])
    group = np.repeat(np.arange(len(groups)), [len(group.listed) for group in groups])
    place = np.concatenate([group.listed for group in groups])
    order = np.lexsort((pairs.max(axis=1), pairs.min(axis=1)))
    differing, undeclared = _differences(design, pairs[order])
    return Contrasts(
        design.results,
        design.circumstances.names,
        groups,
        pairs[order],
        differing,
        undeclared,
        group[order],
        place[order],
        _confounded(design, groups[FAMILY].pairs),
    )


def _differences(design: StudyDesign, pairs: Ints) -> tuple[Bools, Bools]:
    """Return the factors, (pairs, factors), and the undeclared circumstances, (pairs, names), that differ."""
    first, second = pairs.T
    differing = design.model.codes[first] != design.model.codes[second]
    return differing, design.circumstances.between(first, second, differing)


def _direct_pairs(design: StudyDesign) -> Ints:
    """Return all pairs of rows that differ in one factor, which stands for one key, and in nothing undeclared."""
    first, second, _ = design.model.direct
    pairs = np.column_stack([first, second])
    differing, undeclared = _differences(design, pairs)
    return pairs[~undeclared.any(axis=1) & ~differing[:, _bundled(design)].any(axis=1)]


def _bundled(design: StudyDesign) -> Bools:
    """Return True for the factors that stand for several keys, shape (factors,)."""
    return np.array([bool(factor.bundle) for factor in design.results.document.factors], dtype=bool)


def _confounded(design: StudyDesign, pairs: Ints) -> Bools:
    """Return True for pairs of the family that differ in no factor, in several keys, or in something undeclared."""
    if design.results.family.kind != "pairs":  # all pairs are direct
        return np.zeros(len(pairs), dtype=bool)
    differing, undeclared = _differences(design, pairs)
    several: Bools = (differing.sum(axis=1) != 1) | differing[:, _bundled(design)].any(axis=1)
    confounded: Bools = several | undeclared.any(axis=1)
    return confounded


def _declared_pairs(results: StudyResults) -> Ints:
    """Return the pairs of rows that the study's `family` lists, in its order."""
    positions = {row.label: row.number - 1 for row in results.rows}
    pairs = [[positions[before], positions[after]] for before, after in results.family.pairs]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _families(direct: Ints, declared: Ints, family: Family) -> tuple[Ints, Ints]:
    """Return the pairs of the study's family, and the other direct pairs, which are adjusted among themselves."""
    if family.kind == "direct":
        return direct, direct[:0]
    if family.kind == "effects":
        return direct[:0], direct
    in_family = {frozenset(pair) for pair in declared.tolist()}
    return declared, direct[[frozenset(pair) not in in_family for pair in direct.tolist()]]


def _always_listed(results: StudyResults) -> list[tuple[int, int]]:
    """Return the pairs that are listed in any case: all of them, or the most important ones if rows are many.

    With more than ALL_PAIRS rows these are the steps, and each row against the row above it and against the baseline.
    """
    rows = len(results.rows)
    if rows <= ALL_PAIRS:
        return [(i, j) for i in range(rows) for j in range(i + 1, rows)]
    baseline = results.baseline.number - 1
    steps = {(i, i + 1) for i in range(rows - 1)}
    steps |= {_in_order(above.number - 1, row.number - 1) for above, row in results.steps}
    return sorted(steps | {_in_order(baseline, i) for i in range(rows) if i != baseline})


def _in_order(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


def _not_in(pairs: Sequence[tuple[int, int]], families: Sequence[Ints]) -> Ints:
    """Return the pairs that are in none of the families, in either direction."""
    in_families = {frozenset(pair) for family in families for pair in family.tolist()}
    return np.array([pair for pair in pairs if frozenset(pair) not in in_families], dtype=np.int64).reshape(-1, 2)


def _listed(inference: FamilyInference, pairs: Ints, always_listed: Sequence[tuple[int, int]]) -> Ints:
    """Return the positions of the pairs to list: all, or those of smallest p and those that are always listed."""
    if len(pairs) <= MOST_LISTED:
        return np.arange(len(pairs))
    always = {frozenset(pair) for pair in always_listed}
    positions = [at for at, pair in enumerate(pairs.tolist()) if frozenset(pair) in always]
    return np.union1d(np.argsort(inference.p)[:MOST_LISTED], np.array(positions, dtype=np.int64))


def _selected(names: Sequence[str], flags: Bools) -> tuple[str, ...]:
    """Return the names that have a True flag."""
    return tuple(name for name, flag in zip(names, flags, strict=True) if flag)

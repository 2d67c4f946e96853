"""Contrasts: two rows compared, with every factor in which they differ, and what may be said of the difference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.layout import Layout
from ablate.analysis.measure import SEPARATE_T, Cells, Measured, measure_pairs
from ablate.analysis.results import RowResult, StudyResults
from ablate.analysis.stats import seeds_for_equivalence, seeds_needed
from ablate.study.wanted import Family

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

NOTABLE = 0.01
"""pp: effects and spreads are rounded to it before seeds are counted, which is a rough count anyway."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """All that is known of one effect, in percentage points; what cannot be given is None.

    `interval` at 1 − alpha by itself, `simultaneous` for its whole family (Bonferroni); `p` of no effect, `p_holm`
    adjusted for the family, `p_equivalence` of an effect of delta or more, adjusted likewise. `separate`: the
    interval from its own seed-wise values alone. `more_seeds`: about how many more would decide what is undecided.
    """

    effect: float | None
    interval: tuple[float, float] | None
    simultaneous: tuple[float, float] | None
    method: str | None
    seeds: int
    p: float | None
    p_holm: float | None
    p_equivalence: float | None
    separate: tuple[float, float] | None
    verdict: str
    more_seeds: int | None = None

    @property
    def flipped(self) -> "Estimate":
        """The same effect seen from the other side."""
        return replace(
            self,
            effect=None if self.effect is None else -self.effect,
            interval=_flipped(self.interval),
            simultaneous=_flipped(self.simultaneous),
            separate=_flipped(self.separate),
            verdict=verdicts.FLIPPED.get(self.verdict, self.verdict),
        )


@dataclass(frozen=True)
class Rules:
    """What a study declares beforehand. `rows`: over how many the variance is pooled."""

    alpha: float
    delta: float
    rows: int


@dataclass(frozen=True)
class Judged:
    """Effects of one family, judged together; of no family where `size` is None: no adjustment, no verdict."""

    measured: Measured
    rules: Rules
    size: int | None

    @cached_property
    def p(self) -> Floats:
        return self.measured.p

    @cached_property
    def _adjusted(self) -> tuple[Floats, Floats]:
        return verdicts.adjusted(self.p, self.measured.p_equivalence(self.rules.delta))

    @cached_property
    def _verdicts(self) -> NDArray[np.str_]:
        p, small = self._adjusted
        return verdicts.decide(self.measured.effect, p, small, self.measured.seeds == 1, self.rules.alpha)

    @cached_property
    def _intervals(self) -> tuple[Floats, Floats]:
        return self.measured.interval(1 - self.rules.alpha)

    @cached_property
    def _simultaneous(self) -> tuple[Floats, Floats]:
        return self.measured.interval(1 - self.rules.alpha / max(self.size or 1, 1))

    @cached_property
    def _separate(self) -> tuple[Floats, Floats]:
        return self.measured.own_interval(1 - self.rules.alpha)

    def __getitem__(self, at: int) -> Estimate:
        effect = _known(self.measured.effect[at])
        verdict = self._verdict(at)
        in_family = self.size is not None and effect is not None
        return Estimate(
            effect=effect,
            interval=_ends(self._intervals, at),
            simultaneous=_ends(self._simultaneous, at) if in_family else None,
            method=str(self.measured.methods[at]) or None,
            seeds=int(self.measured.seeds[at]),
            p=_known(self.p[at]),
            p_holm=_known(self._adjusted[0][at]) if in_family else None,
            p_equivalence=_known(self._adjusted[1][at]) if in_family else None,
            separate=_ends(self._separate, at),
            verdict=verdict,
            more_seeds=self._more_seeds(at) if verdict == verdicts.UNDECIDED else None,
        )

    def _verdict(self, at: int) -> str:
        if np.isnan(self.measured.effect[at]):
            return verdicts.NOT_ESTIMABLE
        return verdicts.CONFOUNDED if self.size is None else str(self._verdicts[at])

    def _more_seeds(self, at: int) -> int | None:
        """Seeds beyond those there are, until this effect, were it the true one, is shown or shown to be small."""
        seeds = int(self.measured.seeds[at])
        spread = float(self.measured.standard_error[at]) * seeds**0.5
        rows = 2 if self.measured.methods[at] == SEPARATE_T else self.rules.rows
        level = self.rules.alpha / max(self.size or 1, 1)
        wanted = _seeds_to_decide(
            round(abs(float(self.measured.effect[at])) / NOTABLE),
            max(1, round(spread / NOTABLE)),
            rows,
            level,
            self.rules.delta,
        )
        return None if wanted is None else max(1, wanted - seeds)


@lru_cache(maxsize=4096)
def _seeds_to_decide(effect: int, spread: int, rows: int, level: float, delta: float) -> int | None:
    shown = seeds_needed(effect * NOTABLE, spread * NOTABLE, rows, level)
    small = seeds_for_equivalence(effect * NOTABLE, spread * NOTABLE, rows, level, delta)
    return min((wanted for wanted in (shown, small) if wanted is not None), default=None)


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
    estimate: Estimate

    @property
    def identified(self) -> str:
        """Direct if exactly one factor differs and nothing undeclared does."""
        return DIRECT if len(self.differs) == 1 and not self.undeclared else CONFOUNDED

    @property
    def flipped(self) -> "Contrast":
        """Row `before` against row `after`."""
        return replace(self, before=self.after, after=self.before, estimate=self.estimate.flipped)


@dataclass(frozen=True)
class Circumstances:
    """What was recorded of runs and is not the same in all: `codes`, shape (names, rows, seeds), −1 where missing.

    `declares`: shape (names, factors), whether a factor sets what the name says, so that it is no surprise.
    """

    names: tuple[str, ...]
    codes: Ints
    declares: Bools

    def between(self, first: Ints, second: Ints, differing: Bools) -> Bools:
        """Which names differ undeclared between pairs of rows; `differing`: (pairs, factors). Shape (pairs, names)."""
        found = np.zeros((len(first), len(self.names)), dtype=bool)
        for at in range(len(self.names)):
            one, other = self.codes[at, first], self.codes[at, second]
            unlike = np.any((one != other) & (one >= 0) & (other >= 0), axis=1)
            found[:, at] = unlike & ~np.any(differing & self.declares[at], axis=1)
        return found


def circumstances(results: StudyResults, seeds: Sequence[int]) -> Circumstances:
    """What differs among the runs of a study, by name."""
    known = [[row.environments.get(seed) for seed in seeds] for row in results.rows]
    runs = [run for of_row in known for run in of_row if run is not None]
    names = sorted({name for run in runs for name in run if any(other.get(name) != run[name] for other in runs[:1])})
    names = sorted({*names, *(name for run in runs[:1] for name in run if any(name not in o for o in runs))})
    codes = np.full((len(names), len(known), len(seeds)), -1, dtype=np.int64)
    for at, name in enumerate(names):
        numbers: dict[str | None, int] = {}
        for row, of_row in enumerate(known):
            for seed, run in enumerate(of_row):
                if run is not None:
                    codes[at, row, seed] = numbers.setdefault(run.get(name), len(numbers))
    sets = [{part for key in results.sets(factor) for part in (key, *key.split("."))} for factor in results.factors]
    declares = np.array([[name in keys for keys in sets] for name in names], dtype=bool)
    return Circumstances(tuple(names), codes, declares.reshape(len(names), len(sets)))


@dataclass(frozen=True)
class Contrasts(Sequence[Contrast]):
    """Many contrasts as columns; each becomes an object when it is asked for."""

    results: StudyResults
    metric: str
    first: Ints
    second: Ints
    differing: Bools
    undeclared: Bools
    names: tuple[str, ...]
    groups: Sequence[Judged]
    group: Ints
    place: Ints

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, at: int) -> Contrast:  # type: ignore[override]
        i, j = int(self.first[at]), int(self.second[at])
        differs = tuple(name for name, is_so in zip(self.results.factors, self.differing[at], strict=True) if is_so)
        undeclared = tuple(name for name, is_so in zip(self.names, self.undeclared[at], strict=True) if is_so)
        estimate = self.groups[self.group[at]][int(self.place[at])]
        if (len(differs) != 1 or undeclared) and estimate.verdict != verdicts.NOT_ESTIMABLE:
            estimate = _confounded(estimate)
        rows = self.results.rows
        return Contrast(rows[i], rows[j], differs, undeclared, self.metric, bool(self.group[at] == FAMILY), estimate)

    def __iter__(self) -> Iterator[Contrast]:
        return (self[at] for at in range(len(self)))

    @cached_property
    def _at(self) -> Mapping[tuple[int, int], int]:
        return {pair: at for at, pair in enumerate(zip(self.first.tolist(), self.second.tolist(), strict=True))}

    def between(self, before: RowResult, after: RowResult) -> Contrast:
        """The contrast of two rows that are listed, `after` against `before`."""
        pair = before.number - 1, after.number - 1
        return self[self._at[pair]] if pair in self._at else self[self._at[pair[::-1]]].flipped


def contrasts(results: StudyResults, cells: Cells, layout: Layout, seeds: Sequence[int], queries: bool) -> Contrasts:
    """The contrasts of a study that are listed, judged in their families. `layout`: of all its rows."""
    around = circumstances(results, seeds)
    rules = Rules(results.alpha, results.delta, int(np.sum(~np.isnan(cells.hits).all(axis=1))))
    direct_first, direct_second, _ = layout.direct
    unlike = layout.codes[direct_first] != layout.codes[direct_second]
    clean = ~around.between(direct_first, direct_second, unlike).any(axis=1)
    direct = np.column_stack([direct_first, direct_second])[clean]
    chosen = _declared_pairs(results)
    families = _families(direct, chosen, results.family)
    rest = _others(len(layout.codes), results, [*families, chosen])
    groups = [
        Judged(measure_pairs(cells, pairs[:, 0], pairs[:, 1], queries), rules, size)
        for pairs, size in zip([*families, rest], [len(families[0]), len(families[1]), None], strict=True)
    ]
    listed = [_most_sure(judged) for judged in groups]
    pairs = np.concatenate([pairs[at] for pairs, at in zip([*families, rest], listed, strict=True)])
    group = np.repeat(np.arange(len(groups)), [len(at) for at in listed])
    order = np.lexsort((pairs.max(axis=1), pairs.min(axis=1)))
    pairs, group, place = pairs[order], group[order], np.concatenate(listed)[order]
    differing = layout.codes[pairs[:, 0]] != layout.codes[pairs[:, 1]]
    undeclared = around.between(pairs[:, 0], pairs[:, 1], differing)
    return Contrasts(
        results, results.primary, pairs[:, 0], pairs[:, 1], differing, undeclared, around.names, groups, group, place
    )


def _declared_pairs(results: StudyResults) -> Ints:
    """The pairs of rows that the study's `family` lists, in its order."""
    number = {row.label: row.number - 1 for row in results.rows}
    pairs = [] if isinstance(results.family, str) else [[number[one], number[other]] for one, other in results.family]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _families(direct: Ints, chosen: Ints, family: Family) -> list[Ints]:
    """The study's family, and the direct contrasts beside it, which are adjusted among themselves."""
    if family == "direct":
        return [direct, direct[:0]]
    if family == "effects":
        return [direct[:0], direct]
    taken = {frozenset(pair) for pair in chosen.tolist()}
    return [chosen, direct[[frozenset(pair) not in taken for pair in direct.tolist()]]]


def _others(rows: int, results: StudyResults, listed: Sequence[Ints]) -> Ints:
    """Pairs that are shown besides: all, or of many rows each row against the one above it and the baseline."""
    taken = {frozenset(pair) for pairs in listed for pair in pairs.tolist()}
    if rows <= ALL_PAIRS:
        wanted = [(i, j) for i in range(rows) for j in range(i + 1, rows)]
    else:
        start = results.baseline.number - 1
        steps = {(i, i + 1) for i in range(rows - 1)}
        wanted = sorted(steps | {(min(start, i), max(start, i)) for i in range(rows) if i != start})
    return np.array([pair for pair in wanted if frozenset(pair) not in taken], dtype=np.int64).reshape(-1, 2)


def _most_sure(judged: Judged) -> Ints:
    """The contrasts of smallest p, if there are more than can be listed."""
    count = len(judged.measured.effect)
    return np.arange(count) if count <= MOST_LISTED else np.sort(np.argsort(judged.p)[:MOST_LISTED])


def _confounded(estimate: Estimate) -> Estimate:
    return replace(estimate, verdict=verdicts.CONFOUNDED, more_seeds=None)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _ends(interval: tuple[Floats, Floats], at: int) -> tuple[float, float] | None:
    low, high = float(interval[0][at]), float(interval[1][at])
    return None if np.isnan(low) or np.isnan(high) else (low, high)


def _flipped(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if interval is None else (-interval[1], -interval[0])

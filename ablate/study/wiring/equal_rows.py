"""Rows with equal results: a factor does not reach the trainer, or changes nothing, or chance made them equal."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from ablate.study.wiring.coincidence import Caution, Noise
from ablate.study.wiring.evidence import Evidence, common_noises
from ablate.study.wiring.grouping import groups_of_rows
from ablate.study.wiring.outcomes import Outcome, RowOutcomes

MOST_COMPARED = 50
"""Rows of a group that are compared with one another; a larger group is one of results that hardly vary."""
Change = tuple[str, frozenset[Any]]
"""A factor and two of its levels."""


@dataclass(frozen=True)
class EqualRows:
    """The groups of rows with equal results."""

    evidence: Evidence
    caution: Caution
    seeds: Set[int]
    """The seeds, without those that repeat another one."""

    def certain(self) -> Iterator[tuple[str, ...]]:
        """Yield the rows that chance cannot have made equal."""
        for first, *others in self._groups:
            repeats = [label for label in others if self._is_certain(first, label)]
            if repeats:
                yield first, *repeats

    def alike(self) -> Iterator[tuple[str, ...]]:
        """Yield the groups with some row that chance may have made equal to the others."""
        for first, *others in self._groups:
            if not all(self._is_certain(first, label) for label in others):
                yield first, *others

    def likely(self) -> Iterator[tuple[str, ...]]:
        """Yield the rows of `alike` that chance hardly made equal, as far as they differ in one factor.

        All pairs of rows that differ in this factor only, in the same two levels, are evidence together.
        """
        for group in self.alike():
            pairs = list(combinations(group[:MOST_COMPARED], 2))
            changes = {pair: change for pair in pairs if (change := self._change(*pair)) is not None}
            likely = {change for change in set(changes.values()) if self._judged(change)}
            named = {label for pair, change in changes.items() if change in likely for label in pair}
            if named:
                yield tuple(label for label in group if label in named)

    @cached_property
    def _are_likely(self) -> dict[Change, bool]:
        """The changes that were judged: many groups may have the same one."""
        return {}

    @cached_property
    def _rows(self) -> dict[str, RowOutcomes]:
        return {row.label: row for row in self.evidence.rows if row.outcomes}

    @cached_property
    def _groups(self) -> list[list[str]]:
        return groups_of_rows(self.evidence.rows, self.evidence.marks)

    @cached_property
    def _number(self) -> dict[str, int]:
        """The number of the group of each row; a number of its own for a row in none."""
        alone = {label: -at for at, label in enumerate(self._rows, start=1)}
        return alone | {label: at for at, group in enumerate(self._groups) for label in group}

    @cached_property
    def _noises(self) -> dict[str, Noise]:
        repeats = {label for _, *others in self._groups for label in others}
        return self.evidence.noises(self._rows.keys() - repeats, self.seeds)

    def _shared(self, one: str, other: str) -> list[Outcome]:
        """Return the results of one row, with the seeds that both have and in which their trials differ."""
        own, others = self._rows[one].outcomes, self._rows[other].outcomes
        return [own[seed] for seed in own.keys() & others.keys() if own[seed].trial != others[seed].trial]

    def _is_certain(self, one: str, other: str) -> bool:
        return self.evidence.are_rich(self._shared(one, other))

    def _judged(self, change: Change) -> bool:
        if change not in self._are_likely:
            self._are_likely[change] = self._is_likely(change)
        return self._are_likely[change]

    def _is_likely(self, change: Change) -> bool:
        """Return True if chance hardly explains that all pairs of rows with this change are equal, as they are.

        A single comparison needs several metrics.
        """
        pairs = self._pairs_by_change[change]
        if not all(self._number[one] == self._number[other] for one, other in pairs):
            return False
        shared = [self._shared(one, other) for one, other in pairs]
        times = sum(map(self.evidence.independent, shared))
        noises = common_noises(self._noises, (one for of_pair in shared for one in of_pair))
        if not noises or times < self.caution.fewest or (times < 2 and len(noises) < 2):
            return False
        return min(noise.chance_of_equal**times for noise in noises) * len(self._pairs_by_change) <= self.caution.most

    def _change(self, one: str, other: str) -> Change | None:
        """Return the only factor in which two rows differ, with its levels; None if they differ in none or in more."""
        levels, others = self._rows[one].levels, self._rows[other].levels
        differing = [name for name in levels if levels[name] != others.get(name)]
        if len(differing) != 1:
            return None
        (name,) = differing
        return name, frozenset((levels[name], others.get(name)))

    @cached_property
    def _pairs_by_change(self) -> dict[Change, Sequence[tuple[str, str]]]:
        """The pairs of rows with a common seed that differ in one factor only, by the factor and its two levels."""
        by_others: dict[tuple[Any, ...], list[str]] = {}
        for label, row in self._rows.items():
            levels = tuple(sorted((name, repr(level)) for name, level in row.levels.items()))
            for at in range(len(levels)):
                by_others.setdefault((*levels[:at], *levels[at + 1 :]), []).append(label)
        pairs: dict[Change, list[tuple[str, str]]] = {}
        for labels in by_others.values():
            for pair in combinations(labels, 2):
                if (change := self._change(*pair)) is not None and self._shared(*pair):
                    pairs.setdefault(change, []).append(pair)
        return dict(pairs)

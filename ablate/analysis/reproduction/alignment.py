"""Alignment of two studies, ours and theirs: which levels, and which rows, of one correspond to those of the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablate.analysis.results import RowResult, StudyResults
from ablate.store.plan_document import StoredFactor
from ablate.study.factors import level_text
from ablate.study.reading.nodes import scalar

Key = tuple[str, ...]
"""A row's levels of the factors that both studies have, under the names that theirs uses."""


@dataclass(frozen=True)
class AlignedFactor:
    """A factor that both studies have."""

    factor: str
    stands_for: Mapping[str, str]
    """{level of ours: level of theirs}."""
    by_order: bool
    """True if levels are matched by their order, because the studies share no level's name."""


@dataclass(frozen=True)
class RowAlignment:
    """The rows of two studies, matched by their levels of the factors that both declare."""

    ours: StudyResults
    theirs: StudyResults
    levels: tuple[AlignedFactor, ...]

    @property
    def factors(self) -> list[str]:
        """The factors that both studies have."""
        return [aligned.factor for aligned in self.levels]

    @property
    def only_ours(self) -> list[str]:
        """The factors that theirs does not have."""
        return [name for name in self.ours.factors if name not in self.factors]

    @property
    def only_theirs(self) -> list[str]:
        """The factors that ours does not have."""
        return [name for name in self.theirs.factors if name not in self.factors]

    def counterparts(self, row: RowResult) -> list[RowResult]:
        """Return the rows of ours that correspond to a row of theirs: several if ours varies more factors."""
        return self._ours_by_key.get(self._their_key(row), [])

    def counterparts_in_theirs(self, row: RowResult) -> list[RowResult]:
        """Return the rows of theirs that correspond to a row of ours."""
        key = self._our_key(row)
        return [] if key is None else self._theirs_by_key.get(key, [])

    def pairs(self, before: RowResult, after: RowResult) -> list[tuple[RowResult, RowResult]]:
        """Return the pairs of ours that correspond to a pair of theirs and differ in nothing more.

        The pair nearest to our baseline comes first; of equally near ones, those with results, then by row number.
        """
        baseline = {factor.name: level_word(factor.baseline) for factor in self.ours.document.factors}

        def rank(pair: tuple[RowResult, RowResult]) -> tuple[int, bool, int, int]:
            distance = sum(level_word(pair[0].levels.get(name)) != baseline[name] for name in self.only_ours)
            return distance, not (pair[0].seeds and pair[1].seeds), pair[0].number, pair[1].number

        every = [(one, other) for one in self.counterparts(before) for other in self.counterparts(after)]
        return sorted((pair for pair in every if not differing(*pair, self.only_ours)), key=rank)

    def missing_levels(self, row: RowResult) -> list[str]:
        """Return the levels of a row of theirs without a counterpart in ours, such as `margin 0.1`."""
        available = {aligned.factor: set(aligned.stands_for.values()) for aligned in self.levels}
        words = {name: level_word(row.levels.get(name)) for name in available}
        return [f"{name} {word}" for name, word in words.items() if word not in available[name]]

    @cached_property
    def _ours_by_key(self) -> Mapping[Key | None, list[RowResult]]:
        return _grouped([(self._our_key(row), row) for row in self.ours.rows])

    @cached_property
    def _theirs_by_key(self) -> Mapping[Key | None, list[RowResult]]:
        return _grouped([(self._their_key(row), row) for row in self.theirs.rows])

    def _our_key(self, row: RowResult) -> Key | None:
        """Return the key of a row of ours; None if one of its levels has no counterpart in theirs."""
        words = [aligned.stands_for.get(level_word(row.levels.get(aligned.factor))) for aligned in self.levels]
        key = tuple(word for word in words if word is not None)
        return key if len(key) == len(words) else None

    def _their_key(self, row: RowResult) -> Key:
        return tuple(level_word(row.levels.get(name)) for name in self.factors)


def align(ours: StudyResults, theirs: StudyResults) -> RowAlignment:
    """Return the alignment of two studies.

    Factors are matched by name. So are levels, with numbers compared as numbers; if the studies share no name of a
    level, levels are matched by order, the baseline first.
    """
    their_levels = {factor.name: _ordered(factor) for factor in theirs.document.factors}
    levels = [
        _levels(factor.name, _ordered(factor), their_levels[factor.name])
        for factor in ours.document.factors
        if factor.name in their_levels
    ]
    return RowAlignment(ours, theirs, tuple(levels))


def level_word(level: Any) -> str:
    """Return a level's name in one form for both studies: 0.3 and '0.30' are equal, and so are on and true."""
    return level_text(scalar(level_text(level)))


def differing(one: RowResult, other: RowResult, factors: Sequence[str]) -> list[str]:
    """Return those of `factors` in which two rows of one study differ."""
    return [name for name in factors if level_word(one.levels.get(name)) != level_word(other.levels.get(name))]


def _ordered(factor: StoredFactor) -> list[str]:
    """Return the baseline's name, then the names of the other levels as declared."""
    return list(dict.fromkeys(level_word(level) for level in [factor.baseline, *factor.levels]))


def _levels(name: str, ours: Sequence[str], theirs: Sequence[str]) -> AlignedFactor:
    shared = {level: level for level in ours if level in theirs}
    return AlignedFactor(name, shared or dict(zip(ours, theirs, strict=False)), by_order=not shared)


def _grouped(pairs: Sequence[tuple[Key | None, RowResult]]) -> dict[Key | None, list[RowResult]]:
    rows: dict[Key | None, list[RowResult]] = {}
    for key, row in pairs:
        if key is not None:
            rows.setdefault(key, []).append(row)
    return rows

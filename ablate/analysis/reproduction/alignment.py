"""Two studies laid side by side: which level, and which row, of one stands for which of the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ablate.analysis.results import RowResult, StudyResults
from ablate.store.plan_document import StoredFactor
from ablate.study.factors import level_text
from ablate.study.reading.nodes import scalar

Key = tuple[str, ...]
"""A row's levels of the factors that both studies have, in the words of the second."""


@dataclass(frozen=True)
class AlignedFactor:
    """A factor that both have. `stands_for`: {level of ours: level of theirs}; by order where no name is shared."""

    factor: str
    stands_for: Mapping[str, str]
    by_order: bool


@dataclass(frozen=True)
class RowAlignment:
    """Rows of `ours` and `theirs`, matched by their levels of the factors that both declare."""

    ours: StudyResults
    theirs: StudyResults
    levels: tuple[AlignedFactor, ...]

    @property
    def factors(self) -> list[str]:
        return [known.factor for known in self.levels]

    @property
    def only_ours(self) -> list[str]:
        """Factors that theirs does not have."""
        return [name for name in self.ours.factors if name not in self.factors]

    @property
    def only_theirs(self) -> list[str]:
        return [name for name in self.theirs.factors if name not in self.factors]

    def counterparts(self, row: RowResult) -> list[RowResult]:
        """The rows of ours that stand for a row of theirs: several where ours varies more factors."""
        return self._ours_by_key.get(self._their_key(row), [])

    def counterparts_in_theirs(self, row: RowResult) -> list[RowResult]:
        key = self._our_key(row)
        return [] if key is None else self._theirs_by_key.get(key, [])

    def pairs(self, before: RowResult, after: RowResult) -> list[tuple[RowResult, RowResult]]:
        """Pairs of ours that stand for a pair of theirs and differ in nothing more; the nearest to our baseline first.

        Of rows that are as near, those with results, then the first.
        """
        usual = {factor.name: level_word(factor.baseline) for factor in self.ours.document.factors}

        def rank(pair: tuple[RowResult, RowResult]) -> tuple[int, bool, int, int]:
            unusual = sum(level_word(pair[0].levels.get(name)) != usual[name] for name in self.only_ours)
            return unusual, not (pair[0].seeds and pair[1].seeds), pair[0].number, pair[1].number

        every = [(one, other) for one in self.counterparts(before) for other in self.counterparts(after)]
        return sorted((pair for pair in every if not differing(*pair, self.only_ours)), key=rank)

    def missing_levels(self, row: RowResult) -> list[str]:
        """`margin 0.1`: levels of a row of theirs that no level of ours stands for."""
        found = {known.factor: set(known.stands_for.values()) for known in self.levels}
        words = {name: level_word(row.levels.get(name)) for name in found}
        return [f"{name} {word}" for name, word in words.items() if word not in found[name]]

    @cached_property
    def _ours_by_key(self) -> Mapping[Key | None, list[RowResult]]:
        return _grouped([(self._our_key(row), row) for row in self.ours.rows])

    @cached_property
    def _theirs_by_key(self) -> Mapping[Key | None, list[RowResult]]:
        return _grouped([(self._their_key(row), row) for row in self.theirs.rows])

    def _our_key(self, row: RowResult) -> Key | None:
        """None where some level of the row stands for none of theirs."""
        words = [known.stands_for.get(level_word(row.levels.get(known.factor))) for known in self.levels]
        known_words = tuple(word for word in words if word is not None)
        return known_words if len(known_words) == len(words) else None

    def _their_key(self, row: RowResult) -> Key:
        return tuple(level_word(row.levels.get(name)) for name in self.factors)


def match(ours: StudyResults, theirs: StudyResults) -> RowAlignment:
    """Factors by name, levels by name (numbers as numbers); levels by order, baseline first, if none is shared."""
    their_levels = {factor.name: _ordered(factor) for factor in theirs.document.factors}
    levels = [
        _levels(factor.name, _ordered(factor), their_levels[factor.name])
        for factor in ours.document.factors
        if factor.name in their_levels
    ]
    return RowAlignment(ours, theirs, tuple(levels))


def level_word(level: Any) -> str:
    """A level's name by which two studies can agree: 0.3 and '0.30', on and true are one."""
    return level_text(scalar(level_text(level)))


def differing(one: RowResult, other: RowResult, factors: Sequence[str]) -> list[str]:
    """Those of the factors in which two rows of one study differ."""
    return [name for name in factors if level_word(one.levels.get(name)) != level_word(other.levels.get(name))]


def _ordered(factor: StoredFactor) -> list[str]:
    """The baseline's name, then those of the other levels as declared."""
    return list(dict.fromkeys(level_word(level) for level in [factor.baseline, *factor.levels]))


def _levels(name: str, ours: Sequence[str], theirs: Sequence[str]) -> AlignedFactor:
    shared = {level: level for level in ours if level in theirs}
    return AlignedFactor(name, shared or dict(zip(ours, theirs, strict=False)), by_order=not shared)


def _grouped(pairs: Sequence[tuple[Key | None, RowResult]]) -> dict[Key | None, list[RowResult]]:
    found: dict[Key | None, list[RowResult]] = {}
    for key, row in pairs:
        if key is not None:
            found.setdefault(key, []).append(row)
    return found

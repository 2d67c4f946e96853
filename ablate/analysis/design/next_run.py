"""The cheapest missing run that would resolve most: one more row, chosen by what it would let be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.design.additive_model import TOLERANCE, AdditiveModel, ModelColumn

Ints = NDArray[np.int64]

MOST_ROWS = 2000
"""Rows up to which a run is looked for; the changes of more rows are too many to go through."""
MOST_RUNS = 5


@dataclass(frozen=True)
class Suggestion:
    """A combination of levels to run, and the factors of which it would tell what cannot be told now."""

    levels: Mapping[str, Any]
    resolves: tuple[str, ...]


def suggest(
    layouts: Sequence[AdditiveModel], excluded: Sequence[Mapping[str, Sequence[Any]]], free: set[str]
) -> list[Suggestion]:
    """Runs to add one after the other, until no effect is aliased; at least one, if a factor has no direct contrast.

    `layouts`: the rows; several where it is uncertain what a row was, and a run has to help in all of them. A run is
    one in usual circumstances. `excluded`: levels that make no sense together. `free`: factors that cost an
    evaluation only.
    """
    found: list[Suggestion] = []
    while len(found) < MOST_RUNS and len(layouts[0].codes) <= MOST_ROWS:
        if found and all(layout.estimable.all() for layout in layouts):
            break
        best = _best(layouts, excluded, free)
        if best is None:
            break
        codes, resolves = best
        variables = layouts[0].variables
        levels = {v.name: v.levels[code] for v, code in zip(variables, codes, strict=True) if v.declared}
        found.append(Suggestion(levels, resolves))
        layouts = [AdditiveModel(layout.variables, np.vstack([layout.codes, codes])) for layout in layouts]
    return found


def _best(
    layouts: Sequence[AdditiveModel], excluded: Sequence[Mapping[str, Sequence[Any]]], free: set[str]
) -> tuple[Ints, tuple[str, ...]] | None:
    """The row that makes most effects estimable, then direct, then adds most direct contrasts; ties to the cheapest."""
    candidates = _candidates(layouts[0], excluded)
    if not len(candidates):
        return None
    gains = [_gains(layout, candidates) for layout in layouts]
    told = [sum(len(gain[at][0]) for gain in gains) for at in range(len(candidates))]
    direct = [sum(len(gain[at][1]) for gain in gains) for at in range(len(candidates))]
    pairs = [sum(gain[at][2] for gain in gains) for at in range(len(candidates))]
    cost = [_cost(layouts[0], codes, free) for codes in candidates]
    best = min(range(len(candidates)), key=lambda at: (-told[at], -direct[at], -pairs[at], *cost[at]))
    names = {name for gain in gains for part in gain[best][:2] for name in part}
    if not names:
        return None
    return candidates[best], tuple(v.name for v in layouts[0].variables if v.name in names and v.declared)


def _candidates(layout: AdditiveModel, excluded: Sequence[Mapping[str, Sequence[Any]]]) -> Ints:
    """Rows that are not there and differ from one that is in at most one factor; each once, in a fixed order.

    All in usual circumstances, those of most rows, which have the number 0.
    """
    have = {tuple(codes) for codes in layout.codes.tolist()}
    declared = [int(variable.declared) for variable in layout.variables]
    found: dict[tuple[int, ...], None] = {}
    for codes in sorted({tuple(np.multiply(codes, declared).tolist()) for codes in have}):
        for position in layout.declared:
            for level in range(len(layout.variables[position].levels)):
                changed = (*codes[:position], level, *codes[position + 1 :])
                if changed not in have and not _is_excluded(layout, changed, excluded):
                    found[changed] = None
    return np.array(list(found), dtype=np.int64).reshape(len(found), len(layout.variables))


def _is_excluded(layout: AdditiveModel, codes: Sequence[int], excluded: Sequence[Mapping[str, Sequence[Any]]]) -> bool:
    levels = {v.name: v.levels[code] for v, code in zip(layout.variables, codes, strict=True)}
    return any(all(levels.get(name) in out for name, out in rule.items()) for rule in excluded)


def _gains(layout: AdditiveModel, candidates: Ints) -> list[tuple[set[str], set[str], int]]:
    """Of each candidate: the factors it makes estimable, those it makes direct, and its number of direct contrasts."""
    has_direct = _direct_levels(layout)
    coded = layout.coded(candidates)
    seen = coded @ layout.null_space
    lengths = np.linalg.norm(seen, axis=1, keepdims=True)
    towards = np.divide(seen, lengths, out=np.zeros_like(seen), where=lengths > TOLERANCE)
    basis = layout.null_space[1:]
    left = np.sum(basis**2, axis=1)[None] - (towards @ basis.T) ** 2
    return [_gain(layout, codes, left[at] < TOLERANCE, has_direct) for at, codes in enumerate(candidates)]


def _gain(
    layout: AdditiveModel, codes: Ints, estimable: NDArray[np.bool_], has_direct: set[ModelColumn]
) -> tuple[set[str], set[str], int]:
    names = [variable.name for variable in layout.variables]
    told = {
        names[column.variable] for at, column in enumerate(layout.columns) if estimable[at] and not layout.estimable[at]
    }
    direct: set[str] = set()
    pairs = 0
    for position, variable in enumerate(layout.variables):
        for level in range(len(variable.levels)):
            other = codes.copy()
            other[position] = level
            if level == codes[position] or not layout.rows_with(other):
                continue
            pairs += 1
            column = ModelColumn(position, max(level, int(codes[position])))
            if 0 in (level, codes[position]) and column not in has_direct:
                direct.add(variable.name)
    return told | (direct & _lost(layout)), direct - _lost(layout), pairs


def _lost(layout: AdditiveModel) -> set[str]:
    """The factors with a level of which nothing can be told."""
    lost = {layout.variables[c.variable].name for at, c in enumerate(layout.columns) if not layout.estimable[at]}
    return lost | {
        variable.name
        for position, variable in enumerate(layout.variables)
        if any(
            layout.against_baseline(ModelColumn(position, level)) is None for level in range(1, len(variable.levels))
        )
    }


def _direct_levels(layout: AdditiveModel) -> set[ModelColumn]:
    """The levels that have a direct contrast with their baseline."""
    first, second, which = layout.direct
    found = set()
    for i, j, position in zip(first, second, which, strict=True):
        levels = {int(layout.codes[i, position]), int(layout.codes[j, position])}
        if 0 in levels:
            found.add(ModelColumn(int(position), max(levels)))
    return found


def _cost(layout: AdditiveModel, codes: Ints, free: set[str]) -> tuple[int, int, tuple[int, ...]]:
    """Whether it has to be trained, how far it is from the baseline, and its place in the order of combinations."""
    rest = [at for at, variable in enumerate(layout.variables) if variable.name not in free]
    trained = bool(np.all(layout.codes[:, rest] == codes[rest], axis=1).any()) if free else False
    return int(not trained), int(np.count_nonzero(codes)), tuple(codes.tolist())

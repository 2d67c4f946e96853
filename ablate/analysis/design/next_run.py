"""The next run to add: the cheapest missing row that separates the largest number of effects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.design.additive_model import TOLERANCE, AdditiveModel, ModelColumn

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOST_ROWS = 2000
"""The largest number of rows for which runs are suggested: with more, there are too many candidates to examine."""
MOST_RUNS = 5


@dataclass(frozen=True)
class Suggestion:
    """A combination of levels to run."""

    levels: Mapping[str, Any]
    """{factor: level}."""
    resolves: tuple[str, ...]
    """The factors whose effects the run would make estimable or direct."""


class _Gain(NamedTuple):
    """The gain from one candidate row."""

    estimable: set[str]
    """Factors that become estimable."""
    direct: set[str]
    """Estimable factors that get their first direct contrast."""
    pairs: int
    """The number of direct contrasts that the row adds."""


def suggest(
    models: Sequence[AdditiveModel], excluded: Sequence[Mapping[str, Sequence[Any]]], free: set[str]
) -> list[Suggestion]:
    """Return runs to add one after the other, until no effect is aliased.

    At least one run is returned if a factor has no direct contrast. Every run is in usual circumstances.

    `models`: the rows; several models if it is uncertain which levels a row had. The gain is summed over them.
    `excluded`: combinations of levels that are not allowed, {factor: levels} each. `free`: factors whose change costs
    an evaluation only, no training.
    """
    suggestions: list[Suggestion] = []
    while len(suggestions) < MOST_RUNS and len(models[0].codes) <= MOST_ROWS:
        if suggestions and all(model.estimable.all() for model in models):
            break
        best = _best(models, excluded, free)
        if best is None:
            break
        codes, resolves = best
        variables = models[0].variables
        levels = {v.name: v.levels[code] for v, code in zip(variables, codes, strict=True) if v.declared}
        suggestions.append(Suggestion(levels, resolves))
        models = [AdditiveModel(model.variables, np.vstack([model.codes, codes])) for model in models]
    return suggestions


def _best(
    models: Sequence[AdditiveModel], excluded: Sequence[Mapping[str, Sequence[Any]]], free: set[str]
) -> tuple[Ints, tuple[str, ...]] | None:
    """Return the row with the largest gain, and the factors that it resolves; None if no row has a gain.

    The row that makes most effects estimable wins, then most direct, then adds most direct contrasts; of equals, the
    cheapest.
    """
    candidates = _candidates(models[0], excluded)
    if not len(candidates):
        return None
    gains = [_gains(model, candidates) for model in models]
    estimable = [sum(len(gain[at].estimable) for gain in gains) for at in range(len(candidates))]
    direct = [sum(len(gain[at].direct) for gain in gains) for at in range(len(candidates))]
    pairs = [sum(gain[at].pairs for gain in gains) for at in range(len(candidates))]
    cost = [_cost(models[0], codes, free) for codes in candidates]
    best = min(range(len(candidates)), key=lambda at: (-estimable[at], -direct[at], -pairs[at], *cost[at]))
    names = {name for gain in gains for name in gain[best].estimable | gain[best].direct}
    resolves = tuple(v.name for v in models[0].variables if v.name in names and v.declared)
    return (candidates[best], resolves) if resolves else None  # a circumstance alone is no effect of a factor


def _candidates(model: AdditiveModel, excluded: Sequence[Mapping[str, Sequence[Any]]]) -> Ints:
    """Return missing rows that differ from an existing row in at most one factor; each once, in a fixed order.

    All are in usual circumstances, those of most rows, which have the number 0.
    """
    existing = {tuple(codes) for codes in model.codes.tolist()}
    declared = [int(variable.declared) for variable in model.variables]
    candidates: dict[tuple[int, ...], None] = {}
    for codes in sorted({tuple(np.multiply(codes, declared).tolist()) for codes in existing}):
        for position in model.declared:
            for level in range(len(model.variables[position].levels)):
                changed = (*codes[:position], level, *codes[position + 1 :])
                if changed not in existing and not _is_excluded(model, changed, excluded):
                    candidates[changed] = None
    return np.array(list(candidates), dtype=np.int64).reshape(len(candidates), len(model.variables))


def _is_excluded(model: AdditiveModel, codes: Sequence[int], excluded: Sequence[Mapping[str, Sequence[Any]]]) -> bool:
    levels = {v.name: v.levels[code] for v, code in zip(model.variables, codes, strict=True)}
    return any(all(levels.get(name) in out for name, out in rule.items()) for rule in excluded)


def _gains(model: AdditiveModel, candidates: Ints) -> list[_Gain]:
    """Return the gain from each candidate row."""
    has_direct = _direct_levels(model)
    coded = model.coded(candidates)
    in_null_space = coded @ model.null_space
    lengths = np.linalg.norm(in_null_space, axis=1, keepdims=True)
    towards = np.divide(in_null_space, lengths, out=np.zeros_like(in_null_space), where=lengths > TOLERANCE)
    basis = model.null_space[1:]
    left = np.sum(basis**2, axis=1)[None] - (towards @ basis.T) ** 2
    return [_gain(model, codes, left[at] < TOLERANCE, has_direct) for at, codes in enumerate(candidates)]


def _gain(model: AdditiveModel, codes: Ints, estimable: Bools, has_direct: set[ModelColumn]) -> _Gain:
    """Return the gain from a row. `estimable`: the columns that are estimable with it, shape (columns,)."""
    names = [variable.name for variable in model.variables]
    newly_estimable = {
        names[column.variable] for at, column in enumerate(model.columns) if estimable[at] and not model.estimable[at]
    }
    direct: set[str] = set()
    pairs = 0
    for position, variable in enumerate(model.variables):
        for level in range(len(variable.levels)):
            other = codes.copy()
            other[position] = level
            if level == codes[position] or not model.rows_with(other):
                continue
            pairs += 1
            column = ModelColumn(position, max(level, int(codes[position])))
            if 0 in (level, codes[position]) and column not in has_direct:
                direct.add(variable.name)
    lost = _not_estimable(model)
    return _Gain(newly_estimable | (direct & lost), direct - lost, pairs)


def _not_estimable(model: AdditiveModel) -> set[str]:
    """Return the factors with a level whose effect cannot be estimated."""
    aliased = {model.variables[c.variable].name for at, c in enumerate(model.columns) if not model.estimable[at]}
    return aliased | {
        variable.name
        for position, variable in enumerate(model.variables)
        if any(model.against_baseline(ModelColumn(position, level)) is None for level in range(1, len(variable.levels)))
    }


def _direct_levels(model: AdditiveModel) -> set[ModelColumn]:
    """Return the levels that have a direct contrast with their baseline."""
    first, second, variable = model.direct
    columns = set()
    for i, j, position in zip(first, second, variable, strict=True):
        levels = {int(model.codes[i, position]), int(model.codes[j, position])}
        if 0 in levels:
            columns.add(ModelColumn(int(position), max(levels)))
    return columns


def _cost(model: AdditiveModel, codes: Ints, free: set[str]) -> tuple[int, int, tuple[int, ...]]:
    """Return a key that sorts cheap rows first.

    1 if the row needs a training of its own, then the number of levels other than the baseline, then the codes.
    """
    rest = [at for at, variable in enumerate(model.variables) if variable.name not in free]
    trained = bool(np.all(model.codes[:, rest] == codes[rest], axis=1).any()) if free else False
    return int(not trained), int(np.count_nonzero(codes)), tuple(codes.tolist())

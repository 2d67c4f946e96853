"""What each factor does, from all rows at once: direct where rows allow it, by additivity where effects may add up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.design.additive_model import AdditiveModel, ModelColumn
from ablate.analysis.design.undeclared_differences import RecordedCircumstances
from ablate.analysis.estimation.estimates import EffectEstimate, FamilyInference, InferenceRules
from ablate.analysis.estimation.estimators import ROUNDING, EstimateArrays, measure_combinations
from ablate.analysis.estimation.observations import Observations
from ablate.analysis.looks.standing import FamilyMembers, LookStatus
from ablate.analysis.stats.multiplicity import benjamini_hochberg
from ablate.study.factors import level_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DIRECT, ADDITIVE, NONE = "direct", "additive", "none"
MOST_INTERACTIONS = 2000


@dataclass(frozen=True)
class Effect:
    """A level of a factor against its baseline, over all rows that tell of it.

    `identified`: direct, the mean over the `contexts` in which two rows differ in nothing else; additive, by least
    squares over all rows, if effects add up; none. `aliased_with`: the factors that it cannot be told apart from.
    """

    factor: str
    baseline: Any
    level: Any
    identified: str
    contexts: int
    aliased_with: tuple[str, ...]
    estimate: EffectEstimate


@dataclass(frozen=True)
class Interaction:
    """How much one level's effect changes with another's: a difference of differences, the mean over its squares.

    For exploring: `p_exploring` is adjusted by Benjamini and Hochberg over all interactions, and there is no verdict.
    """

    factors: tuple[str, str]
    levels: tuple[Any, Any]
    squares: int
    estimate: EffectEstimate
    p_exploring: float | None


@dataclass(frozen=True)
class ModelRows:
    """The rows that have results, as the additive model sees them. `at`: their positions among all rows."""

    layout: AdditiveModel
    at: Ints


@dataclass(frozen=True)
class EffectContrasts:
    """The effects of a study, as declared: what each row counts in each, shape (seeds, effects, rows).

    `contexts`: how many pairs of rows give each directly.
    """

    columns: Sequence[ModelColumn]
    contexts: Sequence[int]
    weights: Floats
    measured: EstimateArrays

    def watched(self, every: AdditiveModel) -> FamilyMembers:
        """The family of effects, for looks: an effect touches all rows that count in it."""
        touches = np.asarray(np.any(np.abs(np.nan_to_num(self.weights)) > ROUNDING, axis=0))
        names = tuple((every.variables[column.variable].name, _change(every, column)) for column in self.columns)
        return FamilyMembers(names, touches, self.measured, np.zeros(len(names), dtype=bool))


def weigh(
    cells: Observations, every: AdditiveModel, finished: ModelRows, around: RecordedCircumstances, new_queries: bool
) -> EffectContrasts:
    """One entry a factor and level other than its baseline: from direct pairs of rows, or else from all rows."""
    wanted = [
        ModelColumn(position, level)
        for position in every.declared
        for level in range(1, len(every.variables[position].levels))
    ]
    pairs = [_direct_pairs(cells, every, around, column) for column in wanted]
    weights = np.full((cells.hits.shape[1], len(wanted), len(cells.n)), np.nan)
    additive = _additive_weights(cells, finished)
    for k, (column, own) in enumerate(zip(wanted, pairs, strict=True)):
        if len(own):
            weights[:, k] = _mean_weights(cells, own, np.array([-1.0, 1.0]))
        elif (at := finished.layout.against_baseline(column)) is not None:
            weights[:, k] = additive[:, at]
    measured = measure_combinations(cells, weights, new_queries)
    return EffectContrasts(wanted, [len(own) for own in pairs], weights, measured)


def effects(
    weighed: EffectContrasts,
    every: AdditiveModel,
    finished: ModelRows,
    rules: InferenceRules,
    standing: LookStatus | None,
) -> tuple[Effect, ...]:
    """All effects, judged as a family; `standing`: where they stand after looks, if looks are at effects."""
    judged = FamilyInference(weighed.measured, rules, len(weighed.columns))
    return tuple(
        _effect(
            every,
            finished.layout,
            column,
            weighed.contexts[k],
            standing(k, judged[k]) if standing else judged[k],
        )
        for k, column in enumerate(weighed.columns)
    )


def interactions(
    cells: Observations, finished: ModelRows, rules: InferenceRules, new_queries: bool
) -> tuple[Interaction, ...]:
    """Every pair of levels of two factors for which four cells exist."""
    layout = finished.layout
    declared = [column for column in layout.columns if layout.variables[column.variable].declared]
    found: list[tuple[ModelColumn, ModelColumn, Ints]] = []
    for one, other in combinations(declared, 2):
        if one.variable != other.variable and len(found) < MOST_INTERACTIONS:
            squares = layout.squares(one, other)
            if squares:
                found.append((one, other, finished.at[np.array(squares)]))
    if not found:
        return ()
    corners = np.array([1.0, -1.0, -1.0, 1.0])
    weights = np.stack([_mean_weights(cells, squares, corners) for _, _, squares in found], axis=1)
    judged = FamilyInference(measure_combinations(cells, weights, new_queries), rules, len(found))
    exploring = benjamini_hochberg(judged.p)
    return tuple(
        Interaction(
            (layout.variables[one.variable].name, layout.variables[other.variable].name),
            (_level(layout, one), _level(layout, other)),
            len(squares),
            judged[k],
            None if np.isnan(exploring[k]) else float(exploring[k]),
        )
        for k, (one, other, squares) in enumerate(found)
    )


def _effect(
    every: AdditiveModel, finished: AdditiveModel, column: ModelColumn, contexts: int, estimate: EffectEstimate
) -> Effect:
    variable = every.variables[column.variable]
    identified = NONE if estimate.effect is None else DIRECT if contexts else ADDITIVE
    group = next((group for group in finished.aliases if column.variable in group), ())
    aliased = tuple(finished.variables[other].name for other in group if other != column.variable)
    if identified == NONE:
        estimate = replace(estimate, verdict=verdicts.NOT_ESTIMABLE)
    return Effect(
        variable.name,
        variable.levels[0],
        variable.levels[column.level],
        identified,
        contexts,
        aliased if identified == NONE else (),
        estimate,
    )


def _change(layout: AdditiveModel, column: ModelColumn) -> str:
    """`off -> on`: what tells the effects of one factor apart, to a store."""
    levels = layout.variables[column.variable].levels
    return f"{level_text(levels[0])} -> {level_text(levels[column.level])}"


def _direct_pairs(
    cells: Observations, every: AdditiveModel, around: RecordedCircumstances, column: ModelColumn
) -> Ints:
    """Pairs of rows, the baseline's level and this one, that differ in nothing else, on some common seed."""
    first, second, which = every.direct
    own = which == column.variable
    pairs = np.column_stack([first[own], second[own]])
    levels = every.codes[pairs, column.variable]
    forward = (levels == [0, column.level]).all(axis=1)
    backward = (levels == [column.level, 0]).all(axis=1)
    pairs = np.concatenate([pairs[forward], pairs[backward][:, ::-1]])
    known = ~np.isnan(cells.hits)
    common = (known[pairs[:, 0]] & known[pairs[:, 1]]).any(axis=1)
    unlike = every.codes[pairs[:, 0]] != every.codes[pairs[:, 1]]
    undeclared = around.between(pairs[:, 0], pairs[:, 1], unlike).any(axis=1)
    found: Ints = pairs[common & ~undeclared]
    return found


def _mean_weights(cells: Observations, groups: Ints, signs: Floats) -> Floats:
    """Each seed's mean over groups of rows, (groups, rows of a group), weighted by `signs`; shape (seeds, rows)."""
    rows, seeds = cells.hits.shape
    known = ~np.isnan(cells.hits)
    weights = np.zeros((seeds, rows))
    for seed in range(seeds):
        whole = groups[known[groups, seed].all(axis=1)]
        if len(whole):
            np.add.at(weights[seed], whole, np.broadcast_to(signs / len(whole), whole.shape))
        else:
            weights[seed] = np.nan
    return weights


def _additive_weights(cells: Observations, finished: ModelRows) -> Floats:
    """Each seed's least-squares weights of the rows that have it, shape (seeds, columns, rows)."""
    rows, seeds = cells.hits.shape
    columns: Sequence[ModelColumn] = finished.layout.columns
    known = ~np.isnan(cells.hits)
    weights = np.full((seeds, len(columns), rows), np.nan)
    solved: dict[bytes, Floats] = {}
    for seed in range(seeds):
        pattern = known[finished.at, seed]
        if pattern.tobytes() not in solved:
            solved[pattern.tobytes()] = _solved(finished, pattern, rows)
        weights[seed] = solved[pattern.tobytes()]
    return weights


def _solved(finished: ModelRows, pattern: Bools, rows: int) -> Floats:
    """The weights over all rows, nan for what the rows of the pattern cannot tell."""
    layout = AdditiveModel(finished.layout.variables, finished.layout.codes[pattern])
    found = np.full((len(finished.layout.columns), rows), np.nan)
    for at, column in enumerate(finished.layout.columns):
        own = layout.against_baseline(column)
        if own is not None and layout.estimable[own]:
            found[at] = 0.0
            found[at, finished.at[pattern]] = layout.weights[own]
    return found


def _level(layout: AdditiveModel, column: ModelColumn) -> Any:
    return layout.variables[column.variable].levels[column.level]

"""The effect of each level of a factor, from all rows: directly if pairs of rows allow it, otherwise by additivity."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.analysis import verdicts
from ablate.analysis.design.additive_model import AdditiveModel, ModelColumn
from ablate.analysis.design.study_design import FinishedRows, StudyDesign
from ablate.analysis.estimation.estimates import EffectEstimate, FamilyInference, InferenceRules
from ablate.analysis.estimation.estimators import ROUNDING, EstimateArrays, estimate_combinations
from ablate.analysis.estimation.observations import Observations
from ablate.analysis.looks.status import FamilyMembers, LookStatus
from ablate.analysis.stats.multiplicity import benjamini_hochberg
from ablate.analysis.untested import EQUAL_RESULTS, NOT_READ, Untested, unread_reasons
from ablate.study.factors import level_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DIRECT, ADDITIVE, NONE = "direct", "additive", "none"
MOST_INTERACTIONS = 2000


@dataclass(frozen=True)
class Effect:
    """A level of a factor against the factor's baseline, over all rows that have information about it."""

    factor: str
    baseline: Any
    level: Any
    identified: str
    """DIRECT: the mean over `contexts`. ADDITIVE: by least squares over all rows, if effects add up. NONE: not
    estimable."""
    contexts: int
    """The number of pairs of rows that differ in this factor only, from its baseline to this level."""
    aliased_with: tuple[str, ...]
    """The factors whose effects cannot be separated from this one."""
    estimate: EffectEstimate
    untested: Untested | None = None
    """Why no row can show an effect; None if rows can."""
    bundle: tuple[str, ...] = ()
    """The keys that the factor stands for, if they are several, which always vary together."""


@dataclass(frozen=True)
class Interaction:
    """The change of one level's effect with another level: a difference of differences, as the mean over its squares.

    Interactions are for exploring and have no verdict.
    """

    factors: tuple[str, str]
    levels: tuple[Any, Any]
    squares: int
    """The number of groups of four rows that differ in these two factors only."""
    estimate: EffectEstimate
    p_exploring: float | None
    """p adjusted over all interactions by Benjamini and Hochberg; None without an estimate."""


@dataclass(frozen=True)
class EffectContrasts:
    """The effects of a study as weighted sums of rows, in order of declaration."""

    columns: Sequence[ModelColumn]
    contexts: Sequence[int]
    """The number of pairs of rows that give each effect directly."""
    weights: Floats
    """The weight of each row in each effect, shape (seeds, effects, rows); nan if a seed cannot give the effect."""
    estimates: EstimateArrays

    def family_members(self, model: AdditiveModel) -> FamilyMembers:
        """Return the effects as a family, for looks. An effect touches all rows that have a weight in it.

        `model`: of all rows of the study.
        """
        touches = np.asarray(np.any(np.abs(np.nan_to_num(self.weights)) > ROUNDING, axis=0))
        names = tuple((model.variables[column.variable].name, _change(model, column)) for column in self.columns)
        return FamilyMembers(names, touches, self.estimates, np.zeros(len(names), dtype=bool))


def effect_contrasts(observations: Observations, design: StudyDesign, new_examples: bool) -> EffectContrasts:
    """Return an effect for each factor and level other than its baseline: from direct pairs, otherwise from all rows.

    `new_examples`: as in `estimate_pairs`.
    """
    finished, columns = design.finished, design.model.declared_columns
    pairs = [_direct_pairs(observations, design, column) for column in columns]
    weights = np.full((observations.values.shape[1], len(columns), len(observations.n)), np.nan)
    additive = _additive_weights(observations, finished)
    for k, (column, of_column) in enumerate(zip(columns, pairs, strict=True)):
        if len(of_column):
            weights[:, k] = _mean_weights(observations, of_column, np.array([-1.0, 1.0]))
        elif (at := finished.model.against_baseline(column)) is not None and not _is_without_effect(design, column):
            weights[:, k] = additive[:, at]
    estimates = estimate_combinations(observations, weights, new_examples)
    alike = [len(one) > 0 and bool(observations.are_alike(one[:, 0], one[:, 1]).all()) for one in pairs]
    estimates = replace(estimates, alike=np.array(alike, dtype=bool))
    return EffectContrasts(columns, [len(of_column) for of_column in pairs], weights, estimates)


def effects(
    contrasts: EffectContrasts, design: StudyDesign, rules: InferenceRules, look_status: LookStatus | None
) -> tuple[Effect, ...]:
    """Return all effects, tested as one family. `look_status`: if the study takes looks at its effects."""
    inference = FamilyInference(contrasts.estimates, rules, len(contrasts.columns))
    return tuple(
        _effect(
            design,
            column,
            contrasts.contexts[k],
            look_status.after_looks(k, inference[k]) if look_status else inference[k],
        )
        for k, column in enumerate(contrasts.columns)
    )


def interactions(
    observations: Observations, finished: FinishedRows, rules: InferenceRules, new_examples: bool
) -> tuple[Interaction, ...]:
    """Return an interaction for every pair of levels of two factors that some square of four rows has."""
    model = finished.model
    level_pairs = _levels_with_squares(finished)
    if not level_pairs:
        return ()
    corners = np.array([1.0, -1.0, -1.0, 1.0])
    weights = np.stack([_mean_weights(observations, squares, corners) for _, _, squares in level_pairs], axis=1)
    estimates = estimate_combinations(observations, weights, new_examples)
    inference = FamilyInference(estimates, rules, len(level_pairs))
    exploring = benjamini_hochberg(inference.p)
    return tuple(
        Interaction(
            (model.variables[one.variable].name, model.variables[other.variable].name),
            (model.level_of(one), model.level_of(other)),
            len(squares),
            inference[k],
            None if np.isnan(exploring[k]) else float(exploring[k]),
        )
        for k, (one, other, squares) in enumerate(level_pairs)
    )


def _levels_with_squares(finished: FinishedRows) -> list[tuple[ModelColumn, ModelColumn, Ints]]:
    """Return levels of two factors with their squares, shape (squares, 4), positions among all rows."""
    model = finished.model
    declared = [column for column in model.columns if model.variables[column.variable].declared]
    level_pairs: list[tuple[ModelColumn, ModelColumn, Ints]] = []
    for one, other in combinations(declared, 2):
        if one.variable != other.variable and len(level_pairs) < MOST_INTERACTIONS:
            squares = model.squares(one, other)
            if squares:
                level_pairs.append((one, other, finished.positions[np.array(squares)]))
    return level_pairs


def _effect(design: StudyDesign, column: ModelColumn, contexts: int, estimate: EffectEstimate) -> Effect:
    model, finished = design.model, design.finished.model
    variable = model.variables[column.variable]
    identified = NONE if estimate.effect is None else DIRECT if contexts else ADDITIVE
    aliased_with: tuple[str, ...] = ()
    if identified == NONE:
        group = next((group for group in finished.aliases if column.variable in group), ())
        aliased_with = tuple(finished.variables[other].name for other in group if other != column.variable)
        estimate = replace(estimate, verdict=verdicts.NOT_ESTIMABLE)
    bundle = design.results.bundles.get(variable.name, ())
    if bundle and identified != NONE:
        estimate = _confounded(estimate)
    levels, untested = (variable.levels[0], model.level_of(column)), None
    if identified == NONE and not aliased_with:
        untested = _untested(design, column)
    return Effect(variable.name, *levels, identified, contexts, aliased_with, estimate, untested, bundle)


def _confounded(estimate: EffectEstimate) -> EffectEstimate:
    """Return the estimate of several keys together, of which no single one can be named: it has no verdict."""
    judged = replace(estimate, verdict=verdicts.CONFOUNDED, more_seeds=None)
    return replace(judged, p_holm=None, p_equivalence=None, simultaneous=None)


def _is_without_effect(design: StudyDesign, column: ModelColumn) -> bool:
    """Return True if a level was read, and yet the rows that differ in it alone are one trial or have equal results."""
    results, read = design.results, design.read_model.codes[:, column.variable]
    pairs = [(one, other) for one, other in design.model.direct_pairs(column).tolist() if read[other] == column.level]
    factor = [design.model.variables[column.variable].name]
    return any(results.untested(results.rows[one], results.rows[other], factor) for one, other in pairs)


def _untested(design: StudyDesign, column: ModelColumn) -> Untested | None:
    """Return why rows of a level cannot show its effect: nothing reads it, or all equal those with the baseline."""
    results, factor = design.results, design.model.variables[column.variable].name
    pairs = design.model.direct_pairs(column).tolist()
    found = [results.untested(results.rows[one], results.rows[other], [factor]) for one, other in pairs]
    if found and None not in found:
        reasons = dict.fromkeys(reason for each in found if each for reason in each.reasons)
        equal = any(each.why == EQUAL_RESULTS for each in found if each)
        return Untested(EQUAL_RESULTS if equal else NOT_READ, tuple(reasons))
    rows = design.finished.positions[design.model.codes[design.finished.positions, column.variable] == column.level]
    if len(rows) and not np.any(design.read_model.codes[rows, column.variable]):
        labels = {results.rows[row].label for row in rows}
        return Untested(NOT_READ, unread_reasons(results.document.unread, [factor], labels))
    return None


def _change(model: AdditiveModel, column: ModelColumn) -> str:
    """Return `off -> on`, the name of an effect of its factor in a store."""
    baseline = model.variables[column.variable].levels[0]
    return f"{level_text(baseline)} -> {level_text(model.level_of(column))}"


def _direct_pairs(observations: Observations, design: StudyDesign, column: ModelColumn) -> Ints:
    """Return pairs of rows, baseline and this level, that differ in nothing else and have a common seed.

    Pairs that cannot differ are left out: they are one trial, because nothing reads the level, or their results are
    equal to the last bit. Shape (pairs, 2).
    """
    model = design.model
    pairs = model.direct_pairs(column)
    first, second = pairs.T
    present = ~np.isnan(observations.values)
    both = present[first] & present[second]
    differing = model.codes[first] != model.codes[second]
    undeclared = design.circumstances.between(first, second, differing).any(axis=1)
    can_differ = (both & ~observations.cannot_differ(first, second)).any(axis=1)
    clean: Ints = pairs[can_differ & ~undeclared]
    return clean


def _mean_weights(observations: Observations, groups: Ints, signs: Floats) -> Floats:
    """Return the weights of each seed's mean over groups of rows, shape (seeds, rows); nan if no group is complete.

    `groups`: positions of rows, shape (groups, rows of a group). `signs`: the weight of each row within its group.
    """
    rows, seeds = observations.values.shape
    present = ~np.isnan(observations.values)
    weights = np.zeros((seeds, rows))
    for seed in range(seeds):
        complete = groups[present[groups, seed].all(axis=1)]
        if len(complete):
            np.add.at(weights[seed], complete, np.broadcast_to(signs / len(complete), complete.shape))
        else:
            weights[seed] = np.nan
    return weights


def _additive_weights(observations: Observations, finished: FinishedRows) -> Floats:
    """Return each seed's least-squares weights over the rows that have a result, shape (seeds, columns, rows)."""
    rows, seeds = observations.values.shape
    present = ~np.isnan(observations.values)
    weights = np.full((seeds, len(finished.model.columns), rows), np.nan)
    by_pattern: dict[bytes, Floats] = {}
    for seed in range(seeds):
        pattern = present[finished.positions, seed]
        if pattern.tobytes() not in by_pattern:
            by_pattern[pattern.tobytes()] = _least_squares(finished, pattern, rows)
        weights[seed] = by_pattern[pattern.tobytes()]
    return weights


def _least_squares(finished: FinishedRows, pattern: Bools, rows: int) -> Floats:
    """Return the weights over all rows, shape (columns, rows); nan for effects that the rows cannot separate.

    `pattern`: True for the finished rows to use.
    """
    model = AdditiveModel(finished.model.variables, finished.model.codes[pattern])
    weights = np.full((len(finished.model.columns), rows), np.nan)
    for at, column in enumerate(finished.model.columns):
        own = model.against_baseline(column)
        if own is not None and model.estimable[own]:
            weights[at] = 0.0
            weights[at, finished.positions[pattern]] = model.weights[own]
    return weights

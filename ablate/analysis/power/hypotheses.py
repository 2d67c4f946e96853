"""The contrasts that a study will test, its family, from its rows' levels alone, before anything has run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ablate.analysis.design.additive_model import AdditiveModel, ModelColumn
from ablate.analysis.power.batch_verdicts import pair_weights
from ablate.errors import AblateError
from ablate.study.factors import level_text
from ablate.study.model import Family

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_ROWS, MOST_CONTRASTS = 2000, 2000
"""The largest numbers that are simulated: more would take minutes."""


@dataclass(frozen=True)
class Hypotheses:
    """A family of contrasts as weights of rows."""

    kind: str
    """"direct", "listed" or "effects"."""
    names: tuple[str, ...]
    """A name for each contrast."""
    weights: Floats
    """Shape (contrasts, rows); nan if the rows cannot give the contrast."""
    confounded: Bools
    """True for pairs of rows that differ in more than one factor and so have no verdict, shape (contrasts,)."""
    columns: Floats
    """1 for rows that have a factor's level, for every level other than a baseline; shape (columns, rows)."""

    @property
    def pairs(self) -> list[tuple[int, int]] | None:
        """The row before and the row after of each contrast; None if a contrast is not of two rows."""
        if np.isnan(self.weights).any() or not np.all(np.sort(self.weights)[:, [0, -1]] == [-1.0, 1.0]):
            return None
        if not np.all(np.abs(self.weights).sum(axis=1) == 2):
            return None
        return list(zip(self.weights.argmin(axis=1).tolist(), self.weights.argmax(axis=1).tolist(), strict=True))

    def without_repeats(self, trials: Sequence[str]) -> "Hypotheses":
        """Return the family in which a contrast of a trial with itself has no estimate. `trials`: of each row."""
        _, groups = np.unique(np.array(trials), return_inverse=True)
        of_trials = np.nan_to_num(self.weights) @ np.eye(int(groups.max(initial=0)) + 1)[groups.reshape(-1)]
        is_repeat = np.all(np.abs(of_trials) < 1e-9, axis=1) & ~np.isnan(self.weights).any(axis=1)
        return replace(self, weights=np.where(is_repeat[:, None], np.nan, self.weights))

    @cached_property
    def shares(self) -> Floats:
        """The value of each contrast if one column's effect is 1 and all others are 0, shape (columns, contrasts).

        1 or −1 for contrasts that isolate the column, otherwise 0; 0 for confounded or aliased contrasts.
        """
        testable = ~self.confounded & ~np.isnan(self.weights).any(axis=1)
        values = np.where(testable, self.columns @ np.nan_to_num(self.weights).T, 0.0)
        shares: Floats = np.where(np.abs(np.abs(values) - 1) < 1e-9, np.sign(values), 0.0)
        return shares

    @cached_property
    def isolated(self) -> NDArray[np.intp]:
        """The positions of the columns that some contrast isolates."""
        return np.flatnonzero(self.shares.any(axis=1))


def family_hypotheses(model: AdditiveModel, family: Family, labels: Sequence[str]) -> Hypotheses:
    """Return the family of a study. `model`, `labels`: of its rows.

    For a family of direct contrasts in which no two rows differ in one factor alone, the effects of the factors.
    AblateError if there are more rows or contrasts than can be simulated.
    """
    _check(len(labels), MOST_ROWS, "rows")
    if family.kind == "pairs":
        return _listed(model, family, labels)
    if family.kind == "direct":
        _check(len(model.direct[0]), MOST_CONTRASTS, "pairs of rows in the family")
        if len(model.direct[0]):
            return _direct(model, labels)
    return _effects(model)


def _check(count: int, most: int, noun: str) -> None:
    if count > most:
        advice = "a smaller design of the same kind, `family: effects`, or fewer pairs under `family` can be"
        raise AblateError(f"--power: {count:,} {noun}, of which at most {most:,} are simulated; {advice}")


def _listed(model: AdditiveModel, family: Family, labels: Sequence[str]) -> Hypotheses:
    _check(len(family.pairs), MOST_CONTRASTS, "pairs of rows in the family")
    pairs = [[labels.index(before), labels.index(after)] for before, after in family.pairs]
    first, second = np.array(pairs).reshape(-1, 2).T
    confounded = (model.codes[first] != model.codes[second]).sum(axis=1) != 1
    names = tuple(f"{before} → {after}" for before, after in family.pairs)
    return Hypotheses("listed", names, pair_weights(first, second, len(labels)), confounded, _columns(model))


def _direct(model: AdditiveModel, labels: Sequence[str]) -> Hypotheses:
    first, second, _ = model.direct
    names = tuple(f"{labels[i]} → {labels[j]}" for i, j in zip(first, second, strict=True))
    weights = pair_weights(first, second, len(labels))
    return Hypotheses("direct", names, weights, np.zeros(len(first), bool), _columns(model))


def _effects(model: AdditiveModel) -> Hypotheses:
    """Return each level against its factor's baseline: by direct pairs of rows, otherwise by least squares."""
    columns = model.declared_columns
    weights = np.array([_weights(model, column) for column in columns]).reshape(len(columns), len(model.codes))
    names = tuple(_name(model, column) for column in columns)
    return Hypotheses("effects", names, weights, np.zeros(len(columns), bool), _columns(model))


def _columns(model: AdditiveModel) -> Floats:
    return model.matrix[:, 1:].T


def _weights(model: AdditiveModel, column: ModelColumn) -> Floats:
    """Return the weight of each row in the effect of a column; nan if the rows cannot give it."""
    pairs = model.direct_pairs(column)
    if len(pairs):
        mean: Floats = pair_weights(pairs[:, 0], pairs[:, 1], len(model.codes)).mean(axis=0)
        return mean
    if column in model.columns:
        weights: Floats = model.weights[model.columns.index(column)]
        return weights
    return np.full(len(model.codes), np.nan)


def _name(model: AdditiveModel, column: ModelColumn) -> str:
    variable = model.variables[column.variable]
    return f"{variable.name} {level_text(variable.levels[0])} → {level_text(model.level_of(column))}"

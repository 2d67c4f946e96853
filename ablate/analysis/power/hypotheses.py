"""Which contrasts a study is about to ask, from its rows' levels alone: its family, before anything has run."""

from collections.abc import Sequence
from dataclasses import dataclass
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
"""More take minutes to simulate."""


@dataclass(frozen=True)
class Hypotheses:
    """A family of contrasts. `weights`: shape (contrasts, rows), nan where rows cannot tell it; `names`: one each.

    `confounded`: pairs of rows that differ in more than one factor, so that they have no verdict. `columns`: shape
    (columns, rows), the rows that have a factor's level, for every level but baselines.
    """

    kind: str
    names: tuple[str, ...]
    weights: Floats
    confounded: Bools
    columns: Floats

    @property
    def pairs(self) -> tuple[Sequence[int], Sequence[int]] | None:
        """The rows before and after, where all contrasts are of two rows."""
        if np.isnan(self.weights).any() or not np.all(np.sort(self.weights)[:, [0, -1]] == [-1.0, 1.0]):
            return None
        if not np.all(np.abs(self.weights).sum(axis=1) == 2):
            return None
        return self.weights.argmin(axis=1).tolist(), self.weights.argmax(axis=1).tolist()

    @cached_property
    def shares(self) -> Floats:
        """What each contrast is where one column's effect is 1 and no other has any: (columns, contrasts).

        Only of columns that some contrast isolates, and 0 for contrasts that are confounded or cannot be told.
        """
        told = ~self.confounded & ~np.isnan(self.weights).any(axis=1)
        shares = np.where(told, self.columns @ np.nan_to_num(self.weights).T, 0.0)
        found: Floats = np.where(np.abs(np.abs(shares) - 1) < 1e-9, np.sign(shares), 0.0)
        return found

    @cached_property
    def isolated(self) -> NDArray[np.intp]:
        """The columns that some contrast isolates."""
        return np.flatnonzero(self.shares.any(axis=1))


def asked(layout: AdditiveModel, family: Family, labels: Sequence[str]) -> Hypotheses:
    """The family of a study; where no two rows differ in one factor alone, its factors' effects in place of pairs.

    AblateError for more than can be simulated.
    """
    _check(len(labels), MOST_ROWS, "rows")
    columns = layout.matrix[:, 1:].T
    if family.kind != "pairs":
        first, second, _ = layout.direct
        if family.kind == "direct":
            _check(len(first), MOST_CONTRASTS, "pairs of rows in the family")
        if family.kind == "direct" and len(first):
            names = tuple(f"{labels[i]} → {labels[j]}" for i, j in zip(first, second, strict=True))
            return Hypotheses(
                "direct", names, pair_weights(first, second, len(labels)), np.zeros(len(first), bool), columns
            )
        return _effects(layout, columns)
    _check(len(family.pairs), MOST_CONTRASTS, "pairs of rows in the family")
    first, second = np.array([[labels.index(one), labels.index(other)] for one, other in family.pairs]).reshape(-1, 2).T
    confounded = (layout.codes[first] != layout.codes[second]).sum(axis=1) != 1
    names = tuple(f"{one} → {other}" for one, other in family.pairs)
    return Hypotheses("listed", names, pair_weights(first, second, len(labels)), confounded, columns)


def _check(count: int, most: int, what: str) -> None:
    if count > most:
        advice = "a smaller design of the same kind, `family: effects`, or fewer pairs under `family` can be"
        raise AblateError(f"--power: {count:,} {what}, of which at most {most:,} are simulated; {advice}")


def _effects(layout: AdditiveModel, columns: Floats) -> Hypotheses:
    """Each level against its factor's baseline: by the pairs that differ in nothing else, else by least squares."""
    wanted = [
        ModelColumn(position, level)
        for position in layout.declared
        for level in range(1, len(layout.variables[position].levels))
    ]
    weights = np.array([_weights(layout, column) for column in wanted]).reshape(len(wanted), len(layout.codes))
    return Hypotheses(
        "effects", tuple(_name(layout, column) for column in wanted), weights, np.zeros(len(wanted), bool), columns
    )


def _weights(layout: AdditiveModel, column: ModelColumn) -> Floats:
    first, second, which = layout.direct
    one, other = (layout.codes[end, column.variable] for end in (first, second))
    forward = (which == column.variable) & (one == 0) & (other == column.level)
    backward = (which == column.variable) & (one == column.level) & (other == 0)
    pairs = [*zip(first[forward], second[forward], strict=True), *zip(second[backward], first[backward], strict=True)]
    if pairs:
        before, after = np.array(pairs).T
        mean: Floats = pair_weights(before, after, len(layout.codes)).mean(axis=0)
        return mean
    if column in layout.columns:
        found: Floats = layout.weights[layout.columns.index(column)]
        return found
    return np.full(len(layout.codes), np.nan)


def _name(layout: AdditiveModel, column: ModelColumn) -> str:
    variable = layout.variables[column.variable]
    return f"{variable.name} {level_text(variable.levels[0])} → {level_text(variable.levels[column.level])}"

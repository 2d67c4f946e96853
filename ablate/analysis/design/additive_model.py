"""The additive model of rows: which rows differ in which factors, and which effects the rows can separate.

Everything here is about levels alone; no result is used.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TOLERANCE = 1e-8
"""Below it a coordinate of the null space counts as zero: the model's columns are 0 and 1."""


@dataclass(frozen=True)
class Variable:
    """A factor, or a circumstance that no factor declares."""

    name: str
    levels: tuple[Any, ...]
    """All levels, the baseline first."""
    declared: bool = True
    """True for a factor, False for a circumstance."""


@dataclass(frozen=True)
class ModelColumn:
    """A column of the additive model: the effect of a level against the variable's first level among the rows."""

    variable: int
    """The variable's position."""
    level: int
    """The level's number; 0 is the baseline."""


@dataclass(frozen=True)
class AdditiveModel:
    """Rows as numbers of levels."""

    variables: tuple[Variable, ...]
    """Factors first, then circumstances."""
    codes: Ints
    """The level's number of each row and variable, shape (rows, variables); 0 is the baseline."""

    @cached_property
    def declared(self) -> list[int]:
        """The positions of the factors among the variables; the others are circumstances."""
        return [position for position, variable in enumerate(self.variables) if variable.declared]

    @property
    def declared_columns(self) -> list[ModelColumn]:
        """A column for every declared level other than its factor's baseline, in order of declaration."""
        return [
            ModelColumn(position, level)
            for position in self.declared
            for level in range(1, len(self.variables[position].levels))
        ]

    @cached_property
    def columns(self) -> list[ModelColumn]:
        """The model's columns after the constant: every level that some row has, except each variable's first."""
        return [
            ModelColumn(position, int(level))
            for position in range(len(self.variables))
            for level in np.unique(self.codes[:, position])[1:]
        ]

    def against_baseline(self, column: ModelColumn) -> int | None:
        """Return the position in `columns` of a level against its baseline; None if rows do not have both."""
        has_both = column in self.columns and bool(np.any(self.codes[:, column.variable] == 0))
        return self.columns.index(column) if has_both else None

    def level_of(self, column: ModelColumn) -> Any:
        """Return the level of a column, as the study declares it."""
        return self.variables[column.variable].levels[column.level]

    @cached_property
    def matrix(self) -> Floats:
        """The additive model's X, shape (rows, 1 + columns): a constant, and a 0 or 1 for every level."""
        return self.coded(self.codes)

    def coded(self, codes: Ints) -> Floats:
        """Return X of any rows, given as `codes`; shape (rows, 1 + columns)."""
        coded = [codes[:, column.variable] == column.level for column in self.columns]
        return np.column_stack([np.ones(len(codes)), *coded]).astype(float)

    @cached_property
    def null_space(self) -> Floats:
        """An orthonormal basis of the coefficients that X maps to zero, shape (1 + columns, nullity)."""
        if not len(self.codes):
            return np.eye(1 + len(self.columns))
        tall = len(self.codes) > self.matrix.shape[1]
        square = np.linalg.qr(self.matrix, mode="r") if tall else self.matrix  # R has the same null space, but few rows
        _, sizes, rows = np.linalg.svd(square, full_matrices=True)
        rank = int(np.sum(sizes > sizes[0] * max(self.matrix.shape) * np.finfo(float).eps))
        basis: Floats = rows[rank:].T
        return basis

    @property
    def rank(self) -> int:
        """The rank of X."""
        return 1 + len(self.columns) - int(self.null_space.shape[1])

    @cached_property
    def estimable(self) -> Bools:
        """True for columns whose effect can be separated from all others: c·X⁺X = c. Shape (columns,)."""
        estimable: Bools = np.all(np.abs(self.null_space[1:]) < TOLERANCE, axis=1)
        return estimable

    @cached_property
    def aliases(self) -> list[tuple[int, ...]]:
        """Groups of variables whose effects cannot be separated, by position: connected parts of the null space."""
        projection = self.null_space @ self.null_space.T
        linked = np.abs(projection[1:, 1:]) > TOLERANCE
        groups: list[set[int]] = []
        for at in np.flatnonzero(~self.estimable):
            own = {self.columns[at].variable, *(self.columns[other].variable for other in np.flatnonzero(linked[at]))}
            touching = [group for group in groups if group & own]
            groups = [group for group in groups if not group & own] + [own.union(*touching)]
        return sorted(tuple(sorted(group)) for group in groups if len(group) > 1)

    @cached_property
    def weights(self) -> Floats:
        """The weight of each row in each column's least-squares effect, shape (columns, rows); nan if not estimable."""
        return np.where(self.estimable[:, None], np.linalg.pinv(self.matrix)[1:], np.nan)

    @cached_property
    def direct(self) -> tuple[Ints, Ints, Ints]:
        """Pairs of rows that differ in one variable alone: row, later row, variable; each pair once."""
        triples = np.array(
            [
                (i, j, position)
                for position in range(len(self.variables))
                for group in self._equal_except(position)
                for i, j in combinations(group, 2)
                if self.codes[i, position] != self.codes[j, position]
            ],
            dtype=np.int64,
        ).reshape(-1, 3)
        first, second, variable = triples[np.lexsort((triples[:, 1], triples[:, 0]))].T
        return first, second, variable

    def direct_pairs(self, column: ModelColumn) -> Ints:
        """Return pairs of rows, one with the baseline and one with this level, that differ in nothing else.

        Shape (pairs, 2), the row with the baseline first.
        """
        first, second, variable = self.direct
        of_variable = variable == column.variable
        pairs = np.column_stack([first[of_variable], second[of_variable]])
        levels = self.codes[pairs, column.variable]
        forward = (levels == [0, column.level]).all(axis=1)
        backward = (levels == [column.level, 0]).all(axis=1)
        return np.concatenate([pairs[forward], pairs[backward][:, ::-1]])

    def _equal_except(self, position: int) -> list[list[int]]:
        """Return groups of rows that have the same levels of all variables other than the one at `position`."""
        rest = np.delete(self.codes, position, axis=1)
        groups: dict[bytes, list[int]] = defaultdict(list)
        for row, key in enumerate(np.ascontiguousarray(rest)):
            groups[key.tobytes()].append(row)
        return [group for group in groups.values() if len(group) > 1]

    @cached_property
    def _rows_by_codes(self) -> Mapping[bytes, list[int]]:
        rows: dict[bytes, list[int]] = defaultdict(list)
        for row, key in enumerate(self.codes):
            rows[key.tobytes()].append(row)
        return rows

    def rows_with(self, codes: Ints) -> Sequence[int]:
        """Return the rows that have exactly these levels, shape (variables,)."""
        return self._rows_by_codes.get(np.ascontiguousarray(codes).tobytes(), ())

    def squares(self, one: ModelColumn, other: ModelColumn) -> list[tuple[int, int, int, int]]:
        """Return groups of four rows that differ in two variables only: without both levels, with one, other, both."""
        squares = []
        without = (self.codes[:, one.variable] == 0) & (self.codes[:, other.variable] == 0)
        for row in np.flatnonzero(without):
            corners = np.repeat(self.codes[row][None], 3, axis=0)
            corners[[0, 2], one.variable] = one.level
            corners[[1, 2], other.variable] = other.level
            others = [self.rows_with(corner) for corner in corners]
            if all(others):
                squares.append((int(row), others[0][0], others[1][0], others[2][0]))
        return squares


def additive_model(variables: Sequence[Variable], levels: Sequence[Sequence[Any]]) -> AdditiveModel:
    """Return the model of rows, each given as its level of every variable.

    A level of a row that its variable does not name is added to the variable.
    """
    numbers: list[dict[Any, int]] = [{_level_key(level): i for i, level in enumerate(v.levels)} for v in variables]
    codes = np.zeros((len(levels), len(variables)), dtype=np.int64)
    for row, of_row in enumerate(levels):
        for position, level in enumerate(of_row):
            codes[row, position] = numbers[position].setdefault(_level_key(level), len(numbers[position]))
    with_all_levels = tuple(
        Variable(v.name, tuple(level for _, level in keys), v.declared)
        for v, keys in zip(variables, numbers, strict=True)
    )
    return AdditiveModel(with_all_levels, codes)


def _level_key(level: Any) -> tuple[bool, Any]:
    """Return a level as a dictionary key that keeps True and 1 apart."""
    return isinstance(level, bool), level

"""Which rows differ in what, and what they can tell apart: the graph of rows, and the additive model.

Everything here is about levels alone, before any result is looked at.
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
    """A factor as the rows have it: its levels, the baseline first. `declared` is False of a circumstance."""

    name: str
    levels: tuple[Any, ...]
    declared: bool = True


@dataclass(frozen=True)
class ModelColumn:
    """A column of the additive model: what a level adds to the variable's first level among the rows."""

    variable: int
    level: int


@dataclass(frozen=True)
class AdditiveModel:
    """Rows as level numbers. `codes`: shape (rows, variables), 0 the baseline; circumstances stand last."""

    variables: tuple[Variable, ...]
    codes: Ints

    @cached_property
    def declared(self) -> list[int]:
        """The positions of the factors; the others are circumstances."""
        return [position for position, variable in enumerate(self.variables) if variable.declared]

    @cached_property
    def columns(self) -> list[ModelColumn]:
        """The model's columns after the constant: every level that some row has, but for each variable's first."""
        return [
            ModelColumn(position, int(level))
            for position in range(len(self.variables))
            for level in np.unique(self.codes[:, position])[1:]
        ]

    def against_baseline(self, column: ModelColumn) -> int | None:
        """Where the model has a level against its baseline, if rows have both."""
        known = column in self.columns and bool(np.any(self.codes[:, column.variable] == 0))
        return self.columns.index(column) if known else None

    @cached_property
    def matrix(self) -> Floats:
        """The additive model's X, shape (rows, 1 + columns): a constant, and a 0 or 1 for every level."""
        return self.coded(self.codes)

    def coded(self, codes: Ints) -> Floats:
        """X of any rows, shape (rows, 1 + columns)."""
        coded = [codes[:, column.variable] == column.level for column in self.columns]
        return np.column_stack([np.ones(len(codes)), *coded]).astype(float)

    @cached_property
    def null_space(self) -> Floats:
        """An orthonormal basis of what X cannot see, shape (1 + columns, nullity)."""
        if not len(self.codes):
            return np.eye(1 + len(self.columns))
        tall = len(self.codes) > self.matrix.shape[1]
        square = np.linalg.qr(self.matrix, mode="r") if tall else self.matrix  # sees the same, of however many rows
        _, sizes, rows = np.linalg.svd(square, full_matrices=True)
        rank = int(np.sum(sizes > sizes[0] * max(self.matrix.shape) * np.finfo(float).eps))
        basis: Floats = rows[rank:].T
        return basis

    @property
    def rank(self) -> int:
        return 1 + len(self.columns) - int(self.null_space.shape[1])

    @cached_property
    def estimable(self) -> Bools:
        """Of each column, whether its effect can be told from all others: c·X⁺X = c. Shape (columns,)."""
        found: Bools = np.all(np.abs(self.null_space[1:]) < TOLERANCE, axis=1)
        return found

    @cached_property
    def aliases(self) -> list[tuple[int, ...]]:
        """Groups of variables whose effects cannot be told apart, by position: the null space's connected parts."""
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
        """What each row counts in each column's least-squares effect, shape (columns, rows); nan if not estimable."""
        return np.where(self.estimable[:, None], np.linalg.pinv(self.matrix)[1:], np.nan)

    @cached_property
    def direct(self) -> tuple[Ints, Ints, Ints]:
        """Pairs of rows that differ in one variable alone: row, later row, variable; each pair once."""
        found = np.array(
            [
                (i, j, position)
                for position in range(len(self.variables))
                for group in self._alike_but(position)
                for i, j in combinations(group, 2)
                if self.codes[i, position] != self.codes[j, position]
            ],
            dtype=np.int64,
        ).reshape(-1, 3)
        first, second, which = found[np.lexsort((found[:, 1], found[:, 0]))].T
        return first, second, which

    def _alike_but(self, position: int) -> list[list[int]]:
        """Rows in groups that have the same levels of all other variables."""
        rest = np.delete(self.codes, position, axis=1)
        groups: dict[bytes, list[int]] = defaultdict(list)
        for row, key in enumerate(np.ascontiguousarray(rest)):
            groups[key.tobytes()].append(row)
        return [group for group in groups.values() if len(group) > 1]

    @cached_property
    def _of_codes(self) -> Mapping[bytes, list[int]]:
        found: dict[bytes, list[int]] = defaultdict(list)
        for row, key in enumerate(self.codes):
            found[key.tobytes()].append(row)
        return found

    def rows_with(self, codes: Ints) -> Sequence[int]:
        """The rows that have just these levels, shape (variables,)."""
        return self._of_codes.get(np.ascontiguousarray(codes).tobytes(), ())

    def squares(self, one: ModelColumn, other: ModelColumn) -> list[tuple[int, int, int, int]]:
        """Four rows each that differ in two variables only: without both, with one, with the other, with both."""
        found = []
        without = (self.codes[:, one.variable] == 0) & (self.codes[:, other.variable] == 0)
        for row in np.flatnonzero(without):
            corners = np.repeat(self.codes[row][None], 3, axis=0)
            corners[[0, 2], one.variable] = one.level
            corners[[1, 2], other.variable] = other.level
            others = [self.rows_with(corner) for corner in corners]
            if all(others):
                found.append((int(row), others[0][0], others[1][0], others[2][0]))
        return found


def lay_out(variables: Sequence[Variable], levels: Sequence[Sequence[Any]]) -> AdditiveModel:
    """The layout of rows, each given as its level of every variable; levels that none of them names are added."""
    numbers: list[dict[Any, int]] = [{_known(level): i for i, level in enumerate(v.levels)} for v in variables]
    codes = np.zeros((len(levels), len(variables)), dtype=np.int64)
    for row, of_row in enumerate(levels):
        for position, level in enumerate(of_row):
            codes[row, position] = numbers[position].setdefault(_known(level), len(numbers[position]))
    named = tuple(
        Variable(v.name, tuple(level for _, level in known), v.declared)
        for v, known in zip(variables, numbers, strict=True)
    )
    return AdditiveModel(named, codes)


def _known(level: Any) -> tuple[bool, Any]:
    """A level as a key: a boolean is no number."""
    return isinstance(level, bool), level

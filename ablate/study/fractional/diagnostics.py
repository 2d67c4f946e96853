"""What a set of runs can tell, in numbers: rank, efficiency, and which effects are correlated.

Loads numpy, which only designs that are no plain fraction need.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ablate.study.fractional.effects import Effect, effects_of

Array = np.ndarray[Any, np.dtype[np.float64]]

TINY = 1e-9


class FractionDiagnostics:
    """Runs as columns: for each effect orthonormal contrasts, of mean square 1 over all levels."""

    def __init__(self, runs: Sequence[Sequence[int]], levels: Sequence[int]) -> None:
        """`runs`: level numbers, a run a line; `levels`: how many each factor has."""
        codes = np.asarray(runs, dtype=int).reshape(len(runs), len(levels))
        self.levels = levels
        self.constant: Array = np.ones((len(runs), 1))
        self.main = [contrasts(size)[codes[:, number]] for number, size in enumerate(levels)]

    def block(self, effect: Effect) -> Array:
        """The columns of an effect: products of its factors' contrasts."""
        columns = self.main[effect[0]]
        for factor in effect[1:]:
            other = self.main[factor]
            columns = (columns[:, :, None] * other[:, None, :]).reshape(len(columns), -1)
        return np.asarray(columns)

    def matrix(self, order: int, without: Effect = ()) -> Array:
        """The model's matrix, the constant first; one effect may be left out."""
        effects = [effect for effect in effects_of(len(self.levels), order) if effect != without]
        return np.hstack([self.constant, *map(self.block, effects)])

    def rank(self, order: int) -> int:
        return int(np.linalg.matrix_rank(self.matrix(order)))

    def efficiency(self, order: int) -> float:
        """D-efficiency: 1 for an orthogonal array, 0 where not everything can be estimated."""
        matrix = self.matrix(order)
        if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
            return 0.0  # a determinant would be rounding noise here, another on each processor
        _, logarithm = np.linalg.slogdet(matrix.T @ matrix / len(matrix))
        return round(float(np.exp(logarithm / matrix.shape[1])), 6)

    def is_estimable(self, effect: Effect, order: int) -> bool:
        """Whether the effect can be told from all others of the model."""
        others, own = self.matrix(order, without=effect), self.block(effect)
        gained = int(np.linalg.matrix_rank(np.hstack([others, own])) - np.linalg.matrix_rank(others))
        return gained == len(own[0])

    def correlations(self, order: int) -> Iterator[tuple[Effect, Effect, float]]:
        """Main effects with each other, and for order 2 with two-factor interactions of other factors, where not 0.

        The largest canonical correlation: for factors of two levels, that of the two columns.
        """
        bases = {effect: self._basis(effect) for effect in effects_of(len(self.levels), order)}
        for one in effects_of(len(self.levels), 1):
            for other in bases:
                again = len(other) == 1 and other <= one
                size = 0.0 if again or one[0] in other else _canonical(bases[one], bases[other])
                if size > TINY:
                    yield one, other, min(size, 1.0)

    def _basis(self, effect: Effect) -> Array:
        """An orthonormal basis of the effect's columns without their means."""
        columns = self.block(effect)
        left, sizes, _ = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
        return np.asarray(left[:, sizes > TINY * len(columns)])


def contrasts(levels: int) -> Array:
    """A line a level: Helmert contrasts, orthogonal, of mean square 1; for two levels -1 and 1."""
    table = np.zeros((levels, levels - 1))
    for column in range(levels - 1):
        table[: column + 1, column] = -1.0
        table[column + 1, column] = column + 1.0
    return np.asarray(table * np.sqrt(levels / (table**2).sum(axis=0)))


def _canonical(one: Array, other: Array) -> float:
    if not one.size or not other.size:
        return 0.0
    return float(np.linalg.svd(one.T @ other, compute_uv=False)[0])

"""Diagnostics of a set of runs: the model's rank, its efficiency, and the correlations of its effects.

Loads numpy, which only designs need that are neither a full factorial nor a whole regular fraction.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ablate.study.fractional.effects import Effect, effects_of

Array = np.ndarray[Any, np.dtype[np.float64]]

TINY = 1e-9


class FractionDiagnostics:
    """Runs as columns of a model: for each effect orthogonal contrasts, of mean square 1 over all levels."""

    def __init__(self, runs: Sequence[Sequence[int]], levels: Sequence[int]) -> None:
        """`runs`: level numbers, of shape (runs, factors). `levels`: the number of levels of each factor."""
        codes = np.asarray(runs, dtype=int).reshape(len(runs), len(levels))
        self.levels = levels
        self.constant: Array = np.ones((len(runs), 1))
        self.main = [contrasts(size)[codes[:, number]] for number, size in enumerate(levels)]

    def block(self, effect: Effect) -> Array:
        """Return the columns of an effect, the products of its factors' contrasts, of shape (runs, columns)."""
        columns = self.main[effect[0]]
        for factor in effect[1:]:
            other = self.main[factor]
            columns = (columns[:, :, None] * other[:, None, :]).reshape(len(columns), -1)
        return np.asarray(columns)

    def matrix(self, order: int, without: Effect = ()) -> Array:
        """Return the model's matrix, of shape (runs, parameters), the constant first; one effect may be left out."""
        effects = [effect for effect in effects_of(len(self.levels), order) if effect != without]
        return np.hstack([self.constant, *map(self.block, effects)])

    def rank(self, order: int) -> int:
        """Return the rank of the model's matrix."""
        return int(np.linalg.matrix_rank(self.matrix(order)))

    def efficiency(self, order: int) -> float:
        """Return the D-efficiency: 1 for an orthogonal array, 0 if some parameter cannot be estimated."""
        matrix = self.matrix(order)
        if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
            return 0.0  # the determinant would be rounding noise, different on each processor
        _, logarithm = np.linalg.slogdet(matrix.T @ matrix / len(matrix))
        return round(float(np.exp(logarithm / matrix.shape[1])), 6)

    def is_estimable(self, effect: Effect, order: int) -> bool:
        """Return True if the effect can be separated from all others of the model."""
        others, own = self.matrix(order, without=effect), self.block(effect)
        gained = int(np.linalg.matrix_rank(np.hstack([others, own])) - np.linalg.matrix_rank(others))
        return gained == len(own[0])

    def correlations(self, order: int) -> Iterator[tuple[Effect, Effect, float]]:
        """Yield (main effect, other effect, correlation) for every correlation that is not 0.

        The other effect is a main effect or, for order 2, a two-factor interaction of other factors. The correlation
        is the largest canonical one; for factors of two levels, the absolute correlation of the two columns.
        """
        bases = {effect: self._basis(effect) for effect in effects_of(len(self.levels), order)}
        for one in effects_of(len(self.levels), 1):
            for other in bases:
                is_repeated = len(other) == 1 and other <= one
                size = 0.0 if is_repeated or one[0] in other else _canonical(bases[one], bases[other])
                if size > TINY:
                    yield one, other, min(size, 1.0)

    def _basis(self, effect: Effect) -> Array:
        """Return an orthonormal basis of the effect's columns, which are centred first."""
        columns = self.block(effect)
        left, sizes, _ = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
        return np.asarray(left[:, sizes > TINY * len(columns)])


def contrasts(levels: int) -> Array:
    """Return Helmert contrasts, orthogonal and of mean square 1, of shape (levels, levels - 1); -1 and 1 for two."""
    table = np.zeros((levels, levels - 1))
    for column in range(levels - 1):
        table[: column + 1, column] = -1.0
        table[column + 1, column] = column + 1.0
    return np.asarray(table * np.sqrt(levels / (table**2).sum(axis=0)))


def _canonical(one: Array, other: Array) -> float:
    if not one.size or not other.size:
        return 0.0
    return float(np.linalg.svd(one.T @ other, compute_uv=False)[0])

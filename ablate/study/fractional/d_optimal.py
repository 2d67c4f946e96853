"""D-optimal subsets of a full factorial, by coordinate exchange (Meyer and Nachtsheim 1995). Loads numpy."""

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ablate.study.fractional.diagnostics import FractionDiagnostics
from ablate.study.fractional.effects import parameters

Run = tuple[int, ...]

GOOD = 0.9
"""The D-efficiency at which no further run is added. An orthogonal array of 0.9 times the runs would do as well."""

TABLE = 20_000
"""The largest number of combinations of which all columns are computed in advance."""


def optimal_subset(levels: Sequence[int], order: int, most: int, allowed: Callable[[Run], bool]) -> list[Run] | None:
    """Return the fewest runs, below `most`, that estimate the model of this order with an efficiency of GOOD.

    `levels` has the number of levels of each factor. The run with every factor at level 0 is included, if it is
    allowed. If GOOD is not reached with twice as many runs as parameters, return the most efficient subset that was
    tried; None if no subset estimates the model. Random starts come from fixed seeds, so that a study stays the same.
    """
    count = parameters(levels, order)
    exchange = _Exchange(levels, order, allowed)
    best: tuple[float, list[Run]] = (0.0, [])
    for runs in range(count, min(2 * count + 1, most), max(1, count // 8)):
        for seed in range(max(1, 60 // count)):
            subset = exchange.subset(runs, seed)
            best = subset if subset[0] > best[0] + 1e-6 else best
        if best[0] >= GOOD:
            break
    return best[1] or None


class _Exchange:
    """Coordinate exchange: starts from random runs and changes one factor of one run at a time while that helps."""

    def __init__(self, levels: Sequence[int], order: int, allowed: Callable[[Run], bool]) -> None:
        self.levels, self.order, self.allowed = levels, order, allowed
        self.table: Any = None
        if prod(levels) <= TABLE:
            every = list(product(*map(range, levels)))
            self.table = FractionDiagnostics(every, levels).matrix(order)
            self.allowed = {run for run in every if allowed(run)}.__contains__  # it is called very often

    def subset(self, runs: int, seed: int) -> tuple[float, list[Run]]:
        """Return (efficiency, runs) that no change of one factor in a run improves; (0, []) if too few are allowed."""
        self.runs = self._random_runs(runs, seed)
        if len(self.runs) < runs:
            return 0.0, []
        self.rows, self.taken = self._rows(self.runs), set(self.runs)
        self._invert()
        for _ in range(20):
            if not self._improve():
                break
        chosen = sorted(self.runs)
        return FractionDiagnostics(chosen, self.levels).efficiency(self.order), chosen

    def _random_runs(self, runs: int, seed: int) -> list[Run]:
        random = np.random.default_rng(seed)
        first = (0,) * len(self.levels)
        chosen = dict.fromkeys([first] if self.allowed(first) else [])
        for _ in range(50 * runs):
            if len(chosen) == runs:
                break
            run = tuple(int(random.integers(size)) for size in self.levels)
            if self.allowed(run):
                chosen[run] = None
        return list(chosen)

    def _rows(self, runs: Sequence[Run]) -> Any:
        """Return the model's columns, a row for each run."""
        if self.table is None:
            return FractionDiagnostics(runs, self.levels).matrix(self.order)
        return self.table[np.ravel_multi_index(tuple(zip(*runs, strict=True)), tuple(self.levels))]

    def _invert(self) -> None:
        information = self.rows.T @ self.rows
        self.inverse = np.linalg.inv(information + 1e-5 * np.eye(len(information)))

    def _improve(self) -> bool:
        """Make one pass over all runs except the one at level 0, which designs start from; True if any changed."""
        changed = False
        for number in range(int(not any(self.runs[0])), len(self.runs)):
            for factor in range(len(self.levels)):
                changed |= self._try(number, factor)
        return changed

    def _try(self, number: int, factor: int) -> bool:
        """Set the factor of one run to the level with the largest determinant of X'X. Return True if it changed."""
        run = self.runs[number]
        others = [(*run[:factor], level, *run[factor + 1 :]) for level in range(self.levels[factor])]
        others = [other for other in others if other not in self.taken and self.allowed(other)]
        if not others:
            return False
        candidates, row = self._rows(others), self.rows[number]
        towards = candidates @ self.inverse
        gains = (1 + (towards * candidates).sum(axis=1)) * (1 - row @ self.inverse @ row) + (towards @ row) ** 2
        best = int(gains.argmax())
        if gains[best] <= 1 + 1e-6:
            return False
        self.taken = self.taken - {run} | {others[best]}
        self.runs[number], self.rows[number] = others[best], candidates[best]
        self._invert()
        return True

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
"""D-efficiency at which no further run is added: an orthogonal array would do as well with nine tenths of them."""

TABLE = 20_000
"""Combinations up to which all are made into columns beforehand."""


def optimal_subset(levels: Sequence[int], order: int, most: int, allowed: Callable[[Run], bool]) -> list[Run] | None:
    """The fewest runs, below `most`, that estimate the model of this order with an efficiency of GOOD.

    The run with every factor at level 0 is in it, if it is allowed. Where GOOD is not reached with twice as many
    runs as parameters, the most efficient of those tried; None if none estimates the model. Random beginnings
    come from fixed seeds, so that a study stays the same.
    """
    count = parameters(levels, order)
    exchange = _Exchange(levels, order, allowed)
    best: tuple[float, list[Run]] = (0.0, [])
    for runs in range(count, min(2 * count + 1, most), max(1, count // 8)):
        for seed in range(max(1, 60 // count)):
            found = exchange.subset(runs, seed)
            best = found if found[0] > best[0] + 1e-6 else best
        if best[0] >= GOOD:
            break
    return best[1] or None


class _Exchange:
    """Starts from random runs and changes one factor in one run at a time, as long as that gains anything."""

    def __init__(self, levels: Sequence[int], order: int, allowed: Callable[[Run], bool]) -> None:
        self.levels, self.order, self.allowed = levels, order, allowed
        self.table: Any = None
        if prod(levels) <= TABLE:
            every = list(product(*map(range, levels)))
            self.table = FractionDiagnostics(every, levels).matrix(order)
            self.allowed = {run for run in every if allowed(run)}.__contains__  # asked again and again

    def subset(self, runs: int, seed: int) -> tuple[float, list[Run]]:
        """(efficiency, runs) that no change of one factor in one run makes better; (0, []) if there are too few."""
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
        """The model's columns for each run."""
        if self.table is None:
            return FractionDiagnostics(runs, self.levels).matrix(self.order)
        return self.table[np.ravel_multi_index(tuple(zip(*runs, strict=True)), tuple(self.levels))]

    def _invert(self) -> None:
        information = self.rows.T @ self.rows
        self.inverse = np.linalg.inv(information + 1e-5 * np.eye(len(information)))

    def _improve(self) -> bool:
        """One pass over all runs but the first, which designs start from; whether anything changed."""
        changed = False
        for number in range(int(not any(self.runs[0])), len(self.runs)):
            for factor in range(len(self.levels)):
                changed |= self._try(number, factor)
        return changed

    def _try(self, number: int, factor: int) -> bool:
        """Puts the factor of one run at the level that makes the determinant of X'X largest."""
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

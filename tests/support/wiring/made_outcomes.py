"""Outcomes of studies that are drawn: every factor and the seed reach the trainer, or one of them does not."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from ablate.study.wiring.outcomes import Outcome, RowOutcomes

Rng = np.random.Generator
Draw = Callable[[Rng], Callable[[tuple[Any, ...], int], dict[str, float]]]
"""Takes a random stream and returns a function from the levels of a row, and a seed, to values of metrics."""


def add_one(factors: int) -> list[dict[str, int]]:
    """The levels of a baseline, and of a row for each factor."""
    return [{f"f{at}": int(at == row) for at in range(factors)} for row in range(-1, factors)]


def grid(factors: int) -> list[dict[str, int]]:
    return [{f"f{at}": level for at, level in enumerate(levels)} for levels in product((0, 1), repeat=factors)]


def drawn(
    rng: Rng, rows: Sequence[Mapping[str, int]], seeds: int, draw: Draw, without: str = "", with_seed: bool = True
) -> list[RowOutcomes]:
    """Return the outcomes of a study in which the factor `without`, or the seed, does not reach the trainer."""
    training, known = draw(rng), dict[Any, dict[str, float]]()
    made = []
    for at, levels in enumerate(rows):
        key = tuple(level for name, level in levels.items() if name != without)
        outcomes = {}
        for seed in range(seeds):
            values = known.setdefault((key, seed * with_seed), training(key, seed * with_seed))
            outcomes[seed] = Outcome(f"{at}/{seed}", values)
        made.append(RowOutcomes(f"row {at}", levels, outcomes))
    return made


def rates(n: int, spread: float, digits: int = 16, shared: float = 0.0, effects: float = 0.0) -> Draw:
    """Draw rates near 93 % over n examples.

    `spread`: SD between seeds, in examples; `shared`: the part of its variance that all rows of a seed share;
    `effects`: SD of the effects of rows, in spreads.
    """

    def trainings(rng: Rng) -> Callable[[tuple[Any, ...], int], dict[str, float]]:
        of_seed, of_row = dict[int, float](), dict[Any, float]()

        def train(key: tuple[Any, ...], seed: int) -> dict[str, float]:
            common = of_seed.setdefault(seed, float(rng.normal()))
            level = of_row.setdefault(key, float(rng.normal(0, effects)))
            own = shared**0.5 * common + (1 - shared) ** 0.5 * float(rng.normal()) + level
            return {"acc": round(min(max(round(0.93 * n + spread * own), 0), n) / n, digits)}

        return train

    return trainings


def losses(digits: int = 16, effects: float = 0.0) -> Draw:
    """Draw losses near 0.25 with an SD of 0.005 between seeds."""

    def trainings(rng: Rng) -> Callable[[tuple[Any, ...], int], dict[str, float]]:
        of_row = dict[Any, float]()

        def train(key: tuple[Any, ...], seed: int) -> dict[str, float]:
            level = of_row.setdefault(key, float(rng.normal(0, effects)))
            return {"loss": round(0.25 + 0.005 * (float(rng.normal()) + level), digits)}

        return train

    return trainings

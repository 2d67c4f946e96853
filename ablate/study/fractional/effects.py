"""Main effects and interactions, by the numbers of their factors."""

from collections.abc import Sequence
from itertools import combinations
from math import prod

Effect = tuple[int, ...]


def effects_of(factors: int, order: int) -> list[Effect]:
    """Return the main effects, and the interactions of up to `order` factors."""
    return [effect for size in range(1, order + 1) for effect in combinations(range(factors), size)]


def parameters(levels: Sequence[int], order: int) -> int:
    """Return the number of columns of a model of these effects, with the constant.

    `levels` has the number of levels of each factor.
    """
    effects = effects_of(len(levels), order)
    return 1 + sum(prod(levels[factor] - 1 for factor in effect) for effect in effects)

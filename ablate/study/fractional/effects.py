"""Main effects and interactions, by the numbers of their factors."""

from collections.abc import Sequence
from itertools import combinations
from math import prod

Effect = tuple[int, ...]


def effects_of(factors: int, order: int) -> list[Effect]:
    """Main effects, and interactions of up to `order` factors."""
    return [effect for size in range(1, order + 1) for effect in combinations(range(factors), size)]


def parameters(levels: Sequence[int], order: int) -> int:
    """How many columns a model of these effects has, the constant included; `levels` is how many each factor has."""
    effects = effects_of(len(levels), order)
    return 1 + sum(prod(levels[factor] - 1 for factor in effect) for effect in effects)

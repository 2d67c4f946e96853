"""The seeds that a study asks for: a number, a list, a range, or looks."""

import re
from itertools import pairwise
from typing import Any

SEEDS = "a number of seeds (1 to 10,000), a list of different seeds from 0 to 2^31 - 1, first..last, {looks: [...]}"

MOST_SEEDS, LARGEST_SEED = 10_000, 2**31


def read_seeds(value: Any) -> list[int]:
    """The seeds that a value asks for; empty where it is none of SEEDS."""
    seeds = _listed(value)
    right = seeds and min(seeds) >= 0 and max(seeds) < LARGEST_SEED and len(set(seeds)) == len(seeds) <= MOST_SEEDS
    return seeds if right else []


def _listed(value: Any) -> list[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return list(range(value)) if value <= MOST_SEEDS else []
    if isinstance(value, str) and (match := re.fullmatch(r"([0-9]{1,10})\.\.([0-9]{1,10})", value)):
        first, last = int(match[1]), int(match[2])
        return list(range(first, last + 1)) if last - first < MOST_SEEDS else []
    if isinstance(value, dict):
        looks = value.get("looks") if set(value) == {"looks"} else None
        return _listed(looks[0]) if isinstance(looks, list) and _ascending(looks) else []
    return value if isinstance(value, list) and all(type(seed) is int for seed in value) else []


def _ascending(looks: list[Any]) -> bool:
    if not looks or not all(type(look) is int for look in looks):
        return False
    return looks[0] > 0 and all(before < after for before, after in pairwise(looks))

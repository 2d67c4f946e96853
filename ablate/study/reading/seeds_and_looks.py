"""Reads the `seeds` of a study file: a number, a list, a range, or looks."""

import re
from collections.abc import Iterator
from typing import Any

from ablate.study.reading.nodes import yaml_text
from ablate.study.reading.problems import Problems
from ablate.trainers.config import whole

SEEDS = (
    "a number of seeds like 5 (1 to 10,000), a range like 0..4, a list of different seeds from 0 to 2^31 - 1, "
    "{looks: [...]}"
)
LOOKS = "numbers of seeds that increase, like [2, 3, 5, 7, 10]"

MOST_SEEDS, LARGEST_SEED = 10_000, 2**31
LEAST_SEEDS, MOST_LOOKS = 2, 20
"""The smallest number of seeds at a look, as one seed has no spread; and the largest number of looks.

More looks gain nothing and take seconds to compute.
"""

DEFAULT_LOOKS = (2, 3, 5, 7, 10)
"""The looks if a command requests looks and the file has none."""


def read_seeds(value: Any, problems: Problems) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the seeds of the first look or of all rows, and the looks, if there are any; record the faults."""
    value = [whole(each) for each in value] if isinstance(value, list) else whole(value)
    if isinstance(value, dict) and set(value) == {"looks"}:
        looks = _looks(value["looks"], problems)
        return tuple(range(looks[0])) if looks else (), looks
    seeds = _listed(value)
    is_right = seeds and min(seeds) >= 0 and max(seeds) < LARGEST_SEED and len(set(seeds)) == len(seeds) <= MOST_SEEDS
    if not is_right:
        problems.expected(("seeds",), value, SEEDS)
    return tuple(seeds) if is_right else (), ()


def _looks(value: Any, problems: Problems) -> tuple[int, ...]:
    """Return the looks; empty if they have faults, which are recorded."""
    path = ("seeds", "looks")
    value = [whole(each) for each in value] if isinstance(value, list) else value
    if not isinstance(value, list) or not value:
        problems.expected(path, value, LOOKS)
        return ()
    wrong = list(_wrong_looks(value))
    for at, accepted in wrong:
        problems.expected((*path, at), value[at], accepted)
    if not wrong and len(value) == 1:
        problems.add(path, f"one look is a plain number; write `seeds: {yaml_text(value[0])}`, or add looks: {LOOKS}")
    if len(value) > MOST_LOOKS:
        problems.add(path, f"{len(value)} looks; at most {MOST_LOOKS}")
    return () if wrong or not 1 < len(value) <= MOST_LOOKS else tuple(value)


def _wrong_looks(looks: list[Any]) -> Iterator[tuple[int, str]]:
    """Yield the position of each look that is not possible, and the values that are accepted there."""
    before = 0
    for at, look in enumerate(looks):
        if type(look) is not int:
            yield at, "a whole number"
        elif not LEAST_SEEDS <= look <= MOST_SEEDS:
            yield at, f"{LEAST_SEEDS} to {MOST_SEEDS:,} seeds" + ("; one has no spread" if look == 1 else "")
        elif look <= before:
            yield at, f"more than the {before} of the look before"
        before = max(before, look) if type(look) is int else before


def _listed(value: Any) -> list[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return list(range(value)) if value <= MOST_SEEDS else []
    if isinstance(value, str) and (match := re.fullmatch(r"([0-9]{1,10})\.\.([0-9]{1,10})", value)):
        first, last = int(match[1]), int(match[2])
        return list(range(first, last + 1)) if last - first < MOST_SEEDS else []
    return value if isinstance(value, list) and all(type(seed) is int for seed in value) else []

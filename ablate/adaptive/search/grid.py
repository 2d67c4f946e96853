"""All points of a space of steps and choices, in the order of the file, the last dimension varying fastest."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from ablate.study.search_space.space import SearchSpec


def points(search: SearchSpec) -> Iterator[dict[str, Any]]:
    """The points of a search whose dimensions all have a step or choices."""
    names = [dimension.name for dimension in search.dimensions]
    for values in product(*(dimension.values for dimension in search.dimensions)):
        yield dict(zip(names, values, strict=True))

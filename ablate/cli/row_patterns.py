"""Rows by their labels, as options and arguments name them."""

import difflib
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from ablate.errors import AblateError

MOST_LISTED = 20
MOST_COMPARED = 2_000
"""Labels among which the nearest is looked for: it takes long to find among a hundred thousand."""


def matching(labels: Collection[str], patterns: Sequence[str], asked: str) -> list[str]:
    """The labels that are, or match, one of the patterns; AblateError for a pattern of none. `asked` is its option."""
    for pattern in patterns:
        if not any(_matches(label, pattern) for label in labels):
            raise AblateError(f"{asked} {pattern!r}: no row has such a label{_nearest(pattern, labels)}")
    return [label for label in labels if any(_matches(label, pattern) for pattern in patterns)]


def _matches(label: str, pattern: str) -> bool:
    return label == pattern or fnmatchcase(label, pattern)


def _nearest(pattern: str, labels: Collection[str]) -> str:
    """The nearest label, and what there is to choose from."""
    some = list(labels)
    near = difflib.get_close_matches(pattern, some[:MOST_COMPARED], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    more = [f"  … and {len(some) - MOST_LISTED:,} more"] if len(some) > MOST_LISTED else []
    return "\n".join([f"{hint} the rows are:", *(f"  {label}" for label in some[:MOST_LISTED]), *more])

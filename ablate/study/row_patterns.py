"""Selecting rows by their labels or by patterns."""

import difflib
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from ablate.errors import AblateError

MOST_LISTED = 20
"""Labels that a message lists."""

MOST_COMPARED = 2_000
"""Labels that are compared to find the nearest one: a hundred thousand would take long."""


def matching(labels: Collection[str], patterns: Sequence[str], option: str) -> list[str]:
    """Return the labels that equal or match one of the patterns.

    Raises AblateError for a pattern that no label matches; the message begins with `option`.
    """
    for pattern in patterns:
        if not any(_matches(label, pattern) for label in labels):
            raise AblateError(f"{option} {pattern!r}: no row has such a label{_advice(pattern, labels)}")
    return [label for label in labels if any(_matches(label, pattern) for pattern in patterns)]


def _matches(label: str, pattern: str) -> bool:
    return label == pattern or fnmatchcase(label, pattern)


def _advice(pattern: str, labels: Collection[str]) -> str:
    """Return the nearest label and a list of the labels, to follow a fault."""
    some = list(labels)
    near = difflib.get_close_matches(pattern, some[:MOST_COMPARED], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    more = [f"  … and {len(some) - MOST_LISTED:,} more"] if len(some) > MOST_LISTED else []
    return "\n".join([f"{hint} the rows are:", *(f"  {label}" for label in some[:MOST_LISTED]), *more])

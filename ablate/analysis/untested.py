"""Comparisons that no result can decide: of a trial with itself, and of results that are equal to the last bit."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ablate.store.plan_document import UnreadLevels

Bools = NDArray[np.bool_]

NOT_READ: Final = "not_read"
EQUAL_RESULTS: Final = "equal_results"


@dataclass(frozen=True)
class Untested:
    """Why a comparison is not tested."""

    why: Literal["not_read", "equal_results"]
    """NOT_READ: one trial stands for both rows, because nothing reads the difference. EQUAL_RESULTS: two trials of each
    seed have equal results of every example, which chance cannot explain."""
    reasons: tuple[str, ...] = ()
    """Why nothing reads the difference, such as `schedule.optimizer is adam`; empty if it is not known."""


def unread_reasons(unread: Sequence[UnreadLevels], factors: Sequence[str], labels: Set[str]) -> tuple[str, ...]:
    """Return why nothing reads the levels of some factors in some of these rows."""
    found = [each.reason for each in unread if each.factor in factors and labels & set(each.rows)]
    return tuple(dict.fromkeys(found))


def read_levels(unread: Sequence[UnreadLevels], factors: Sequence[str], labels: Sequence[str]) -> Bools:
    """Return True for each row and factor if something reads the level of the factor, shape (rows, factors)."""
    is_read = np.ones((len(labels), len(factors)), dtype=bool)
    rows: Mapping[str, int] = {label: at for at, label in enumerate(labels)}
    columns: Mapping[str, int] = {name: at for at, name in enumerate(factors)}
    for each in unread:
        known = [rows[label] for label in each.rows if label in rows]
        if each.factor in columns:
            is_read[known, columns[each.factor]] = False
    return is_read

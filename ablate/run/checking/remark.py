"""A sentence about a study that was checked."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Remark:
    """A sentence of a check."""

    text: str
    is_fault: bool = False
    """True if something is wrong."""

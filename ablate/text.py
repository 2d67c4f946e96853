"""Many faults in one message."""

from collections.abc import Sequence

MOST = 20
"""Faults that are listed one by one."""


def listed(faults: Sequence[str]) -> str:
    """The first ones, a line each, and how many more there are."""
    lines = [f"  {fault}" for fault in faults[:MOST]]
    return "\n".join([*lines, *([f"  and {len(faults) - MOST:,} more"] if len(faults) > MOST else [])])

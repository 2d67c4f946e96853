"""Small pieces of text: counts, durations and lists of faults."""

from collections.abc import Sequence

MOST_FAULTS = 20
"""The largest number of faults that are listed one by one."""


def plural(count: int, noun: str) -> str:
    """Return a count and its noun, such as `1 trial` or `3 trials`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a duration in words, rounded to two units: 42 s, 3 min 5 s, 17 min, 5 h 40 min, 3 d 4 h."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def fault_lines(faults: Sequence[str]) -> str:
    """Return the first MOST_FAULTS faults, one a line, and the number of the others."""
    lines = [f"  {fault}" for fault in faults[:MOST_FAULTS]]
    return "\n".join([*lines, *([f"  and {len(faults) - MOST_FAULTS:,} more"] if len(faults) > MOST_FAULTS else [])])

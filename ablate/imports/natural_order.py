"""The order of names with numbers that people expect: `run2` before `run10`."""

import re

_NUMBER = re.compile(r"([0-9]+)")


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return the key that sorts texts with numbers in the order of the numbers."""
    parts = _NUMBER.split(text)
    return tuple((0, int(part), "") if part.isdecimal() and len(part) < 20 else (1, 0, part) for part in parts)

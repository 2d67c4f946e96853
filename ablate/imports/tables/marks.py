"""Columns of a paper's table that mark with ✓ or ✗ which components a row has, as the levels "on" and "off"."""

from collections.abc import Collection, Set

ON, OFF = "on", "off"
"""The levels of a component."""

_ON = frozenset("✓✔☑✅●")
_OFF = frozenset("✗✘☒❌❎○")
_CROSSES = frozenset({"x", "X", "×"})
_BLANKS = frozenset({"", "-", "–", "—", "−", "--", "---"})
_PLUS = frozenset({"+"})


def levels(texts: Collection[str], is_markup: bool, has_ticks: bool) -> dict[str, str]:
    """Return {text of a cell: "on" or "off"} for the different cells of a column; empty if they are no marks.

    `is_markup`: True for Markdown and LaTeX, in which `x`, `+` and empty cells may be marks. `has_ticks`: True if any
    column of the table has a ✓, so that an `x` is its opposite; otherwise an `x` marks a component that is there.
    """
    marks = {text: text.replace("\ufe0f", "").replace("\ufe0e", "") for text in texts}
    different = frozenset(marks.values())
    ons = _ON | (_PLUS if is_markup else frozenset())
    offs = _OFF | _BLANKS
    if is_markup:
        is_opposite = has_ticks or different & (ons | _OFF)
        ons, offs = (ons, offs | _CROSSES) if is_opposite else (ons | _CROSSES, offs)
    if not different <= ons | offs or not different - _BLANKS:
        return {}
    return {text: ON if mark in ons else OFF for text, mark in marks.items()}


def has_ticks(texts: Set[str]) -> bool:
    """Return True if one of the cells is a ✓."""
    return any(text and text[0] in _ON for text in texts)

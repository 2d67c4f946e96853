"""The cells of a run: nested settings with dotted names, and metrics as numbers."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from math import isfinite, isnan, nan
from typing import Any

from ablate.errors import SourceError
from ablate.imports.source import Cell
from ablate.imports.trackers.documents import LeftOut

MOST_COLUMNS, DEEPEST = 10_000, 50
"""The largest number of columns of one run, and the deepest nesting of its settings."""
LONGEST_TEXT = 10_000
"""Letters of a text that are kept."""

COUNTERS = {"epoch", "step", "global_step", "iteration", "iter"}
"""The last parts of names that trackers log next to metrics, to count how far a training is."""
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]{0,30})(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][-+]?[0-9]{1,3})?")
_WORDS = {"nan": nan, "inf": nan, "infinity": nan, "-inf": nan, "-infinity": nan, "n/a": nan}


def flat(settings: Mapping[str, Any], place: str, unused: list[str], separator: str = ".") -> dict[str, Cell]:
    """Return nested settings as {name with dots: cell}, or with another separator.

    A list of plain values is one cell with its text, `[0.9, 0.999]`; other lists have a name for each item. Values that
    only executing code could make are left out, with a sentence in `unused`. SourceError if there are too many.
    """
    cells: dict[str, Cell] = {}
    for name, value in _leaves(settings, (), place, separator):
        if isinstance(value, LeftOut):
            unused.append(f"{place}: {name} is left out: its value is an object ({value.tag}), which is not built")
            continue
        cells[name] = cell(value)
        if len(cells) > MOST_COLUMNS:
            raise SourceError(f"{place}: more than {MOST_COLUMNS:,} settings; a run has fewer")
    return cells


def _leaves(value: Any, above: tuple[str, ...], place: str, separator: str) -> Iterator[tuple[str, Any]]:
    if len(above) > DEEPEST:
        raise SourceError(f"{place}: {separator.join(above)[:80]}: nested more than {DEEPEST} levels deep")
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict | list | LeftOut) for item in value):
        items = dict(enumerate(value)).items()
    else:
        yield separator.join(above), value
        return
    for key, item in items:
        yield from _leaves(item, (*above, str(key)), place, separator)


def cell(value: Any) -> Cell:
    """Return a plain value as a cell; a list as its text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, default=str)[:LONGEST_TEXT]
    return str(value)[:LONGEST_TEXT]


def number(value: Any) -> float | None:
    """Return a metric's value as a float, nan if it is not finite; None if it is no number.

    The words NaN and Infinity count as numbers, because JSON has no others for them.
    """
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    if isinstance(value, bool | int | float):
        try:
            return float(value) if isfinite(value) else nan
        except OverflowError:
            return nan
    return None


def number_in_text(text: str) -> float | None:
    """Return the number that a cell of a CSV file holds, nan if it is not finite; None if it holds none."""
    try:
        return number(float(text))
    except ValueError:
        return None


def typed(text: str) -> Cell:
    """Return a setting that was written as text: a bool, a whole number, a number, or the text itself.

    A number with a leading zero stays text, since it names something: `007`.
    """
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    parsed = number_in_text(text) if _NUMBER.fullmatch(text) else None
    return text if parsed is None or isnan(parsed) else parsed


def is_counter(name: str) -> bool:
    """Return True for the name of a number that counts how far a training is: `epoch`, `trainer/global_step`."""
    return name.replace("/", ".").rpartition(".")[2].lower() in COUNTERS

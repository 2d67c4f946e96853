"""The text of one cell as a number, a mean with its standard deviation, or a mark for on and off."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

MISSING = frozenset({"", "-", "—", "–", "−", "--", "---", "nan", "n/a", "na", "#n/a", "null", "<na>", "n.a."})
"""Texts of cells without a value, in small letters."""
NO_NUMBER = MISSING | {"none"}
"""Texts of cells without a value in a column of numbers. In a column of text, `None` is a level."""
NO_RESULT = frozenset({"oom", "diverged", "div", "div.", "failed", "fail", "error", "crashed", "timeout", "killed"})
"""Texts that stand for the value of a run that has none."""

MOST_LETTERS = 80
"""The longest text that may be a number."""


class Notation(Enum):
    """How numbers are written."""

    POINT = "1,234.5"
    COMMA = "1.234,5"


@dataclass(frozen=True)
class Quantity:
    """A number in a cell."""

    value: int | float
    sd: float | None = None
    """The standard deviation next to it; None without one."""
    is_percent: bool = False
    """True if a percent sign follows it. The value is then a rate."""
    has_note: bool = False
    """True if a difference or an interval in brackets follows it, such as (+1.2) or [0.8, 0.9]."""


_LOOSE = r"[+-]?(?:\d[\d.,'\u00a0\u202f ]*|[.,]\d+)(?:[eE][+-]?\d+)?|[+-]?nan|[+-]?inf"
_SPREAD = rf"(?:±|\+/-|\+-)\s*(?P<sd>{_LOOSE})\s*(?P<sd_percent>%?)"
_SD_SIGN = r"(?:±|\+/-|\+-|std[ =:]*|sd[ =:]*|σ[ =:]*)?"
_BRACKET = rf"[(\[]\s*{_SD_SIGN}\s*(?P<bracket>(?![+-]|[^)\]]*(?:,\s|;|–))(?:{_LOOSE}))\s*%?\s*[)\]]"
_DIFFERENCE = r"[({\[]\s*[-+↑↓△▽▲▼Δ]\s*[\d.,]*\s*(?:%|pp|pt|pts)?\s*[-+↑↓▲▼]?\s*[)}\]]"
_INTERVAL = rf"[(\[]\s*(?:{_LOOSE})\s*%?\s*(?:,\s|;|–|\bto\b)\s*(?:{_LOOSE})\s*%?\s*[)\]]"
_QUANTITY = re.compile(
    rf"(?P<value>{_LOOSE})\s*(?P<percent>%?)\s*"
    rf"(?:{_SPREAD}|[(\[]\s*{_SPREAD.replace('<sd', '<in_sd')}\s*[)\]]|{_BRACKET})?\s*"
    rf"(?P<note>{_DIFFERENCE}|{_INTERVAL})?\s*[*†‡§]*",
    re.IGNORECASE,
)
_WHOLE_PERCENT = re.compile(r"\((?P<inside>[^()]*)\)\s*%")
_NUMBERS = {
    Notation.POINT: re.compile(
        r"([+-]?)(?:([1-9]\d{0,2}(?:,\d{3})+|\d{1,3}(?:[ '\u00a0\u202f]\d{3})+|\d+)(\.\d*)?|(\.\d+))((?:[eE][+-]?\d+)?)"
    ),
    Notation.COMMA: re.compile(
        r"([+-]?)(?:([1-9]\d{0,2}(?:\.\d{3})+|\d{1,3}(?:[ '\u00a0\u202f]\d{3})+|\d+)(,\d*)?|(,\d+))((?:[eE][+-]?\d+)?)"
    ),
}


def quantity(text: str, notation: Notation, is_percent: bool = False) -> Quantity | None:
    """Return the number in a cell; None if it is no number. `is_percent`: True if the heading has the percent sign."""
    if len(text) > MOST_LETTERS:
        return None
    text = text.strip().replace("−", "-")
    if whole := _WHOLE_PERCENT.fullmatch(text):
        text = f"{whole['inside']}%"
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    spread = match["sd"] or match["in_sd"] or match["bracket"]
    signs = match["percent"] or match["sd_percent"] or match["in_sd_percent"]
    percent = is_percent or bool(signs)
    value = number(match["value"], notation, percent)
    sd = None if spread is None else number(spread, notation, percent)
    if value is None or (spread is not None and sd is None) or _is_rank(match["value"], match["bracket"]):
        return None
    return Quantity(value, None if sd is None else float(sd), percent, match["note"] is not None)


def number(text: str, notation: Notation, is_percent: bool = False) -> int | float | None:
    """Return a number, divided by 100 if it is in percent; None if the text is none in this notation."""
    text = text.strip()
    if text.lower().lstrip("+-") in ("nan", "inf"):
        return float(text)
    match = _NUMBERS[notation].fullmatch(text)
    if match is None:
        return None
    sign, whole, part, only_part, exponent = match.groups(default="")
    digits = re.sub(r"\D", "", whole) or "0"
    fraction = (part or only_part)[1:]
    if is_percent:
        return float(f"{sign}{digits}.{fraction or 0}e{int(exponent[1:] or 0) - 2}")
    if part or only_part or exponent:
        return float(f"{sign}{digits}.{fraction or 0}{exponent}")
    return int(sign + digits) if len(digits) < 19 else float(sign + digits)


def is_number(text: str) -> bool:
    """Return True if a cell is a number in any notation."""
    return quantity(text, Notation.POINT) is not None or quantity(text, Notation.COMMA) is not None


def are_numbers(cells: Iterable[str]) -> bool:
    """Return True if nearly all cells that have a value are numbers."""
    present = [cell for cell in cells if cell.strip().lower() not in NO_NUMBER]
    return bool(present) and sum(map(is_number, present)) >= 0.8 * len(present)


def is_only(text: str, notation: Notation) -> bool:
    """Return True if a cell is a number in this notation and none in the other."""
    other = Notation.POINT if notation is Notation.COMMA else Notation.COMMA
    return quantity(text, notation) is not None and quantity(text, other) is None


def _is_rank(value: str, bracket: str | None) -> bool:
    """Return True if a whole number in brackets follows one with decimals: a rank or a count, no spread."""
    return bracket is not None and bracket.strip().isdigit() and not value.strip().isdigit()

"""Regular expressions for numbers in printed lines, as `from: "stdout:REGEX"` takes them."""

import re
from collections.abc import Sequence

from ablate.study.starting.scanning.printed_lines import PrintedLine, PrintedNumber

NUMBER = "([-+.0-9eE]+)"
"""The group of a number; not-a-number and infinity are matched as well by the reader of `from`."""
_SAMPLE = "0.5"
_BETWEEN = " \t,;|/-"


def number_pattern(line: PrintedLine, index: int, lines: Sequence[PrintedLine]) -> str:
    """Return a regular expression for the number at an index of a line, which matches no other number that is printed.

    It begins with the text right before the number, and takes in more of the line until it is unique.
    """
    expression = ""
    for start in reversed(range(index)):
        expression = _expression(line, start, index) or expression
        for each in (expression, f"\\b{expression}"):
            if expression and _is_unique(each, line, index, lines):
                return each
    if not expression:
        return f"^{NUMBER}$" if len(line.pieces) == 1 else f"^{NUMBER}"
    return expression


def _expression(line: PrintedLine, start: int, index: int) -> str:
    """Return the expression from one piece of a line on; empty if that piece is nothing but spaces and marks."""
    first = line.pieces[start]
    head = _escaped(first.lstrip(_BETWEEN)) if isinstance(first, str) else NUMBER.strip("()")
    between = (_escaped(piece) if isinstance(piece, str) else ".*?" for piece in line.pieces[start + 1 : index])
    text = head + "".join(between) if head else ""
    number = line.pieces[index]
    is_padded = isinstance(number, PrintedNumber) and re.match(r"[<>^ +]*[1-9]", number.spec) is not None
    return f"{text.rstrip()} *{NUMBER}" if text and is_padded else f"{text}{NUMBER}" if text else ""


def _is_unique(expression: str, line: PrintedLine, index: int, lines: Sequence[PrintedLine]) -> bool:
    own = _sample(line.pieces)
    match = re.search(expression, own)
    if match is None or match.start(1) != len(_sample(line.pieces[:index])):
        return False
    return not any(re.search(expression, text) for other in lines if (text := _sample(other.pieces)) != own)


def _sample(pieces: Sequence[str | PrintedNumber]) -> str:
    return "".join(piece if isinstance(piece, str) else _SAMPLE for piece in pieces)


def _escaped(text: str) -> str:
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)

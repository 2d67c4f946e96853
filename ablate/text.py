"""Small pieces of text: counts, durations, faults, lines of CSV, letters that terminals obey or encodings lack."""

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories of letters that a terminal obeys or cannot print: controls, half letters, ends of lines."""
DIRECTIONS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Letters that change the direction of the text after them."""
MOST_FAULTS = 20
"""The largest number of faults that are listed one by one."""
MOST_ROWS = 3
"""Rows that a message names; of more it gives the number."""

# fmt: off
PLAIN = {
    "→": "->", "←": "<-", "↔": "<->", "⇒": "=>", "↑": "^", "↓": "v",
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "x", "·": "*", "±": "+-", "÷": "/", "√": "sqrt ",
    "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "∞": "inf", "∈": "in", "°": " deg", "½": "1/2", "¼": "1/4",
    "…": "...", "•": "*", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "«": '"', "»": '"',
    "α": "alpha", "β": "beta", "δ": "delta", "Δ": "delta ", "λ": "lambda", "μ": "mu", "µ": "u", "ρ": "rho",
    "σ": "sigma", "ω": "omega", "π": "pi", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "²": "^2", "³": "^3", "⁻": "-", "€": "EUR", "✓": "yes", "✔": "yes", "✗": "no", "✘": "no", "\ufffd": "?",
    "│": "|", "┃": "|", "║": "|", "╎": "|", "╵": "|", "╷": "|", "█": "#", "▌": "#", "░": ".", "▒": ":", "▓": "#",
    "■": "#", "□": "o", "●": "o", "○": "o", "◆": "*", "◇": "*", "▲": "^", "▼": "v", "►": ">", "◄": "<",
}
# fmt: on
"""Characters, and the ASCII text that people write if they lack them."""

_GAP = re.compile(r" {2,}")


def plural(count: int, noun: str) -> str:
    """Return a count and its noun, such as `1 trial` or `3 trials`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return the names as a list in a sentence: `a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def listed_in_part(names: Sequence[str], most: int) -> str:
    """Return the first `most` names as a list in a sentence, and how many more there are: `a, b and 3 more`."""
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return listed([*names[:most], *more])


def rows_in_words(labels: Sequence[str]) -> str:
    """Return `row 'plain'`; of many rows the first few, and how many more there are."""
    names = ", ".join(map(repr, labels[:MOST_ROWS]))
    more = f" and {len(labels) - MOST_ROWS} more" if len(labels) > MOST_ROWS else ""
    return f"row{'s' if len(labels) > 1 else ''} {names}{more}"


def duration(seconds: float) -> str:
    """Return a duration in words, rounded to two units: 42 s, 3 min 5 s, 17 min, 5 h 40 min, 3 d 4 h."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 10:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def written(value: Any) -> str:
    """Return a value as a study file writes it: on, off, null, 0.3, resnet50, [12, 20], {p: 0.5}.

    Every place that prints a level or a config value uses this function, by itself or through another one.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(key)}: {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    if value == "":
        return "''"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def fault_lines(faults: Sequence[str]) -> str:
    """Return the first MOST_FAULTS faults and the number of the others, one a line. Line ends are written out."""
    lines = [f"  {visible(fault, keep='')}" for fault in faults[:MOST_FAULTS]]
    return "\n".join([*lines, *([f"  and {len(faults) - MOST_FAULTS:,} more"] if len(faults) > MOST_FAULTS else [])])


def encodable(text: str, encoding: str) -> str:
    """Return the text with each character that the encoding lacks in readable ASCII: `→` as `->`, `é` as `e`.

    A replacement of several characters takes room from the next gap of two or more spaces, so that columns of a table
    stay below one another.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_encodable_line(line, encoding) for line in text.splitlines(keepends=True))
    return text


def _encodable_line(line: str, encoding: str) -> str:
    parts: list[str] = []
    grown = at = 0
    while at < len(line):
        if grown and (gap := _GAP.match(line, at)):
            kept = max(len(gap[0]) - grown, 1)
            grown -= len(gap[0]) - kept
            parts.append(" " * kept)
            at = gap.end()
            continue
        replacement = _encodable_character(line[at], encoding)
        grown += len(replacement) - 1
        parts.append(replacement)
        at += 1
    return "".join(parts)


def _encodable_character(character: str, encoding: str) -> str:
    """Return a character, or the text for it: from PLAIN, by its shape, without its accents, or as an escape."""
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        name = unicodedata.name(character, "")
        if character in PLAIN:
            return PLAIN[character]
        if name.startswith("BOX DRAWINGS"):
            return "-" if "HORIZONTAL" in name and "VERTICAL" not in name and "AND" not in name else "+"
        if unicodedata.category(character) == "Zs":
            return " "
        bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        return bare or character.encode("ascii", "backslashreplace").decode()
    return character


def visible(text: str, keep: str = "\n") -> str:
    """Return text in which letters that a terminal would obey are written out, like `\\x1b`; those in `keep` stay."""
    if text.isprintable():
        return text
    return "".join(letter if letter in keep or not _is_hidden(letter) else _written_out(letter) for letter in text)


def _is_hidden(letter: str) -> bool:
    return letter in DIRECTIONS or unicodedata.category(letter) in HIDDEN


def _written_out(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def csv_line(values: Sequence[object]) -> str:
    """Return a line of CSV; a value with any end of line in it is quoted, a carriage return too."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(values)  # the writer quotes what its own line ends with
    return buffer.getvalue().removesuffix("\r\n") + "\n"

"""Text that a line of a log cannot hold as it is: written as a JSON string, and read back as the same text."""

import json
from collections.abc import Callable
from typing import Any

from ablate.study.factors import level_text
from ablate.study.reading.nodes import scalar
from ablate.trainers.entry import NOTE

Plain = Callable[[str], bool]
"""Returns True for text that a place of the log holds as it is."""


def is_line(text: str) -> bool:
    """Return True for one printable line, with no space at its ends: a value of the setting, or a note."""
    return text.isprintable() and text == text.strip() and text != ""


def is_title(text: str) -> bool:
    """Return True for text that a heading holds as it is."""
    return is_line(text) and not text.startswith("#")


def is_key(text: str) -> bool:
    """Return True for text that stands before a colon as it is."""
    return is_line(text) and ":" not in text and text != NOTE and not text.startswith(("#", f"{NOTE} "))


def is_word(text: str) -> bool:
    """Return True for text that stands after a colon as it is, and is not read as a number, `True` or `False`."""
    value = scalar(text)
    return is_line(text) and (value is None or isinstance(value, str))


def quoted(text: str, is_plain: Plain) -> str:
    """Return text as the log writes it: as it is, or as a JSON string if the place cannot hold it."""
    return text if is_plain(text) and unquoted(text, is_plain) == text else _as_json(text)


def unquoted(text: str, is_plain: Plain) -> str:
    """Return the text that the log means. Quotes count only if `quoted` would have written them."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) and quoted(value, is_plain) == text else text


def quoted_level(level: Any) -> str:
    """Return a level as a row's line writes it: `True`, `0.3`, `resnet50`, `"two\\nlines"`."""
    if isinstance(level, bool) or level in ("on", "off"):
        return str(level in (True, "on"))
    if isinstance(level, str):
        return quoted(level, is_word)
    text = level_text(level)
    if isinstance(level, float) and scalar(text) != level:  # level_text has 12 digits
        return repr(level)
    return text


def _as_json(text: str) -> str:
    """Return a JSON string in one printable line; only text with letters that no line can hold is ASCII throughout."""
    readable = json.dumps(text, ensure_ascii=False)
    return readable if readable.isprintable() else json.dumps(text)

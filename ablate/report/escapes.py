"""Text written so that Markdown prints it unchanged."""

import re

from ablate.text import visible

SPECIAL = re.compile(r"[\\`*<|~$]|(?<![^\W_])_|_(?![^\W_])|(?<=\])(?=\()|&(?=[a-zA-Z#])")
"""Letters that mean something wherever they stand in a line, and the place between the brackets of a link."""
BEGINNING = re.compile(r"(?P<digits>\d{1,9})[.)](?=\s|$)|#{1,6}(?=\s|$)|>|[+-](?=\s|$)|(?:=+|-+)\s*$")
"""Letters that mean a heading, a quotation, a list or a line at the beginning of a line."""


def in_markdown(text: str) -> str:
    """Return text in one line, escaped so that Markdown prints it unchanged within a line."""
    return SPECIAL.sub(r"\\\g<0>", visible(" ".join(text.split())))


def as_markdown_line(text: str) -> str:
    """Return text as a line of its own, escaped so that Markdown prints it unchanged."""
    line = in_markdown(text)
    match = BEGINNING.match(line)
    if match is None:
        return line
    at = match.end("digits") if match["digits"] else 0
    return f"{line[:at]}\\{line[at:]}"

"""Annotation files as text: the same lines are the same content, whatever program saved them."""

import codecs
import hashlib
from pathlib import Path

from ablate.filesystem import read_regular


def normal_form(data: bytes) -> bytes:
    """Return a text without its byte-order mark and its empty lines, and with a line feed at the end of each line.

    A file that holds a NUL is no text, and is returned as it is.
    """
    if b"\0" in data:
        return data
    text = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return b"".join(line + b"\n" for line in text.split(b"\n") if line.strip())


def place_and_fault(name: str, error: UnicodeDecodeError) -> tuple[str, str]:
    """Return the place and the fault of a file that is no text in UTF-8."""
    head, byte = error.object[: error.start], error.object[error.start]
    line = len(head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    return f"{name}, line {line}", f"is no UTF-8 text (byte 0x{byte:02x}); save the file as UTF-8"


def text_hash(path: Path) -> str | None:
    """Return the sha256 (hex) of a file's normal form, or None if it cannot be read."""
    try:
        return hashlib.sha256(normal_form(read_regular(path))).hexdigest()
    except OSError:
        return None

"""The beginning of a file: its encoding, and the forms that are no text."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ablate.errors import SourceError
from ablate.imports.tables.grid import MOST_BYTES_AT_ONCE

HEAD = 65_536
"""The number of bytes that recognition reads."""
MOST_LINE = 16_000_000
"""The largest number of characters of a line."""

ARCHIVES = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PK\x05\x06": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
"""{first bytes: the name of the form}"""
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def head_bytes(path: Path) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def head_text(path: Path) -> str:
    """Return the first lines of a text file, whole ones if it has any; empty if it is no text."""
    head = head_bytes(path)
    try:
        text = codecs.getincrementaldecoder(encoding(path))().decode(head)
    except UnicodeDecodeError:
        return ""
    if "\0" in text:
        return ""
    end = max(text.rfind("\n"), text.rfind("\r")) + 1
    return text[:end] if len(head) == HEAD and end else text


def encoding(path: Path) -> str:
    """Return the encoding of a text file by its first bytes: UTF-8 or UTF-16."""
    head = head_bytes(path)[:4]
    return next((name for bom, name in _BOMS.items() if head.startswith(bom)), "utf-8")


def archive(path: Path) -> str:
    """Return the name of the archive that a file is; empty if it is none."""
    head = head_bytes(path)[:8]
    return next((name for magic, name in ARCHIVES.items() if head.startswith(magic)), "")


def whole_text(path: Path) -> str:
    """Return the text of a file. SourceError if it is too large or no text."""
    if path.stat().st_size > MOST_BYTES_AT_ONCE:
        raise SourceError(
            f"{path}: {path.stat().st_size:,} bytes; a file of this form may have at most {MOST_BYTES_AT_ONCE:,}; "
            "write it as CSV or JSON lines, which are read in parts"
        )
    return "".join(lines(path))


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file with their ends. SourceError at a line that is no text or too long."""
    number = 0
    try:
        with path.open(encoding=encoding(path), newline="") as file:
            while line := _line(file, path, number := number + 1):
                yield line
    except UnicodeDecodeError:
        raise SourceError(
            f"{path}: after line {max(number - 1, 0)}: this is no text in UTF-8 or UTF-16; save the file as UTF-8, "
            "for example with `iconv -f cp1252 -t utf-8`"
        ) from None
    except (OSError, UnicodeError) as error:
        raise SourceError(f"{path}: cannot be read: {error}") from None


def _line(file: IO[str], path: Path, number: int) -> str:
    line = file.readline(MOST_LINE)
    if len(line) >= MOST_LINE:
        raise SourceError(f"{path}: line {number} has more than {MOST_LINE:,} characters; a table has short lines")
    if "\0" in line:
        raise SourceError(f"{path}: line {number} has a NUL character: this is no text; save the table as CSV in UTF-8")
    return line

"""The terminal: streams of any encoding, colours as the user wishes them, and the width of lines."""

import codecs
import errno
import io
import json
import os
import re
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TextIO

from ablate.text import encodable

NARROWEST = 20
"""Columns below which text is not folded any further."""

_COMMAND = re.compile(r"`[^`\n]+`")
_UNBREAKABLE = "\x00"


class ReadableStream(io.TextIOWrapper):
    """A stream of an encoding that lacks characters. It writes readable ASCII in their place, and never fails."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.lacking = stream, stream.encoding  # a stream that nothing refers to closes its buffer
        # ASCII is part of UTF-8, and typer writes UTF-8 to every stream that is declared as ASCII
        encoding = "utf-8" if codecs.lookup(stream.encoding).name == "ascii" else stream.encoding
        super().__init__(
            stream.buffer,
            encoding=encoding,
            errors="backslashreplace",
            line_buffering=getattr(stream, "line_buffering", False),
            write_through=getattr(stream, "write_through", False),
        )

    def write(self, text: str) -> int:
        super().write(encodable(text, self.lacking))
        return len(text)


def prepare_streams() -> None:
    """Make stdout and stderr streams that every text can be written to: closed ones, and those of any encoding."""
    sys.stdout, sys.stderr = _prepared(sys.stdout), _prepared(sys.stderr)


def json_for_stdout(text: str) -> str:
    """Return a JSON text as stdout can hold it: characters that its encoding lacks as escapes, which lose nothing."""
    stream = sys.stdout
    if not isinstance(stream, ReadableStream):
        return text
    return "".join(each if encodable(each, stream.lacking) == each else json.dumps(each)[1:-1] for each in text)


def flush_streams() -> OSError | None:
    """Write what is left in stdout and stderr. Return the fault of stdout if it cannot be written.

    A reader that has gone, as with `ablate report | head -1`, is no fault.
    """
    fault: OSError | None = None
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except OSError as error:
            forget_stream(descriptor)
            if descriptor == 1 and not isinstance(error, BrokenPipeError):
                fault = error
        except ValueError:  # the stream is closed
            continue
    return fault


def is_of_stream(error: OSError) -> bool:
    """Return True if an error is that of writing to a stream, such as one that leads to a full disk."""
    return error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def forget_stream(descriptor: int) -> None:
    """Let further output of a stream that cannot be written go nowhere, so that Python ends without a complaint."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def has_colour(stream: TextIO) -> bool:
    """Return True if text for a stream has colours.

    NO_COLOR forbids them; FORCE_COLOR and CLICOLOR_FORCE demand them. Otherwise a terminal has them, unless CLICOLOR
    is 0 or TERM is dumb.
    """
    environment = os.environ
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return stream.isatty() and environment.get("CLICOLOR") != "0" and environment.get("TERM") != "dumb"


def columns(stream: TextIO) -> int | None:
    """Return the columns of the terminal that a stream is; None if it is none."""
    if not stream.isatty():
        return None
    try:
        of_terminal = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        of_terminal = 0
    wished = os.environ.get("COLUMNS", "")
    width = int(wished) if wished.isdecimal() and int(wished) else of_terminal
    return max(width or shutil.get_terminal_size().columns, NARROWEST)


def folded(text: str, stream: TextIO) -> str:
    """Return a message with its long lines folded at the terminal's width; for a pipe or file, as it is.

    Words, paths and commands in backquotes stay whole, so that they can be copied. Lines that are indented by four
    columns or more, like a line of a file with its caret, stay as they are.
    """
    width = columns(stream)
    if width is None:
        return text
    return "\n".join(_folded_line(line, width - 1) for line in text.split("\n"))


def _folded_line(line: str, width: int) -> str:
    if len(line) <= width or line.startswith("    "):
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    whole = _COMMAND.sub(lambda command: command[0].replace(" ", _UNBREAKABLE), line)
    lines = textwrap.wrap(whole, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(_UNBREAKABLE, " ")


def _prepared(stream: TextIO | None) -> TextIO:
    if stream is None:  # it was closed before the start, as with `ablate plan study.yaml >&-`
        return Path(os.devnull).open("w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    if codecs.lookup(stream.encoding).name == "utf-8":
        stream.reconfigure(errors="backslashreplace")  # for names of files that are not UTF-8
        return stream
    return ReadableStream(stream)

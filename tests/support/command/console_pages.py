"""The steps of a page of the docs: files that it shows, and commands with the lines that they print."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

STEP = re.compile(
    r"^<!-- file: (?P<name>\S+) -->\n```\w+\n(?P<content>.*?)^```$|^```console\n(?P<console>.*?)^```$", re.M | re.S
)
OTHER_LINES = "..."
"""A line that stands for any number of other lines."""
VERDICT = r"\b(better|worse|undecided|cannot tell)\b(, below delta)?(, \\?~# more)?|no effect beyond delta"
CHANGES = (
    (r"[-+−]?\d+(,\d{3})*(\.\d+)?", "#"),
    (r"# (h|min|s|ms)( # (min|s|ms))?\b", "TIME"),
    (VERDICT, "VERDICT"),
    (r"\*", ""),
    (r"─+", "─"),
    (r"\s+", " "),
)
"""The parts of a line that differ between machines, and marks and widths that follow from them: (pattern, instead)."""


@dataclass(frozen=True)
class PageFile:
    """A file that the reader of a page saves."""

    name: str
    content: str


@dataclass(frozen=True)
class PageCommand:
    """A command, and the lines that it prints."""

    text: str
    lines: tuple[str, ...]


def steps(page: str) -> Iterator[PageFile | PageCommand]:
    """Yield the files and commands of a page in their order."""
    for found in STEP.finditer(page):
        if found["name"]:
            yield PageFile(found["name"], found["content"])
        else:
            yield from _commands(found["console"])


def _commands(block: str) -> Iterator[PageCommand]:
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *lines = part.rstrip("\n").split("\n")
        yield PageCommand(command, tuple(lines))


def plain(line: str) -> str:
    """Return a line with # for each number, and without all else that differs between machines."""
    for pattern, instead in CHANGES:
        line = re.sub(pattern, instead, line)
    return line.strip()


def missing_lines(shown: Sequence[str], printed: Sequence[str]) -> list[str]:
    """Return the first group of shown lines that were not printed after those before it; nothing if all were.

    Groups are separated by OTHER_LINES. Without it at the beginning or the end, the output begins or ends there.
    """
    lines = [plain(line) for line in printed]
    position, is_free = 0, False
    for group in _groups(shown):
        wanted = [plain(line) for line in group]
        places = range(position, len(lines) - len(wanted) + 1) if is_free else [position]
        place = next((at for at in places if lines[at : at + len(wanted)] == wanted), None)
        if place is None:
            return group
        position, is_free = place + len(wanted), True
    return [] if position == len(lines) or (shown and shown[-1] == OTHER_LINES) else ["(the end of the output)"]


def _groups(shown: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines between OTHER_LINES; an empty group first if the lines begin with it."""
    group: list[str] = []
    for line in shown:
        if line == OTHER_LINES:
            yield group
            group = []
        else:
            group.append(line)
    if group:
        yield group

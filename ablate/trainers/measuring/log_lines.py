"""Values in the output of a script, by regular expressions or as lines of JSON: read in blocks, whatever its size."""

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic

from ablate.trainers.measuring.json_values import line_points, object_of
from ablate.trainers.measuring.regexes import STEP, compiled, value_group
from ablate.trainers.measuring.takes import NoValueError, Point, number_of_text

BLOCK = 2**20
"""Bytes that are read at a time."""
LONGEST_LINE = 2**20
"""Bytes of a line; longer ones are cut in two."""
LONGEST_MATCHED = 2**13
"""Letters of a line that a regular expression sees at a time: on longer lines, `.*` takes quadratic time."""
PATIENCE = 120.0
"""Seconds after which a regular expression that is too slow for its output is given up."""
_END_OF_LINE = re.compile(rb"[\r\n]")
_LONG = re.compile(f"[^\n]{{{LONGEST_MATCHED}}}")
_JSON_LINE = re.compile(r"^[ \t]*(\{.*\})[ \t]*$", re.MULTILINE)
_MAY_GO_ON = frozenset(".eE0123456789")
_PART_BEFORE = re.compile(r"[0-9]\.?[0-9]$|[0-9]\.$|[0-9][eE][-+0-9]$")
_PART_AFTER = re.compile(r"[0-9.](?:\.?[0-9]|[eE][-+]?[0-9])")
_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+")
_COMMA = re.compile(r",[0-9]")
_COLORS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
"""Colours, moves of the cursor, and links, as programs write them for terminals."""


def blocks(path: Path) -> Iterator[str]:
    """Yield the text of a file in blocks of whole lines, which end in \\n. A carriage return ends a line too."""
    rest = b""
    with path.open("rb") as file:
        while data := file.read(BLOCK):
            data = rest + data
            cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
            cut = cut if len(data) - cut <= LONGEST_LINE else len(data)
            rest = data[cut:]
            yield _text(data[:cut])
    yield _text(rest)


def blocks_from_end(path: Path) -> Iterator[str]:
    """Yield the blocks of a file, the last one first."""
    rest = b""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        while end > 0:
            start = max(0, end - BLOCK)
            file.seek(start)
            data = file.read(end - start) + rest
            first = _END_OF_LINE.search(data)
            cut = first.end() if first and start and first.end() <= LONGEST_LINE else 0
            if start and not first and len(data) <= LONGEST_LINE:
                cut = len(data)
            rest, end = data[:cut], start
            yield _text(data[cut:])


def _text(data: bytes) -> str:
    text = data.decode("utf-8", errors="replace")
    text = _COLORS.sub("", text) if "\x1b" in text else text
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def regex_points(path: Path, regex: str, is_last_wanted: bool = False) -> Iterator[Point]:
    """Yield the values that a regular expression matches in the lines of a file; the last one first if that is wanted.

    Without a group of the name `step`, values are counted from 1, or from the end.
    """
    pattern = compiled(regex)
    group = value_group(pattern)
    has_step = STEP in pattern.groupindex
    numbers = count(1)
    started = monotonic()
    for block in blocks_from_end(path) if is_last_wanted else blocks(path):
        matches = _matches(pattern, _with_short_lines(block))
        for match in reversed(matches) if is_last_wanted else matches:
            if match[group] is not None:
                yield Point(_step(match) if has_step else next(numbers), _whole(match, group), not has_step)
        if monotonic() - started > PATIENCE:
            raise NoValueError(
                f"the regular expression is too slow: after {PATIENCE:.0f} s the output is not read; begin it with the "
                "text in front of the number"
            )


def last_match(regex: str, text: str) -> str | None:
    """Return the value that a regular expression matches last in a text; None if there is none, or only a part."""
    pattern = compiled(regex)
    try:
        return next((_whole(match, value_group(pattern)) for match in reversed(_matches(pattern, text))), None)
    except NoValueError:
        return None


def _with_short_lines(block: str) -> str:
    """Return a block in which lines of more than twice LONGEST_MATCHED letters are cut."""
    parts = range(0, len(block) - LONGEST_MATCHED, LONGEST_MATCHED)
    if all(block.find("\n", at, at + LONGEST_MATCHED) >= 0 for at in parts):
        return block
    return _LONG.sub(lambda match: match[0] + "\n", block)


def _matches(pattern: re.Pattern[str], block: str) -> list[re.Match[str]]:
    """Return the matches in each line of a block."""
    matches = list(pattern.finditer(block))
    if not any("\n" in match[0] for match in matches):
        return matches
    return [match for line in block.split("\n") for match in pattern.finditer(line)]


def _step(match: re.Match[str]) -> float:
    try:
        return number_of_text(match[STEP] or "")
    except NoValueError:
        raise NoValueError(f"the step is the text {match[STEP]!r}, not a number, in the line {match[0]!r}") from None


def _whole(match: re.Match[str], group: str | int) -> str:
    """Return the text of the value; NoValueError if it is a part of a longer number, such as 3.2 of 3.2e-05."""
    text, (start, end) = match.string, match.span(group)
    if end == match.end() and _WHOLE_NUMBER.fullmatch(match[group]) and _COMMA.match(text, end):
        number = match[group] + text[end : end + 20].partition("\n")[0]
        raise NoValueError(
            f"the group takes only {match[group]!r} of {number!r}, and a number has no comma; print it as 1234.5 or "
            "0.93, or, if a comma separates two numbers, write the comma behind the group"
        )
    if text[end : end + 1] in _MAY_GO_ON or text[start - 1 : start] in _MAY_GO_ON:
        before, value, after = text[max(0, start - 20) : start], text[start:end], text[end : end + 20]
        if _PART_BEFORE.search(before + value[:1]) or _PART_AFTER.match(value[-1:] + after):
            number = before.rpartition("\n")[2] + value + after.partition("\n")[0]
            raise NoValueError(
                f"the group takes only {value!r} of the number in {number!r}; write the group as ([-+.0-9eE]+), and "
                "text in front of it that ends where the number begins"
            )
    return match[group]


def json_points(path: Path, key: str, is_last_wanted: bool = False) -> Iterator[Point]:
    """Yield the values at a dotted key of the lines of the output that are JSON objects; the last first if wanted.

    Without a step in the object, lines with the key are counted from 1, or from the end.
    """
    part = key.rpartition(".")[2]
    quoted = {json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}
    numbers = count(1)
    for block in blocks_from_end(path) if is_last_wanted else blocks(path):
        if "{" not in block:
            continue
        lines = [match[1] for match in _JSON_LINE.finditer(block) if any(text in match[1] for text in quoted)]
        for line in reversed(lines) if is_last_wanted else lines:
            content = object_of(line)
            if content is not None and (points := line_points(content, 0, key, "the output")):
                number = float(next(numbers))
                counted = [each._replace(step=number) if each.is_counted and not each.step else each for each in points]
                yield from reversed(counted) if is_last_wanted else counted

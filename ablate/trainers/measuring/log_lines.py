"""Values in the output of a script, by regular expressions or as lines of JSON: read in blocks, whatever its size."""

import json
import re
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from time import monotonic

from ablate.trainers.measuring.json_values import line_points, object_of
from ablate.trainers.measuring.takes import NoValueError, Point, number_of_text

BLOCK = 2**20
"""Bytes that are read at a time."""
LONGEST_LINE = 2**20
"""Bytes of a line; longer ones are cut in two."""
LONGEST_MATCHED = 2**13
"""Letters of a line that a regular expression sees at a time: on longer lines, `.*` takes quadratic time."""
PATIENCE = 120.0
"""Seconds after which a regular expression that is too slow for its output is given up."""
VALUE, STEP = "value", "step"
"""The names of groups that hold the value of a metric, and its step."""

_END_OF_LINE = re.compile(rb"[\r\n]")
_LONG = re.compile(f"[^\n]{{{LONGEST_MATCHED}}}")
_JSON_LINE = re.compile(r"^[ \t]*(\{.*\})[ \t]*$", re.MULTILINE)
_MAY_GO_ON = frozenset(".eE0123456789")
_PART_BEFORE = re.compile(r"[0-9]\.?[0-9]$|[0-9]\.$|[0-9][eE][-+0-9]$")
_PART_AFTER = re.compile(r"[0-9.](?:\.?[0-9]|[eE][-+]?[0-9])")
_NOT_FINITE = r"(?i:[-+]?(?:nan|inf(?:inity)?)\b)"


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
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def compiled(regex: str) -> re.Pattern[str]:
    """Return a regular expression as it is matched; ValueError in words if it cannot be used.

    It has one group, or groups of the names `value` and `step`. The group of the value matches nan and inf as well: a
    group like ([0-9.]+) would leave them out, and an older value would pass for the last one.
    """
    pattern = _compiled(regex)
    group = _value_group(pattern)
    start, end = _span_of_group(regex, pattern.groupindex.get(group, 1) if isinstance(group, str) else group)
    wider = f"{regex[:start]}{regex[start:end]}|{_NOT_FINITE}{regex[end:]}" if end else regex
    try:
        return _compiled(wider)
    except ValueError:
        return pattern


def _compiled(regex: str) -> re.Pattern[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(regex, re.MULTILINE)
    except re.error as error:
        at = "" if error.pos is None else f" at its character {error.pos + 1}, {regex[error.pos : error.pos + 10]!r}"
        raise ValueError(f"the regular expression is not valid{at}: {error.msg}") from None
    except (RecursionError, OverflowError):
        raise ValueError("the regular expression is too large") from None


def _value_group(pattern: re.Pattern[str]) -> str | int:
    """Return the group that holds the value; ValueError in words if it is not clear which one does."""
    named = pattern.groupindex
    if not pattern.groups:
        raise ValueError("put the number in round brackets, as in `val_acc: ([-+.0-9eE]+)`")
    if pattern.search("") is not None:
        raise ValueError("the regular expression matches every empty line; let it match at least one letter")
    if VALUE in named:
        return VALUE
    if pattern.groups == 1 and STEP not in named:
        return 1
    raise ValueError(
        "the regular expression has several groups; name that of the number `(?P<value>...)` and that of the step, if "
        "there is one, `(?P<step>...)`, and write `(?:...)` for the others"
        if pattern.groups > 1
        else "the regular expression has a step and no value; put the number in `(?P<value>...)`"
    )


def _span_of_group(regex: str, number: int) -> tuple[int, int]:
    """Return the start and the end of the inside of a group in a regular expression; (0, 0) if it is not clear."""
    open_groups: list[tuple[int, int]] = []
    groups, at = 0, 0
    while at < len(regex):
        if regex[at] == "\\":
            at += 1
        elif regex[at] == "[":
            at = _end_of_class(regex, at)
        elif regex.startswith(("(?#", "(?x"), at):
            return 0, 0
        elif regex[at] == "(":
            head = re.compile(r"\((?:\?P<\w+>|(?!\?))").match(regex, at)
            groups += bool(head)
            open_groups.append((groups, head.end()) if head else (0, 0))
        elif regex[at] == ")" and open_groups:
            group, start = open_groups.pop()
            if group == number:
                return start, at
        at += 1
    return 0, 0


def _end_of_class(regex: str, at: int) -> int:
    """Return the position of the bracket that closes the class of letters which begins at a position."""
    at += 2 if regex.startswith("[^", at) else 1
    at += regex.startswith("]", at)
    while at < len(regex) and regex[at] != "]":
        at += 2 if regex[at] == "\\" else 1
    return at


def regex_points(path: Path, regex: str, is_last_wanted: bool = False) -> Iterator[Point]:
    """Yield the values that a regular expression matches in the lines of a file; the last one first if that is wanted.

    Without a group of the name `step`, values are counted from 1, or from the end.
    """
    pattern = compiled(regex)
    group = _value_group(pattern)
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
        return next((_whole(match, _value_group(pattern)) for match in reversed(_matches(pattern, text))), None)
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

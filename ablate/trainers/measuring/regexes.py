"""The regular expressions of metrics: their group for the value, and the faults of those that have none."""

import re
import warnings

VALUE, STEP = "value", "step"
"""The names of groups that hold the value of a metric, and its step."""
_NOT_FINITE = r"(?i:[-+]?(?:nan|inf(?:inity)?)(?![-\w]))"


def compiled(regex: str) -> re.Pattern[str]:
    """Return a regular expression as it is matched; ValueError in words if it cannot be used.

    It has one group, or groups of the names `value` and `step`. The group of the value matches nan and inf as well: a
    group like ([0-9.]+) would leave them out, and an older value would pass for the last one.
    """
    pattern = _compiled(regex)
    group = value_group(pattern)
    start, end = _span_of_group(regex, pattern.groupindex.get(group, 1) if isinstance(group, str) else group)
    wider = f"{regex[:start]}{_NOT_FINITE}|{regex[start:end]}{regex[end:]}" if end else regex
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


def value_group(pattern: re.Pattern[str]) -> str | int:
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

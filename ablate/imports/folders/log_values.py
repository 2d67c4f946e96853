"""Values in text logs, by a regular expression for each metric: the last one that a log shows."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ablate.errors import SourceError
from ablate.imports.folders.run_values import ReadRun
from ablate.imports.source import DONE, FAILED, Request
from ablate.trainers.measuring.log_lines import regex_points
from ablate.trainers.measuring.regexes import compiled
from ablate.trainers.measuring.takes import NoValueError, number

END = 2**18
"""Bytes at the end of a log in which labels of numbers are looked for."""
MOST_PROPOSED = 5
"""The largest number of patterns that a message proposes."""
_LABELLED = re.compile(
    r"([A-Za-z][\w@/.-]{0,30}(?: [A-Za-z][\w@/.-]{0,30})?)( ?[:=] ?)[-+]?(?:[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?|nan)\b"
)


def log_parts(root: Path, read: ReadRun, logs: Sequence[Path], patterns: Mapping[str, str]) -> ReadRun:
    """Return a run with the values of its logs. One without any value has failed, or is still running."""
    values: dict[str, float] = {}
    reasons: list[str] = []
    for name, regex in patterns.items():
        value, reason = _last_value(root, logs, regex)
        if value is None:
            reasons.append(f"{read.parts.place}: no value of {name}: {reason}")
        else:
            values[name] = value
    parts = replace(read.parts, metrics={**read.parts.metrics, **values})
    if values and not reasons:
        return ReadRun(replace(parts, state=DONE), "" if parts.state != DONE else read.fault)
    is_ended = parts.state == DONE and bool(parts.metrics)
    return ReadRun(replace(parts, state=DONE if is_ended else FAILED), "; ".join(reasons))


def _last_value(root: Path, logs: Sequence[Path], regex: str) -> tuple[float | None, str]:
    """Return the last value that a regular expression finds in logs, or the reason why there is none."""
    reason = "it has no log"
    for log in reversed(logs):
        name = str(log.relative_to(root)) if log != root else log.name
        try:
            point = next(regex_points(log, regex, is_last_wanted=True), None)
            if point is not None:
                return number(point.raw), ""
            reason = f"no line of {name} matches {regex!r}"
        except (NoValueError, OSError) as error:
            reason = f"{name}: {error}"
    return None, reason


def patterns_of(request: Request, logs: Sequence[Path]) -> dict[str, str]:
    """Return the pattern of each metric; of a metric without one, that of the number after its name.

    SourceError if there are none, with some that the logs suggest, or if some cannot be used.
    """
    by_name = {name: rf"(?<![\w.]){re.escape(name)} ?[:=] ?([-+.0-9eE]+)" for name in request.metrics}
    patterns = {**by_name, **request.patterns}
    faults = []
    for name, regex in patterns.items():
        try:
            compiled(regex)
        except ValueError as error:
            faults.append(f"--pattern {name}: {error}")
    if faults:
        raise SourceError("\n".join(faults))
    if not patterns:
        raise SourceError(
            "the values in text logs are found by regular expressions; give one for each metric, as "
            + (" or ".join(proposed(logs)) or "--pattern 'acc=val acc: ([-+.0-9eE]+)'")
        )
    return patterns


def notes_on(request: Request) -> list[str]:
    """Return a sentence for each metric whose pattern is its name."""
    return [
        f"{name}: the last number after '{name}:' or '{name}=' in each log; --pattern '{name}=...' finds another one"
        for name in request.metrics
        if name not in request.patterns
    ]


def proposed(logs: Sequence[Path]) -> list[str]:
    """Return options with patterns for the numbers that the first logs show most."""
    labels: Counter[tuple[str, str]] = Counter()
    for log in logs[:3]:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - END))
            text = file.read(END).decode("utf-8", errors="replace")
        labels.update((match[1].strip(), match[2]) for match in _LABELLED.finditer(text))
    return [
        f"--pattern '{re.sub(r'[^0-9A-Za-z]+', '_', label)}={re.escape(label).replace(chr(92) + ' ', ' ')}"
        f"{between}([-+.0-9eE]+)'"
        for (label, between), _ in labels.most_common(MOST_PROPOSED)
    ]

"""All numbers that a training left, each with the `from:` that reads it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, ParamSpec

from ablate.trainers.measuring.csv_values import rows_of
from ablate.trainers.measuring.files import Outputs, files_below
from ablate.trainers.measuring.json_values import leaves, object_of, raw_of, read_json, read_json_lines
from ablate.trainers.measuring.log_lines import blocks_from_end, last_match
from ablate.trainers.measuring.sources import (
    JSON,
    LINES,
    RESULT,
    STDOUT,
    TABLES,
    TENSORBOARD,
    MetricSource,
    is_validation_name,
)
from ablate.trainers.measuring.takes import NoValueError, meant_name, number, number_of_text
from ablate.trainers.measuring.tensorboard_events import scalars

MOST_SEEN = 300
"""Numbers that are listed of a training."""
MOST_FILES, LARGEST_FILE = 200, 64 * 2**20
"""Files that are read for them, and the bytes of the largest one."""

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?|\.[0-9]+|(?i:nan|inf(?:inity)?)\b)"
_WORD = r"(?!(?i:nan|inf)\b)[A-Za-z]"
_NAME = rf"(?:{_WORD}[A-Za-z0-9_]* ){{0,2}}{_WORD}[\w./@-]*"
_BETWEEN = r"['\"]?[ \t]*[:=][ \t]*|[ \t]+(?=[-+0-9]*\.|[0-9.]+%|(?i:nan|inf)\b)"
_PRINTED = re.compile(
    rf"(?<![\w./@-])(?P<name>{_NAME})(?P<between>{_BETWEEN})(?P<number>{_NUMBER}%?)(?![\w.:/-]*[0-9])"
)
"""Printed numbers: `val_acc: 0.93`, `loss=0.1`, `'loss': 0.1`, `Accuracy 93.1%`."""
Places = ParamSpec("Places")
"""The arguments of a function that looks for numbers."""
_SPECIAL = re.compile(r"[.*+?()\[\]{}|$]")


@dataclass(frozen=True)
class SeenValue:
    """A number in the outputs of a training; of a series, its last one."""

    name: str
    value: float
    origin: str
    """The text of `from` that reads it."""


def seen_values(outputs: Outputs) -> tuple[SeenValue, ...]:
    """Return the numbers in all outputs of a training: its results, its files, and the end of its output."""
    files = list(islice(files_below(outputs), MOST_FILES))
    parts: list[Iterable[SeenValue]] = [
        _readable(_in_results, outputs),
        _readable(_in_json_lines, outputs.log),
        *(_readable(_in_file, outputs, path) for path in files if path != outputs.result),
        _readable(_in_events, outputs, files),
        _readable(_printed, outputs.log),
    ]
    return tuple(islice(chain.from_iterable(parts), MOST_SEEN))


def _readable(
    part: Callable[Places, Iterable[SeenValue]], *of: Places.args, **named: Places.kwargs
) -> Iterator[SeenValue]:
    """Yield the values of one place; none if it cannot be read."""
    try:
        yield from part(*of, **named)
    except (NoValueError, OSError):
        return


def _in_results(outputs: Outputs) -> Iterator[SeenValue]:
    content: Any = outputs.returned
    if content is None and outputs.is_fresh(outputs.result):
        content = read_json(outputs.result, outputs.result.name)
    yield from _of_leaves(RESULT, leaves(content))


def _of_leaves(place: str, values: Iterable[tuple[str, Any]]) -> Iterator[SeenValue]:
    """Yield the last number of each key among (dotted key, value)."""
    numbers: dict[str, float] = {}
    for key, value in values:
        try:
            numbers[key] = number(raw_of(value))
        except NoValueError:
            continue
    return (SeenValue(key, value, f"{place}:{key}") for key, value in numbers.items())


def _in_json_lines(log: Path) -> Iterator[SeenValue]:
    lines = (line.strip() for line in _end_of(log).split("\n"))
    objects = (object_of(line) for line in lines if line.startswith("{"))
    return _of_leaves(JSON, chain.from_iterable(leaves(content) for content in objects))


def _end_of(log: Path) -> str:
    return next(blocks_from_end(log), "")


def _in_file(outputs: Outputs, path: Path) -> Iterator[SeenValue]:
    """Return the numbers of a JSON file or a table of this attempt."""
    suffix, name = path.suffix.lower(), outputs.name_of(path)
    if path.stat().st_size > LARGEST_FILE:
        return iter(())
    if suffix in TABLES:
        return _of_leaves(name, _cells(path, name))
    if suffix in LINES:
        objects = (content for _, content in read_json_lines(path, name))
        return _of_leaves(name, chain.from_iterable(map(leaves, objects)))
    return _of_leaves(name, leaves(read_json(path, name))) if suffix == ".json" else iter(())


def _cells(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    """Yield (column, number) of the cells of a table that hold one."""
    rows = rows_of(path, name)
    header = next(rows, (0, []))[1]
    for _, cells in rows:
        for column, cell in zip(header, cells, strict=False):
            if not column:  # the numbers of the rows, as pandas writes them
                continue
            try:
                yield column, number_of_text(cell)
            except NoValueError:
                continue


def _in_events(outputs: Outputs, files: Sequence[Path]) -> Iterator[SeenValue]:
    """Yield the last value of each tag; of a tag in several folders, for each folder."""
    last: dict[str, dict[str, float]] = {}
    for path in files:
        if "tfevents" in path.name:
            for scalar in scalars(path):
                last.setdefault(scalar.tag, {})[outputs.name_of(path.parent)] = scalar.value
    for tag, of_folders in last.items():
        for folder, value in of_folders.items():
            place = TENSORBOARD if len(of_folders) == 1 else f"{folder}/events.out.tfevents.*"
            yield SeenValue(tag, value, f"{place}:{tag}")


def _printed(log: Path) -> Iterator[SeenValue]:
    """Yield the last number that was printed with each name in the end of the output."""
    text = _end_of(log)
    matches = {(match["name"], match["between"].strip()): match for match in _PRINTED.finditer(text)}
    for match in list(matches.values())[:MOST_SEEN]:
        value = number_of_text(match["number"])
        origin = next((one for one in _regexes(match) if _reads(one, text, match["number"])), None)
        if origin:
            yield SeenValue(match["name"], value, f"{STDOUT}:{origin}")


def _regexes(match: re.Match[str]) -> Iterator[str]:
    """Yield regular expressions that may read a printed number, the simplest first."""
    plain = _SPECIAL.sub(lambda special: f"[{special[0]}]", match["name"] + match["between"])
    before = re.sub(r"[ \t]{2,}", " +", plain)
    end = "%" if match["number"].endswith("%") else ""
    for numeric in ("[-+.0-9eE]+", "-?[0-9.]+"):
        for start in ("", "(?<![^ ])", "(?<![a-zA-Z0-9_])"):
            yield f"{start}{before}({numeric}{end})"


def _reads(regex: str, text: str, printed: str) -> bool:
    """Return True if the last match of a regular expression in a text is a printed number."""
    return last_match(regex, text) == printed


def with_hint(reason: str, source: MetricSource, seen: Sequence[SeenValue]) -> str:
    """Return the reason why a metric is missing, with a number at another place that may be meant.

    A number of validation data is never proposed for a metric of test data.
    """
    own = {source.origin} if source.origin else {f"{kind}:{source.metric}" for kind in (RESULT, JSON)}
    alike = [one for one in reversed(seen) if source.is_validation or not is_validation_name(one.name)]
    elsewhere = [one for one in alike if one.origin not in own]
    by_name = {name: one for one in elsewhere for name in (one.name.rpartition(" ")[2], one.name)}
    near = meant_name(source.metric, by_name)
    if near is None:
        return reason
    one = by_name[near]
    quoted = one.origin.replace("'", "''")
    return f"{reason}; seen: {one.name} = {one.value:.6g}, which `from: '{quoted}'` reads"

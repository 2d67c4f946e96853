"""Values in JSON: a dotted key of an object, series in lists, and files of one object a line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ablate.trainers.measuring.takes import NoValueError, OtherValue, Point, number_of_text, unknown_in

STEP_KEYS = ("step", "epoch")
"""The keys or columns that hold the step of a value, in any case; the first that is there counts."""
LARGEST_FILE = 512 * 2**20
"""Bytes of the largest JSON file that is read; it is read as a whole."""
MOST_OBJECTS = 1_000
"""Objects of a list of which the keys are listed in a message."""


def read_json(path: Path, name: str) -> Any:
    """Return the content of a JSON file; NoValueError if it is torn, too large, or no JSON."""
    if path.stat().st_size > LARGEST_FILE:
        raise NoValueError(f"{name} has more than {LARGEST_FILE // 2**20} MB, which is too much for one JSON document")
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    try:
        return json.loads(text)
    except RecursionError:
        raise NoValueError(f"{name} has lists in lists, too deep to be read") from None
    except ValueError as error:
        raise NoValueError(_not_json(text, name, error)) from None


def _not_json(text: str, name: str, error: ValueError) -> str:
    if not text.strip():
        return f"{name} is empty"
    if not isinstance(error, json.JSONDecodeError):
        return f"{name} is not JSON: {error}"
    place = f"line {error.lineno}, column {error.colno}"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
        return f"{name} is cut off at {place}; the script may have ended while it wrote the file"
    return f"{name} is not JSON: {error.msg} at {place}"


def points_at(content: Any, key: str, name: str) -> list[Point]:
    """Return the values at a dotted key: one without a step, or those of the series in a list.

    `name`: the name of the content in messages. NoValueError if the key is not there, or holds no number.
    """
    content = _plain(content)
    if not isinstance(content, Mapping | list):
        raise NoValueError(f"{name} holds {_words(content)}, not an object with names")
    if not (values := list(_at(content, key, None))):
        if isinstance(content, list) and not any(isinstance(each, Mapping) for each in content):
            raise NoValueError(f"{name} holds a list without names, not an object with names")
        raise unknown_in(name, "key", key, (each for each, _ in leaves(content)))
    return [_point(value, step, key, name) for step, value in values]


Step = tuple[float, bool] | None
"""The step of a value, and True if it only counts values; None outside of a series."""


def _at(content: Any, key: str, step: Step) -> Iterator[tuple[Step, Any]]:
    """Yield (step, value) for each value at a dotted key; keys that have dots themselves come first."""
    content = _plain(content)
    if isinstance(content, list):
        for number, each in enumerate(content, 1):
            inner = _plain(each)
            if isinstance(inner, Mapping):
                yield from _at(inner, key, step_in(inner, number))
    elif isinstance(content, Mapping) and key in content:
        yield from _values(_plain(content[key]), step)
    elif isinstance(content, Mapping):
        for head, rest in _parts(key):
            if head in content and (values := list(_at(content[head], rest, step))):
                yield from values
                return


def _values(value: Any, step: Step) -> Iterator[tuple[Step, Any]]:
    """Yield the values of a series of plain numbers, or one value."""
    if isinstance(value, list) and value and not any(isinstance(each, Mapping | list) for each in value):
        for number, each in enumerate(value, 1):
            yield (number, True), each
    else:
        yield step, value


def _parts(key: str) -> Iterator[tuple[str, str]]:
    """Yield the ways to cut a dotted key in two, the longest first part first."""
    for at in range(len(key) - 1, 0, -1):
        if key[at] == ".":
            yield key[:at], key[at + 1 :]


def step_in(content: Mapping[Any, Any], number: int) -> tuple[float, bool]:
    """Return the step that an object has among its keys; otherwise its number, which is counted."""
    by_name = {key.lower(): value for key, value in content.items() if isinstance(key, str)}
    for key in STEP_KEYS:
        value = _plain(by_name.get(key))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value), False
    return float(number), True


def _point(value: Any, step: Step, key: str, name: str) -> Point:
    if isinstance(value, Mapping):
        keys = ", ".join(f"{key}.{inner}" for inner in list(value)[:10])
        raise NoValueError(f"{name} has an object at {key}, not a number; its keys are {keys or 'none'}")
    return Point(None if step is None else step[0], raw_of(value), step is not None and step[1])


def raw_of(value: Any) -> str | float | OtherValue:
    """Return a value of JSON or of a function as a number, as the text of one, or in words."""
    value = _plain(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _is_number(value):
        return value
    return OtherValue(_words(value))


def _is_number(text: str) -> bool:
    """Return True for the text of a number, as `json.dumps(result, default=str)` writes those of numpy."""
    try:
        number_of_text(text)
    except NoValueError:
        return False
    return True


def _words(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return "a list" if isinstance(value, list) else f"a value of type {type(value).__name__}"


def _plain(value: Any) -> Any:
    """Return plain numbers and lists for those of numpy and torch, which functions return."""
    if isinstance(value, tuple):
        return list(value)
    return value.tolist() if hasattr(value, "tolist") else value


def leaves(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, value) for all values in the objects of a content; of a list, for each object in turn."""
    content = _plain(content)
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from leaves(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(content, list) and any(isinstance(each, Mapping) for each in content):
        for each in content[-MOST_OBJECTS:]:
            if isinstance(each, Mapping):
                yield from leaves(each, prefix)
    elif prefix:
        yield prefix, content[-1] if isinstance(content, list) and content else content


def read_json_lines(path: Path, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (number from 1, object) for the lines of a file that are JSON objects.

    A broken line that is not the last one is left out: a training that was killed leaves one, and goes on after it.
    NoValueError if the last line is broken.
    """
    broken = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.decode("utf-8-sig", errors="replace").strip()
            if not text:
                continue
            content = object_of(text)
            broken = number if content is None else 0
            if content is not None:
                yield number, content
    if broken:
        raise NoValueError(f"line {broken} of {name}, its last one, is no complete JSON object; it may be cut off")


def object_of(text: str) -> Mapping[str, Any] | None:
    """Return the JSON object that a line of text is; None if it is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def line_points(content: Mapping[str, Any], number: int, key: str, name: str) -> list[Point]:
    """Return the values at a dotted key of a line's object, with the step of the line; empty if it has no such key."""
    return [_point(value, step, key, name) for step, value in _at(content, key, step_in(content, number))]


def json_line_points(path: Path, key: str, name: str) -> Iterator[Point]:
    """Yield the values at a dotted key of the lines of a file; NoValueError if no line has it."""
    keys: dict[str, None] = {}
    has_key = False
    for number, content in read_json_lines(path, name):
        points = line_points(content, number, key, name)
        has_key = has_key or bool(points)
        if not has_key and len(keys) < MOST_OBJECTS:
            keys |= dict.fromkeys(each for each, _ in leaves(content))
        yield from points
    if not has_key:
        raise unknown_in(name, "key", key, keys)

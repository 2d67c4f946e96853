"""The config of a user's function in a check: it notes which of its keys are read, so that unread ones can be named.

Each note is a line of JSON in a file of the folder that ABLATE_WATCH names. It is written at once, because forked
processes read keys too.
"""

import ast
import contextlib
import inspect
import json
import os
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

WATCH = "ABLATE_WATCH"
"""The variable that names the folder for notes, in a check."""
LOOKING_AROUND = {"locals", "vars", "eval", "exec", "globals"}
"""Functions that may read a variable without its name."""


def note(event: str, **values: Any) -> None:
    """Write a note."""
    path = Path(os.environ[WATCH]) / f"{os.getpid()}.jsonl"
    with contextlib.suppress(OSError), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"event": event, **values}) + "\n")


class WatchedConfig(dict[str, Any]):
    """A section of a config. Printing it is no use of its keys."""

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        """`prefix`: the dotted key of the section and a dot; empty for the whole config."""
        self._prefix = prefix
        self._unread = {key for key, value in values.items() if not _is_section(value)}
        super().__init__({key: watched(value, f"{prefix}{key}") for key, value in values.items()})

    def read(self, *keys: Any) -> None:
        """Note that keys are read; without keys, all of this section."""
        for key in sorted(self._unread.intersection(keys) if keys else self._unread):
            self._unread.discard(key)
            note("key", name=f"{self._prefix}{key}")

    def read_all(self) -> None:
        """Note that all keys are read, those of its sections too."""
        self.read()
        for value in super().values():
            if isinstance(value, WatchedConfig):
                value.read_all()

    def __getitem__(self, key: str) -> Any:
        self.read(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.read(key)
        return super().get(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        self.read(key)
        return super().pop(key, *default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        self.read(key)
        return super().setdefault(key, default)

    def __contains__(self, key: object) -> bool:
        self.read(key)
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self.read()
        return super().__iter__()

    def __reversed__(self) -> Iterator[str]:
        self.read()
        return super().__reversed__()

    def keys(self) -> Any:
        self.read()
        return super().keys()

    def values(self) -> Any:
        self.read()
        return super().values()

    def items(self) -> Any:
        self.read()
        return super().items()

    def popitem(self) -> tuple[str, Any]:
        self.read()
        return super().popitem()

    def copy(self) -> dict[str, Any]:
        return dict(self.items())

    def __eq__(self, other: object) -> bool:
        self.read()
        return super().__eq__(other)

    def __or__(self, other: Any) -> Any:
        return self.copy() | other

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Return the parts of a plain dict, so that copies and pickles hold no watched one."""
        self.read_all()
        return dict, (_plain(self),)


def watched(value: Any, key: str) -> Any:
    """Return the value of a dotted key, watched if it is a section."""
    return WatchedConfig(value, f"{key}.") if _is_section(value) else value


def watched_arguments(
    function: Callable[..., Any], config: Mapping[str, Any], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a function with a watched config. A config of a type with fields counts as read."""
    note("config", keys=list(_keys(config)))
    unused = unused_arguments(function)
    if "seed" in arguments:
        note("seed", function=function.__name__, is_used="seed" not in unused)
    result = dict(arguments)
    for name, value in arguments.items():
        if name == "config" and type(value) is dict:
            result[name] = WatchedConfig(value)
        elif name == "config":
            WatchedConfig(config).read_all()
        elif name in config and name not in unused:
            result[name] = watched(value, name)
            WatchedConfig(config).read(name)
    return result


def unused_arguments(function: Callable[..., Any]) -> set[str]:
    """Return the arguments of which the name does not occur in the body of a function; none if that is not sure."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return set()
    node = tree.body[0] if tree.body else None
    if not isinstance(node, ast.FunctionDef):
        return set()
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    if names & LOOKING_AROUND:
        return set()
    arguments = node.args
    return {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)} - names


def _is_section(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _keys(config: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in config.items():
        if _is_section(value):
            yield from _keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _plain(value: Any) -> Any:
    return {key: _plain(inner) for key, inner in dict.items(value)} if isinstance(value, dict) else value

# ruff: noqa: PTH100, PTH118, PTH120, PTH206
"""Notes what a script does with its options. Python imports this file at its start, as it lies on PYTHONPATH.

It runs in the Python of the script, 3.8 or newer, and so it imports the standard library only. Each note is a line of
JSON in a file of the folder that ABLATE_WATCH names. It is written at once, as a process may end in any way, and as
forked processes read options too. No fault of this file may change what the script does. It does without pathlib,
which takes long to import.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import sys
from typing import Any

WATCH = "ABLATE_WATCH"
HERE = os.path.dirname(os.path.abspath(__file__))
STANDARD = os.path.dirname(os.path.abspath(os.__file__))
NOT_THE_USERS = (HERE, STANDARD, "<frozen")
INSTALLED = ("site-packages", "dist-packages")

_parse_known_args = argparse.ArgumentParser.parse_known_args
_error = argparse.ArgumentParser.error
_repr = argparse.Namespace.__repr__
_paused = 0
"""Above 0 while argparse itself reads options, or while they are printed."""
_number = 0


def note(event: str, parse: str, **values: Any) -> None:
    """Write a note. `parse`: the name of the call that parsed the options, or an empty text."""
    line = json.dumps({"event": event, "parse": parse, **values})
    path = os.path.join(os.environ[WATCH], f"{os.getpid()}.jsonl")
    with contextlib.suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line.encode() + b"\n")
        finally:
            os.close(file)


class Unread:
    """The parsed options that nothing has read yet."""

    def __init__(self, parse: str, namespace: argparse.Namespace, names: set[str]) -> None:
        self.parse, self.namespace, self.names = parse, namespace, names

    def read(self, name: str) -> None:
        """Note that an attribute is read. Special ones, such as `__dict__`, give access to all."""
        if name in self.names:
            self.names.discard(name)
            note("read", self.parse, name=name)
        elif self.names and name != "__class__" and (name == "_get_kwargs" or name.startswith("__")):
            self.names.clear()
            note("read all", self.parse)

    def replaced(self, name: str) -> None:
        """Note that an attribute gets another value before it is read."""
        if name in self.names:
            self.names.discard(name)
            note("replaced", self.parse, name=name)


_unread: dict[int, Unread] = {}
"""{id of a namespace: its options}. The namespaces are kept, so that no other object gets their ids."""


class Rest(list):  # type: ignore[type-arg]
    """The arguments that no option of a parser takes. A use of them is noted, unless it only counts or prints them."""

    parse = ""

    def _used(self) -> None:
        if self.parse:
            note("rest used", self.parse)
            self.parse = ""


def _noting(name: str) -> Any:
    method = getattr(list, name)

    def noted(self: Rest, *arguments: Any) -> Any:
        self._used()
        return method(self, *arguments)

    return noted


for _name in (
    *("__iter__", "__getitem__", "__setitem__", "__delitem__", "__reversed__", "__contains__", "__add__", "__iadd__"),
    *("__mul__", "__rmul__", "__eq__", "__ne__", "__reduce_ex__", "copy", "pop", "index", "count", "remove", "sort"),
):
    setattr(Rest, _name, _noting(_name))


def _added(self: Rest, other: Any) -> Any:
    self._used()
    return list(other) + list.copy(self)


Rest.__radd__ = _added  # type: ignore[attr-defined]


def watched_parse(
    self: argparse.ArgumentParser, args: Any = None, namespace: Any = None
) -> tuple[argparse.Namespace, list[str]]:
    """Parse as argparse does, and note which options were given, and which arguments are left over."""
    global _paused
    if _paused:
        return _parse_known_args(self, args, namespace)
    given = list(sys.argv[1:] if args is None else args)
    _paused += 1
    try:
        parsed, rest = _parse_known_args(self, given, namespace)
    finally:
        _paused -= 1
    script = _users_file()
    if script is None:
        return parsed, rest
    try:
        return _noted(self, script, given, parsed, rest)
    except Exception:
        return parsed, rest


def _noted(
    parser: argparse.ArgumentParser, script: str, given: list[str], parsed: argparse.Namespace, rest: list[str]
) -> tuple[argparse.Namespace, list[str]]:
    global _number
    _number += 1
    parse = f"{os.getpid()}-{_number}"
    options = _options(parser)
    words = [word.split("=", 1)[0] for word in _before_dashes(given) if word.startswith("-")]
    flags = {name: word for word in words for name in [_destination(word, options)] if name}
    left = [word.split("=", 1)[0] for word in rest if word.startswith("-") and word.lstrip("-")[:1].isalpha()]
    note("parse", parse, script=script, given=flags, left=left, options=sorted(options))
    if type(parsed) is argparse.Namespace:
        _unread[id(parsed)] = Unread(parse, parsed, set(flags))
    if rest:
        rest = Rest(rest)
        rest.parse = parse
    return parsed, rest


def _before_dashes(words: list[str]) -> list[str]:
    return words[: words.index("--")] if "--" in words else words


def _destination(word: str, options: dict[str, str]) -> str | None:
    """Return the attribute that an option sets, which may be abbreviated; None if it is not known for sure."""
    if word in options:
        return options[word]
    near = {name for option, name in options.items() if word.startswith("--") and option.startswith(word)}
    return near.pop() if len(near) == 1 else None


def _options(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return {option: attribute} of a parser and its subcommands."""
    options: dict[str, str] = {}
    for action in parser._actions:
        options.update(dict.fromkeys(action.option_strings, action.dest))
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                options.update(_options(inner))
    return options


def _users_file() -> str | None:
    """Return the file that parses its options; None if it is one of a library."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename in (argparse.__file__, __file__):
        frame = frame.f_back
    path = frame.f_code.co_filename
    inside = os.path.normpath(path).split(os.sep)
    return None if path.startswith(NOT_THE_USERS) or any(name in inside for name in INSTALLED) else path


def watched_error(self: argparse.ArgumentParser, message: str) -> Any:
    """End the script as argparse does, and note why."""
    with contextlib.suppress(Exception):
        script = _users_file()
        if script is not None:
            note("error", "", script=script, message=message, options=sorted(_options(self)))
    return _error(self, message)


def _watched_get(self: argparse.Namespace, name: str) -> Any:
    unread = None if _paused else _unread.get(id(self))
    if unread is not None:
        unread.read(name)
    return object.__getattribute__(self, name)


def _watched_set(self: argparse.Namespace, name: str, value: Any) -> None:
    unread = None if _paused else _unread.get(id(self))
    if unread is not None:
        unread.replaced(name)
    object.__setattr__(self, name, value)


def _printed(self: argparse.Namespace) -> str:
    """Return the text of a namespace. Printing its options is no use of them."""
    global _paused
    _paused += 1
    try:
        return _repr(self)
    finally:
        _paused -= 1


def install() -> None:
    """Watch the options of this process."""
    argparse.ArgumentParser.parse_known_args = watched_parse  # type: ignore[method-assign,assignment]
    argparse.ArgumentParser.error = watched_error  # type: ignore[method-assign]
    argparse.Namespace.__getattribute__ = _watched_get  # type: ignore[method-assign,assignment]
    argparse.Namespace.__setattr__ = _watched_set  # type: ignore[method-assign]
    argparse.Namespace.__repr__ = _printed  # type: ignore[method-assign,assignment]


def run_other() -> None:
    """Run the `sitecustomize` that Python would import if this one were not there."""
    elsewhere = [path for path in sys.path if os.path.abspath(path or os.curdir) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    if WATCH in os.environ:
        install()
    run_other()

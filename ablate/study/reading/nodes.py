"""Reads YAML text into a tree of nodes that know their place. Nothing in a file is ever run or imported."""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ablate.errors import StudyError, nearest
from ablate.study import yaml_faults

MAX_BYTES = 5_000_000
MAX_NODES = 1_000_000
MAX_DEPTH = 50

EXAMPLE = "studies/bnneck.yaml"
"""A study file that messages give as an example."""

OTHER_FILES = (".py", ".ipynb", ".md", ".csv", ".toml", ".txt", ".log", ".html")
"""Endings of files that are given in place of a study file. If such a file is no YAML, its syntax is of no interest."""

_EVENTS = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BOOLEANS = {"on": True, "true": True, "off": False, "false": False}
_NULLS = {"", "~", "null"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,1000}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class SourcePlace:
    """The place where a value is written."""

    source: str
    """The file, or the command-line option that gave the value."""
    line: int | None = None
    """The line in the file, from 1; None for an option."""

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass
class Node:
    """A value and its place."""

    value: Any
    """A scalar; or a dict or list whose values are nodes."""
    place: SourcePlace
    keys: dict[Any, SourcePlace] = field(default_factory=dict)
    """The place of each key, if the value is a dict."""

    def plain(self) -> Any:
        """Return the value without places, as YAML's safe loader would return it."""
        if isinstance(self.value, dict):
            return {_unkey(key): child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def child(self, key: Any) -> "Node | None":
        """Return the child under a mapping's key or at a list's index; None if there is none."""
        child: Node | None = None
        if isinstance(self.value, dict):
            child = self.value.get(_key(key))
        elif isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            child = self.value[key]
        return child

    def at(self, path: Iterable[Any]) -> "Node | None":
        """Return the node below this one along a path of keys and indices; None if there is none."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node else None
        return node

    def name(self, key: Any) -> Any:
        """Return a key of `value` as it is written in the file."""
        return _unkey(key)


@dataclass(frozen=True)
class _Boolean:
    """A boolean as a mapping key. A plain `on` and `1` would be one key in Python."""

    value: bool


def _key(value: Any) -> Any:
    return _Boolean(value) if isinstance(value, bool) else value


def _unkey(key: Any) -> Any:
    return key.value if isinstance(key, _Boolean) else key


def read_file(path: Path) -> Node:
    """Return the tree of a study file; StudyError with the place of the fault if it cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise StudyError([f"{path}: is a folder; give a study file, like {EXAMPLE}"]) from None
    except (FileNotFoundError, NotADirectoryError):
        place = "" if path.is_absolute() else f" in {Path.cwd()}"
        near = _nearest_file(path)
        meant = f" did you mean {near}?" if near else ""
        message = f"no such file{place};{meant} give the path of a study file, like {EXAMPLE}"
        raise StudyError([f"{path}: {message}"]) from None
    except ValueError as error:  # the path has a character that no path may have
        raise StudyError([f"{str(path)!r}: is no path: {error}"]) from None
    except OSError as error:
        raise StudyError([f"{path}: cannot be read: {error.strerror}"]) from None
    if len(raw) > MAX_BYTES:
        raise StudyError([f"{path}: larger than {MAX_BYTES // 1_000_000} MB, which no study file needs to be"])
    if raw.startswith(b"SQLite format 3"):
        raise StudyError([f"{path}: is a store; give a study file, like {EXAMPLE}, and the store with --store"])
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise StudyError([f"{path}: is UTF-16; save the file as UTF-8"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        byte = f"0x{raw[error.start]:02x}"
        raise StudyError([f"{path}:{line}: byte {byte} is not UTF-8; save the file as UTF-8"]) from None
    try:
        root = parse(text, str(path))
        if isinstance(root.value, dict) or path.suffix.lower() not in OTHER_FILES:
            return root
        raise StudyError([])
    except StudyError:
        if path.suffix.lower() not in OTHER_FILES:
            raise
        remedy = "; `ablate import` reads logs" if path.suffix.lower() == ".md" else ""
        raise StudyError([f"{path}: is no study file; give one, like {EXAMPLE}{remedy}"]) from None


def _nearest_file(path: Path) -> str | None:
    """Return the study file that was probably meant by a path that does not exist, quoted for a shell."""
    folders = [path.parent, path.parent / "studies"]
    try:
        files = [file for folder in folders for file in sorted(folder.glob("*.y*ml"))]
    except OSError:
        return None
    by_stem = {file.stem: file for file in reversed(files)}
    near = nearest(path.stem, by_stem)
    return shlex.quote(str(by_stem[near])) if near else None


def study_name(path: Path) -> str | None:
    """Return the name of the study in a file; None if the file cannot be read or has none."""
    try:
        node = read_file(path).child("study")
    except StudyError:
        return None
    return node.value if node is not None and isinstance(node.value, str) else None


def parse(text: str, source: str, numbered: bool = True) -> Node:
    """Return the tree of a YAML text. `numbered` is False for an option's value, which has no lines."""
    composer = _Composer(source, numbered, text)
    try:
        return composer.document(yaml.parse(text, Loader=_EVENTS))
    except yaml.YAMLError as error:
        raise StudyError([_syntax_fault(error, text, source, numbered)]) from None
    except UnicodeEncodeError as error:  # from a command line; a file that is not UTF-8 is refused earlier
        raise StudyError([f"{source}: {text[: error.start]!r} is followed by a byte that is not UTF-8"]) from None


def scalar(text: str) -> Any:
    """Return a plain scalar's value: `on` and `off` are booleans, `1e-4` is a number, everything else is text."""
    if text.lower() in _NULLS:
        return None
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _syntax_fault(error: yaml.YAMLError, text: str, source: str, numbered: bool) -> str:
    fault = yaml_faults.explained(error, text)
    place = SourcePlace(source, fault.line if numbered else None)
    return f"{place}: {fault.message}{yaml_faults.shown(fault, text)}"


class _Composer:
    """Builds the tree from the parser's events. Aliases share their node, so that none can fill the memory."""

    def __init__(self, source: str, numbered: bool, text: str) -> None:
        self.source, self.numbered, self.text = source, numbered, text
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[int, int] = {}

    def document(self, events: Iterator[Any]) -> Node:
        self.events = events
        next(events)  # the stream's start
        if isinstance(next(events), yaml.StreamEndEvent):
            return Node(None, SourcePlace(self.source, 1 if self.numbered else None))
        root = self.node(next(events), 0)
        next(events)  # the document's end
        following = next(events)
        if not isinstance(following, yaml.StreamEndEvent):
            raise self.fault(following, "a second document begins here; a study file holds one")
        return root

    def fault(self, event: Any, message: str) -> StudyError:
        fault = yaml_faults.SyntaxFault(message, event.start_mark.line + 1, event.start_mark.column + 1)
        return StudyError([f"{self.place(event)}: {message}{yaml_faults.shown(fault, self.text)}"])

    def place(self, event: Any) -> SourcePlace:
        return SourcePlace(self.source, event.start_mark.line + 1 if self.numbered else None)

    def node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                message = f"alias *{event.anchor} names no anchor, or one that contains the alias"
                raise self.fault(event, f"{message}; text that begins with * stands in quotes")
            return self.anchors[event.anchor]
        if depth > MAX_DEPTH:
            raise self.fault(event, f"nested more than {MAX_DEPTH} deep")
        if event.tag not in (None, "!"):
            message = f"tag {event.tag} is not accepted; a study file holds plain values only"
            raise self.fault(event, f"{message}, and text that begins with ! stands in quotes")
        node = self.content(event, depth)
        self.count(event, node)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def content(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            value = scalar(event.value) if event.implicit[0] else event.value
            return Node(value, self.place(event))
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(event, depth)
        return self.mapping(event, depth)

    def count(self, event: Any, node: Node) -> None:
        children = node.value.values() if isinstance(node.value, dict) else node.value
        inner = children if isinstance(node.value, dict | list) else ()
        size = 1 + sum(self.sizes[id(child)] for child in inner)
        if size > MAX_NODES:
            raise self.fault(event, f"aliases expand to more than {MAX_NODES:,} values")
        self.sizes[id(node)] = size

    def sequence(self, event: Any, depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(following := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(following, depth + 1))
        return Node(items, self.place(event))

    def mapping(self, event: Any, depth: int) -> Node:
        node = Node({}, self.place(event))
        merged: list[Node] = []
        value: Node | None = None
        while not isinstance(following := next(self.events), yaml.MappingEndEvent):
            before, key = value, self.node(following, depth + 1)
            value = self.node(next(self.events), depth + 1)
            if before is not None and value.value is None:
                self.check_comma(following, before)
            if key.value == "<<":
                merged += value.value if isinstance(value.value, list) else [value]
            else:
                self.insert(following, node, key, value)
        for source in merged:
            self.merge(event, node, source)
        return node

    def check_comma(self, event: Any, before: Node) -> None:
        """Raise StudyError for a number with a comma: in braces, YAML reads its end as a key without value."""
        column, digits = event.start_mark.column, getattr(event, "value", "")
        line = self.text.split("\n")[event.start_mark.line]
        is_number = type(before.value) is int and isinstance(event, yaml.ScalarEvent) and digits.isdecimal()
        if is_number and line[:column].endswith(f"{before.value},"):
            whole = f"{before.value}{digits}, or " if before.value and len(digits) == 3 else ""
            several = "several values stand in brackets, with spaces between them"
            message = f"a number has no comma: write {whole}{before.value}.{digits} with a point; {several}"
            raise self.fault(event, message)

    def insert(self, event: Any, node: Node, key: Node, value: Node) -> None:
        if isinstance(key.value, dict | list):
            raise self.fault(event, "a key must be a single value, not a list or a mapping")
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and (odd := yaml_faults.odd_space(event.value)):
            raise self.fault(event, odd)
        name = _key(key.value)
        if name in node.value:
            raise self.fault(
                event, f"key {yaml_text(key.value)} stands here twice, first in line {node.keys[name].line}"
            )
        node.value[name], node.keys[name] = value, self.place(event)

    def merge(self, event: Any, node: Node, source: Node) -> None:
        if not isinstance(source.value, dict):
            raise self.fault(event, "<< takes a mapping or a list of mappings")
        for name, value in source.value.items():
            node.keys.setdefault(name, source.keys[name])
            node.value.setdefault(name, value)


def yaml_text(value: Any) -> str:
    """Return a value as a user would write it in a study file, with at most 60 characters."""
    text = yaml_word(value) if not isinstance(value, dict | list | tuple) else _flow(value)
    return text if len(text) <= 60 else text[:57] + "..."


def yaml_word(value: Any) -> str:
    """Return one scalar in the words of a study file: on, off, null, a number, or quoted text."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "null"
    return repr(value) if isinstance(value, str) else f"{value}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [(key if isinstance(key, str) else yaml_text(key), child) for key, child in list(value.items())[:8]]
        return "{" + ", ".join(f"{key}: {yaml_text(child)}" for key, child in pairs) + "}"
    return "[" + ", ".join(yaml_text(child) for child in value[:8]) + "]"

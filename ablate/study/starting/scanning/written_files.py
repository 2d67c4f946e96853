"""The files of results that a script writes: JSON objects and CSV tables whose names stand in the script."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ablate.study.starting.scanning.source import (
    Function,
    PythonSource,
    assigned,
    dotted,
    keyword,
    last_name,
    text_of,
)

OPENERS = ("open", "io.open", "codecs.open", "Path", "pathlib.Path", "str")
"""Functions whose first argument is the path that they open or return."""
LINES = (".jsonl", ".ndjson")
KINDS = (".json", *LINES, ".csv", ".tsv")


class WrittenFile(NamedTuple):
    """A file of results."""

    path: str
    """Its name, or its path in the folder that an option gives."""
    keys: Mapping[str, ast.expr | None]
    """{dotted key of the JSON object, or column: the value, if it is clear}."""
    is_in_folder: bool
    """True if it lies in a folder, or has a path, that an option or ABLATE_DIR gives."""
    call: ast.Call


@dataclass(frozen=True)
class WrittenResults:
    """The results that a script writes as JSON or as tables."""

    files: tuple[WrittenFile, ...] = ()
    printed: tuple[tuple[ast.Call, Mapping[str, ast.expr | None]], ...] = ()
    """The JSON objects that it prints, each on one line: the call, and the keys with their values."""


def written_results(source: PythonSource, outputs: Mapping[str, str]) -> WrittenResults:
    """Return the files and objects. `outputs`: {attribute of an option that gives a folder or a file: the file}."""
    reader = _ResultsReader(source, outputs)
    files = [file for call in source.calls for file in reader.files(call)]
    return WrittenResults(tuple(files), tuple(reader.printed()))


class _ResultsReader:
    def __init__(self, source: PythonSource, outputs: Mapping[str, str]) -> None:
        self.source = source
        self.values: dict[str, list[ast.expr]] = {}
        for node in ast.walk(source.tree):
            for name, value in assigned(node):
                self.values.setdefault(name, []).append(value)
            for item in node.items if isinstance(node, ast.With | ast.AsyncWith) else ():
                if name := dotted(item.optional_vars):
                    self.values.setdefault(name, []).append(item.context_expr)
        for values in self.values.values():
            values.sort(key=lambda value: value.lineno)
        self.outputs = outputs

    def files(self, call: ast.Call) -> Iterator[WrittenFile]:
        """Yield the file that a call writes results to."""
        name = last_name(call.func)
        if name == "dump" and "json" in dotted(call.func) and len(call.args) > 1:
            yield from self._file(call, call.args[1], self.keys(call.args[0]))
        elif name in ("write", "write_text") and isinstance(call.func, ast.Attribute) and call.args:
            yield from self._file(call, call.func.value, self._dumped(call.args[0]))
        elif name == "DictWriter" and call.args:
            columns = self.source.plain(keyword(call, "fieldnames") or (call.args[1] if len(call.args) > 1 else None))
            yield from self._file(call, call.args[0], _columns(columns))
        elif name == "writerow" and isinstance(call.func, ast.Attribute) and call.args:
            writer = self._latest(dotted(call.func.value), call)
            columns = self.source.plain(call.args[0])
            is_header = isinstance(columns, list) and columns and all(isinstance(each, str) for each in columns)
            if is_header and isinstance(writer, ast.Call) and last_name(writer.func) == "writer" and writer.args:
                yield from self._file(call, writer.args[0], _columns(columns))

    def printed(self) -> Iterator[tuple[ast.Call, Mapping[str, ast.expr | None]]]:
        """Yield the calls that print one JSON object in one line, and its keys."""
        for call in self.source.calls:
            if (
                last_name(call.func) in ("print", "echo")
                and len(call.args) == 1
                and (keys := self._dumped(call.args[0], True))
            ):
                yield call, keys

    def keys(self, node: ast.expr, depth: int = 0) -> dict[str, ast.expr | None]:
        """Return the dotted keys of an object: of a dict in the script, or of a name that one is assigned to."""
        if isinstance(node, ast.Name | ast.Attribute) and depth < 4:
            values = self.values.get(dotted(node), [])
            return {key: inner for value in values for key, inner in self.keys(value, depth + 1).items()}
        if isinstance(node, ast.Call) and dotted(node.func) == "dict":
            return {each.arg: each.value for each in node.keywords if each.arg}
        if not isinstance(node, ast.Dict):
            return {}
        keys: dict[str, ast.expr | None] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            inner = self.keys(value, depth + 1) if isinstance(value, ast.Dict) else {}
            if name := text_of(key):
                keys |= {f"{name}.{each}": part for each, part in inner.items()} or {name: value}
        return keys

    def _dumped(self, node: ast.expr, in_one_line: bool = False) -> Mapping[str, ast.expr | None]:
        """Return the keys of the object that an expression such as `json.dumps(x) + "\\n"` is the text of."""
        if isinstance(node, ast.BinOp):
            return self._dumped(node.left, in_one_line)
        if not isinstance(node, ast.Call) or last_name(node.func) != "dumps" or not node.args:
            return {}
        return {} if in_one_line and keyword(node, "indent") else self.keys(node.args[0])

    def _file(self, call: ast.Call, node: ast.expr, keys: Mapping[str, ast.expr | None]) -> Iterator[WrittenFile]:
        parts = self._parts(node, call)
        name = "".join(parts).lstrip("./")
        if keys and PurePosixPath(name).suffix.lower() in KINDS and ".." not in name:
            yield WrittenFile(name, keys, self._is_in_folder(node, call), call)

    def _parts(self, node: ast.expr | None, call: ast.Call, depth: int = 0) -> list[str]:
        """Return the texts that a path, or an opened file, is put together from, without values that are not known."""
        if depth > 6 or node is None:
            return []
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, ast.JoinedStr):
            return [text_of(value) for value in node.values]
        if isinstance(node, ast.BinOp):
            slash = ["/"] if isinstance(node.op, ast.Div) else []
            return [*self._parts(node.left, call, depth + 1), *slash, *self._parts(node.right, call, depth + 1)]
        if isinstance(node, ast.Call):
            if last_name(node.func) == "join":
                inner = [self._parts(each, call, depth + 1) for each in node.args]
                return ["/".join("".join(each) for each in inner)]
            if dotted(node.func) in OPENERS and node.args:
                return self._parts(node.args[0], call, depth + 1)
            is_method = isinstance(node.func, ast.Attribute)
            return self._parts(node.func.value, call, depth + 1) if is_method else []  # type: ignore[attr-defined]
        value = self._latest(dotted(node), call)
        return self._parts(value, call, depth + 1) or [self.outputs.get(last_name(node), "")]

    def _is_in_folder(self, node: ast.expr, call: ast.Call, depth: int = 0) -> bool:
        """Return True if an option that gives a folder or a file, or ABLATE_DIR, is a part of an expression."""
        for inner in ast.walk(node):
            name = dotted(inner) if isinstance(inner, ast.Name | ast.Attribute) else ""
            if name and name.rpartition(".")[2] in self.outputs:
                return True
            if text_of(inner if isinstance(inner, ast.expr) else None) == "ABLATE_DIR":
                return True
            value = self._latest(name, call) if name and depth < 6 else None
            if value is not None and value is not node and self._is_in_folder(value, call, depth + 1):
                return True
        return False

    def _latest(self, name: str, call: ast.Call) -> ast.expr | None:
        """Return the expression that was assigned to a name before a call, in the same function if possible."""
        values = [value for value in self.values.get(name, ()) if value.lineno <= call.lineno]
        own = self._function(call)
        near = [value for value in values if self._function(value) is own]
        return next(reversed(near or values), None)

    def _function(self, node: ast.AST) -> ast.AST | None:
        return next((outer for outer in self.source.around(node) if isinstance(outer, Function)), None)


def _columns(names: Any) -> dict[str, ast.expr | None]:
    """Return the columns of a table; none if they are not known."""
    return {name: None for name in names if isinstance(name, str)} if isinstance(names, list) else {}

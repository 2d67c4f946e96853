"""A Python file as a syntax tree, and the plain values in it. Nothing is imported or run."""

import ast
import operator
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import EllipsisType
from typing import Any

from ablate.errors import AblateError
from ablate.filesystem import read_regular

LARGEST = 5_000_000
"""Bytes of the largest script that is read."""


class _Unknown:
    """A value that only running the script would show."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = _Unknown()
"""A value that only running the script would show."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While
_ARITHMETIC: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


@dataclass(frozen=True)
class PythonSource:
    """A Python file."""

    path: Path
    tree: ast.Module = field(repr=False)

    @cached_property
    def constants(self) -> dict[str, Any]:
        """The plain values of the names that the file assigns once at its top."""
        names: dict[str, list[ast.expr]] = {}
        for node in self.tree.body:
            for name, value in assigned(node):
                names.setdefault(name, []).append(value)
        plain = {name: _plain(values[0], {}) for name, values in names.items() if len(values) == 1}
        return {name: value for name, value in plain.items() if value is not UNKNOWN}

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def calls(self) -> list[ast.Call]:
        """All calls, in the order of the file."""
        calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return sorted(calls, key=lambda call: (call.lineno, call.col_offset))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes by name."""
        return {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions at the top of the file, by name."""
        return {node.name: node for node in self.tree.body if isinstance(node, Function)}

    @cached_property
    def imported(self) -> set[str]:
        """The modules that the file imports, and `module.name` for the names that it takes from them."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        return names

    def plain(self, node: ast.expr | None) -> Any:
        """Return the plain value of an expression, or UNKNOWN."""
        return UNKNOWN if node is None else _plain(node, self.constants)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, from the inside to the outside."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def is_in_loop(self, node: ast.AST) -> bool:
        """Return True if a node runs once for each round of a loop in its function."""
        for outer in self.around(node):
            if isinstance(outer, Loop):
                return True
            if isinstance(outer, Function):
                return False
        return False


def read_source(path: Path) -> PythonSource:
    """Return a Python file; AblateError with the line of a fault in its syntax."""
    try:
        content = read_regular(path)
    except OSError as error:
        raise AblateError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise AblateError(f"{path}: has more than {LARGEST // 1_000_000} MB, which no training script needs")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a script's own odd escapes
            return PythonSource(path, ast.parse(content, str(path)))
    except SyntaxError as error:
        line = (error.text or "").strip()
        shown = f"\n    {line}" if line else ""
        raise AblateError(f"{path}:{error.lineno}: is not valid Python: {error.msg}{shown}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise AblateError(f"{path}: is not valid Python: {error}") from None


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield (name, value) for each plain name, or attribute such as `self.lr`, that a statement assigns."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if name := dotted(target):
                yield name, node.value
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None and (name := dotted(node.target)):
        yield name, node.value


def dotted(node: ast.expr | None) -> str:
    """Return `a.b.c` of such an expression; empty for any other one."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr}"
    return ""


def last_name(node: ast.expr | None) -> str:
    """Return `c` of `a.b.c`, of `f(x).c`, and of a call of these; empty for any other expression."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword of a call; None if it is not given."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def text_of(node: ast.expr | None) -> str:
    """Return the text of a string; empty for any other expression."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _plain(node: ast.expr, constants: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = _plain(node.left, constants), _plain(node.right, constants)
        if all(type(each) in (int, float) for each in (left, right)):
            try:
                return _ARITHMETIC[type(node.op)](left, right)
            except ArithmeticError:
                return UNKNOWN
        return UNKNOWN
    if isinstance(node, ast.List | ast.Tuple):
        values = [_plain(each, constants) for each in node.elts]
        return UNKNOWN if any(each is UNKNOWN for each in values) else values
    if isinstance(node, ast.Call) and last_name(node.func) in ("Path", "str", "int", "float") and len(node.args) == 1:
        return _plain(node.args[0], constants)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN
    return value if isinstance(value, str | int | float | bool | list | dict | type(None) | EllipsisType) else UNKNOWN

"""The folders that a script adds to `sys.path`, computed from its text without running it.

Scripts of research code write `sys.path.append(str(Path(__file__).parent.parent))` in many ways. A small part of
Python is enough to read them: text, `__file__`, names that are assigned once, and the functions for paths.
"""

import ast
import posixpath
from collections.abc import Iterator, Mapping, Sequence

FILE = "/\0" + "/d" * 12
"""Stands for the folder of the file itself. The folders below it leave room for many steps upwards."""
OF_FILE, OF_WORKING_FOLDER, ABSOLUTE = "file", "working folder", "absolute"
"""The folder that a path begins from."""
SAME = {"str", "Path", "PurePath", "fspath", "abspath", "realpath", "normpath", "resolve", "absolute", "as_posix"}
"""Functions of a path that leave it as it is, apart from links."""
MOST_STEPS = 40
"""Parts of one expression that are read; a name can be assigned in terms of itself."""

AddedPath = tuple[str, str]
"""The folder that a path begins from, and the path."""


def added_paths(tree: ast.AST) -> tuple[list[AddedPath], bool]:
    """Return the folders that code adds to `sys.path`, and True if it adds one that its text does not show."""
    names = _assigned(tree)
    paths: list[AddedPath] = []
    is_hidden = False
    for node in _additions(tree):
        path = _PathReader(names).path(node)
        if path is None:
            is_hidden = True
        else:
            paths.append(_located(path))
    return paths, is_hidden


def _assigned(tree: ast.AST) -> dict[str, ast.expr]:
    """Return {name: the first expression that is assigned to it}."""
    names: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    names.setdefault(target.id, node.value)
    return names


def _additions(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions that are added to `sys.path`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and dotted(node.target) == "sys.path":
            yield from _items(node.value)
        elif isinstance(node, ast.Call) and node.args:
            name = dotted(node.func)
            if name in ("sys.path.append", "site.addsitedir"):
                yield node.args[0]
            elif name == "sys.path.insert":
                yield node.args[-1]
            elif name == "sys.path.extend":
                yield from _items(node.args[0])


def _items(node: ast.expr) -> Sequence[ast.expr]:
    return node.elts if isinstance(node, ast.List | ast.Tuple) else [node]


def dotted(node: ast.expr) -> str:
    """Return a name such as `sys.path.append` as text; empty for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def _located(path: str) -> AddedPath:
    if path.startswith("/\0"):
        return OF_FILE, posixpath.relpath(path, FILE)
    normal = posixpath.normpath(path)
    return (ABSOLUTE if normal.startswith("/") else OF_WORKING_FOLDER), normal


class _PathReader:
    """Reads one expression."""

    def __init__(self, names: Mapping[str, ast.expr]) -> None:
        self.names, self.steps = names, 0

    def path(self, node: ast.expr) -> str | None:
        """Return the path that an expression stands for; None if its text does not show it."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._of_name(node.id)
        if isinstance(node, ast.Call):
            return self._of_call(node)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node)
        if isinstance(node, ast.Subscript):
            return self._of_parents(node)
        if isinstance(node, ast.BinOp):
            return self._of_operator(node)
        return None

    def _of_name(self, name: str) -> str | None:
        if name == "__file__":
            return f"{FILE}/file"
        return self.path(self.names[name]) if name in self.names else None

    def _of_call(self, node: ast.Call) -> str | None:
        name, arguments = dotted(node.func).rpartition(".")[2], list(node.args)
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            first = dotted(node.func.value).partition(".")[0]
            if not first or first in self.names or first == "__file__":  # a method of a path, no function of a module
                arguments.insert(0, node.func.value)
        if name in ("getcwd", "cwd"):
            return "."
        paths = [path for argument in arguments if (path := self.path(argument)) is not None]
        if not paths or len(paths) < len(arguments):
            return None
        if name == "dirname":
            return posixpath.dirname(paths[0])
        if name in ("join", "joinpath"):
            return posixpath.join(*paths)
        return paths[0] if name in SAME else None

    def _of_attribute(self, node: ast.Attribute) -> str | None:
        if node.attr in ("pardir", "curdir"):
            return ".." if node.attr == "pardir" else "."
        path = self.path(node.value) if node.attr == "parent" else None
        return None if path is None else _above(path)

    def _of_parents(self, node: ast.Subscript) -> str | None:
        """Return the path of `path.parents[2]`."""
        owner, index = node.value, node.slice
        if not isinstance(owner, ast.Attribute) or owner.attr != "parents" or not isinstance(index, ast.Constant):
            return None
        steps = index.value
        if not isinstance(steps, int) or not 0 <= steps < MOST_STEPS:
            return None
        path = self.path(owner.value)
        for _ in range(steps + 1):
            path = None if path is None else _above(path)
        return path

    def _of_operator(self, node: ast.BinOp) -> str | None:
        left, right = self.path(node.left), self.path(node.right)
        if left is None or right is None or not isinstance(node.op, ast.Div | ast.Add):
            return None
        return posixpath.join(left, right) if isinstance(node.op, ast.Div) else left + right


def _above(path: str) -> str:
    """Return the folder of a path; above a relative one there are further folders."""
    normal = posixpath.normpath(path)
    is_above = normal in (".", "..") or normal.endswith("/..")
    return posixpath.join(normal, "..") if is_above else posixpath.dirname(normal)

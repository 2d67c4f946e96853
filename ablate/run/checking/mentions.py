"""The names in a user's code that may read a setting: if none does, no training reads it."""

import ast
from collections.abc import Iterator

from ablate.errors import AblateError
from ablate.study.starting.scanning.source import last_name, read_source
from ablate.trainers.declared.entry import DeclaredEntry

DECLARING = "add_argument"
"""The call that declares an option, and reads none."""


def mentioned_names(entry: DeclaredEntry) -> frozenset[str]:
    """Return all attributes, variables and texts in the Python files that decide results, but for declared options."""
    names: set[str] = set()
    for file in entry.code.hashes:
        if file.endswith(".py"):
            try:
                names.update(_names(read_source(entry.folder / file).tree))
            except AblateError:
                continue
    return frozenset(names)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and last_name(node.func) == DECLARING:
        return
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _names(child)

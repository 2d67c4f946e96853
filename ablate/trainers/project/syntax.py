"""The hash of Python code by its syntax tree, so that comments and docstrings do not change it."""

import ast
import hashlib
from collections.abc import Sequence

DIGITS = 20
"""The number of hex digits of the hash of a file."""

ImportStatement = ast.Import | ast.ImportFrom


def syntax_hash(tree: ast.AST) -> tuple[str, Sequence[ImportStatement]]:
    """Return the hash of a tree, and the import statements in it, also those inside functions."""
    imports: list[ImportStatement] = []
    text = _canonical(tree, imports)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS], imports


def _canonical(node: object, imports: list[ImportStatement]) -> str:
    """Return a tree as text without bare strings, positions and empty fields, which differ between Python versions.

    Adds the import statements of the tree to `imports`. One pass does both, because every start waits for it.
    """
    if isinstance(node, list):
        return "[" + ",".join([_canonical(item, imports) for item in node if not _bare_string(item)]) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Import | ast.ImportFrom):
        imports.append(node)
    parts = [type(node).__name__]
    for name in node._fields:
        value = getattr(node, name, None)
        if value is not None and value != [] and name != "kind":
            parts.append(f"{name}={_canonical(value, imports)}")
    return "(" + ",".join(parts) + ")"


def _bare_string(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

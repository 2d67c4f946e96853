"""The hash of a trainer's code: of its syntax trees, so that comments and docstrings change nothing."""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import ablate
from ablate.train.config import TRAINERS

PACKAGE = Path(ablate.__file__).parent
APART = {"ablate.train.config", "ablate.errors", "ablate"}
"""Modules that decide no result by their code: a config is part of the identity by its values."""


@lru_cache
def code_hashes(trainer: str) -> dict[str, str]:
    """{file in the package: hash} of the trainer's module and of all it imports from the package."""
    hashes: dict[str, str] = {}
    waiting = [TRAINERS[trainer].entry.partition(":")[0]]
    while waiting:
        module = waiting.pop()
        path = _path(module)
        name = str(path.relative_to(PACKAGE)) if path else ""
        if path is None or module in APART or name in hashes:
            continue
        tree = ast.parse(path.read_bytes())
        hashes[name] = hashlib.sha256(_canonical(tree).encode()).hexdigest()[:20]
        waiting += _imported(tree)
    return dict(sorted(hashes.items()))


def _path(module: str) -> Path | None:
    """The file of one of the package's modules; None for any other name."""
    relative = Path(*module.split(".")[1:])
    candidates = [PACKAGE / relative.with_suffix(".py")] if relative.parts else []
    candidates.append(PACKAGE / relative / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _imported(tree: ast.Module) -> Iterator[str]:
    """The package's modules that a tree imports anywhere, `from ablate.data import emoji` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("ablate"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ablate"):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _canonical(node: object) -> str:
    """A tree as text without bare strings, positions and empty fields, which differ between Python versions."""
    if isinstance(node, list):
        return "[" + ",".join(_canonical(item) for item in node if not _bare_string(item)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, getattr(node, name, None)) for name in node._fields if name != "kind"]
    inner = ",".join(f"{name}={_canonical(value)}" for name, value in fields if value not in (None, []))
    return f"{type(node).__name__}({inner})"


def _bare_string(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)

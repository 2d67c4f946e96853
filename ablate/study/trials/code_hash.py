"""The hashes of a trainer's code, made from syntax trees, so that comments and docstrings do not change them."""

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from ablate.trainers.project.syntax import ImportStatement, syntax_hash
from ablate.trainers.registry import TRAINERS

PACKAGE = Path(__file__).parents[2]
WITHOUT_CODE = ("ablate.errors", "ablate.trainers.config", "ablate.trainers.entry", "ablate.trainers.registry")
"""Modules whose code decides no result, whatever the trainer. A trainer's entry names more of them."""


@lru_cache
def code_hashes(trainer: str) -> dict[str, str]:
    """Return {file in the package: hash} of the trainer's module and of all that it imports from the package."""
    entry = TRAINERS[trainer]
    without_code = (*WITHOUT_CODE, *entry.without_code)
    hashes: dict[str, str] = {}
    waiting = [entry.train.partition(":")[0]]
    while waiting:
        module = waiting.pop()
        path = _path(module)
        name = str(path.relative_to(PACKAGE)) if path else ""
        if path is None or name in hashes or _is_left_out(module, without_code):
            continue
        hashes[name], imports = syntax_hash(ast.parse(path.read_bytes()))
        waiting += _modules(imports)
    return dict(sorted(hashes.items()))


def _is_left_out(module: str, without_code: Sequence[str]) -> bool:
    """Return True for the package itself and for a module or package named in `without_code`."""
    return module == "ablate" or any(f"{module}.".startswith(f"{name}.") for name in without_code)


def _path(module: str) -> Path | None:
    """Return the file of one of the package's modules; None for any other name."""
    relative = Path(*module.split(".")[1:])
    candidates = [PACKAGE / relative.with_suffix(".py")] if relative.parts else []
    candidates.append(PACKAGE / relative / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _modules(imports: Sequence[ImportStatement]) -> Iterator[str]:
    """Yield the package's modules in import statements, also in those like `from ablate.trainers import config`."""
    for node in imports:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("ablate"))
        elif (node.module or "").startswith("ablate"):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)

"""Imports that no import statement shows: by functions that are given a name, and of configs that Hydra reads."""

import ast

from ablate.trainers.project.imports.added_paths import dotted
from ablate.trainers.project.imports.statement import ImportOf

NAMES = {"import_module", "__import__", "spec_from_file_location", "run_path", "run_module"}
"""Functions that import a module whose name or path they are given."""


def imports_by_name(tree: ast.AST) -> tuple[list[ImportOf], bool]:
    """Return the imports by functions that are given a literal name, and True if there are others."""
    imports: list[ImportOf] = []
    is_computed = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := dotted(node.func).rpartition(".")[2]) in NAMES:
            module = _literal_module(node) if name in ("import_module", "__import__") else None
            is_computed |= module is None
            imports += [module] if module else []
    return imports, is_computed


def _literal_module(node: ast.Call) -> ImportOf | None:
    """Return the import of `import_module("name")` or `import_module(".name", package)`; None for computed names."""
    values = [*node.args, *(word.value for word in node.keywords if word.arg in ("name", "package"))]
    if not values or not isinstance(values[0], ast.Constant) or not isinstance(values[0].value, str):
        return None
    name = values[0].value
    module = name.lstrip(".")
    level = len(name) - len(module)
    if not level:
        return ImportOf(0, module, ())
    package = values[1] if len(values) > 1 else None
    if isinstance(package, ast.Constant) and isinstance(package.value, str):
        parents = package.value.split(".")
        return ImportOf(0, ".".join([*parents[: len(parents) - level + 1], module]), ())
    return ImportOf(level, module, ()) if package is not None and dotted(package) == "__package__" else None


READS_CONFIGS = "reads configs from {}/, next to it; add that folder to `data:`"
"""The note of a Hydra application; `{}` is the folder of its configs, relative to the script."""


def hydra_notes(tree: ast.AST) -> list[str]:
    """Return a note for each folder of configs that `hydra.main` reads."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and dotted(node.func) == "hydra.main"]
    values = [word.value for call in calls for word in call.keywords if word.arg == "config_path"]
    folders = [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]
    return [READS_CONFIGS.format(folder.rstrip("/")) for folder in folders]

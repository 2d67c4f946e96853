"""The house's rule: imports go one way. See docs/architecture.md; change that picture and this test together."""

import ast
from pathlib import Path
from typing import TypeGuard

import pytest

from ablate.trainers.registry import ENTRIES

PACKAGE = Path(__file__).parent.parent / "ablate"

BASE = {"errors", "text", "filesystem", "version", "measurement", "packed_arrays", "extras"}
MAY_IMPORT = {
    "errors": set(),
    "version": set(),
    "text": set(),
    "filesystem": set(),
    "measurement": set(),
    "packed_arrays": set(),
    "extras": {"text"},
    "trainers": {*BASE},
    "retrieval": {*BASE, "trainers"},
    "study": {*BASE, "trainers"},
    "imports": {*BASE, "trainers", "study"},
    "store": {*BASE, "study", "imports"},
    "run": {*BASE, "trainers", "study", "store"},
    "exports": {*BASE, "trainers", "study", "store"},
    "analysis": {*BASE, "trainers", "study", "store"},
    "report": {*BASE, "trainers", "study", "store", "analysis"},
    "adaptive": {*BASE, "trainers", "study", "store", "run", "analysis"},
    "api": {*BASE, "study", "imports", "exports", "store", "run", "analysis", "report", "adaptive"},
    "cli": {*BASE, "api", "trainers", "exports", "study", "imports", "store", "run", "analysis", "report", "adaptive"},
    "__main__": {"cli"},
    "__init__": {"errors", "version", "measurement", "trainers", "study", "imports", "store", "run", "analysis", "api"},
}
LIVES_IN = {
    "torch": {"trainers", "retrieval"},
    "torchvision": {"retrieval"},
    "timm": {"retrieval"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "optuna": {"adaptive", "analysis"},
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(str(node.module))
            if node.module == "ablate":
                found |= {f"ablate.{alias.name}" for alias in node.names if alias.name != "__version__"}
    return found


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    own = part(path)
    for name in imports(path):
        if name.startswith("ablate."):
            other = name.split(".")[1]
            assert other == own or other in MAY_IMPORT[own], f"{own} may not import {name}"
        library = name.split(".")[0]
        assert own in LIVES_IN.get(library, {own}), f"{library} lives in {LIVES_IN.get(library)}, not in {own}"


def test_the_rule_catches_an_arrow_the_wrong_way(tmp_path: Path) -> None:
    wrong = tmp_path / "module.py"
    wrong.write_text("from ablate import cli\nimport ablate.run.dispatch\n")
    assert {"ablate.cli", "ablate.run.dispatch"} <= imports(wrong)


def test_only_trainers_and_readers_are_imported_by_name() -> None:
    callers = {str(path.relative_to(PACKAGE)) for path in MODULES if "importlib" in imports(path)}
    others = {path for path in callers if not path.startswith(("trainers/", "retrieval/"))}
    assert others == {"__init__.py", "imports/kinds.py"}


def names_of_trainers(path: Path) -> set[str]:
    """The names of trainers that a module writes as a string."""
    strings = {node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if is_string(node)}
    return strings & set(ENTRIES)


def is_string(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_only_the_registry_and_the_trainers_themselves_name_a_trainer() -> None:
    named = {str(path.relative_to(PACKAGE)) for path in MODULES if names_of_trainers(path)}
    own = tuple(entry.rpartition(".")[0].removeprefix("ablate.").replace(".", "/") + "/" for entry in ENTRIES.values())
    assert {path for path in named if not path.startswith(own)} == {"trainers/registry.py"}

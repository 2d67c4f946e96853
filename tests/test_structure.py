"""The structure of the package and of its tests: no import in a circle, each class once, folders of a readable size."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGE = ROOT / "ablate"
MOST_FILES = 12
"""Files of Python in one folder, `__init__.py` not counted."""

TESTS = sorted((ROOT / "tests").rglob("*.py"))
MODULES = sorted(PACKAGE.rglob("*.py"))
TEST_OR_BENCHMARK = re.compile(r"\bfrom (tests\.(?:\w+\.)*test_\w+|benchmarks[.\w]*) import|\bimport benchmarks\b")
"""Also found in a script that a test passes to another process as a string."""


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports at its top or inside its functions, and what it takes from them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            names.add(str(node.module))
    return names


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def graph() -> dict[str, set[str]]:
    """Return {module: modules of the package that it imports}.

    An import of a package's own name counts as its `__init__.py` only if it takes something that is no module.
    """
    known = {module_name(path) for path in MODULES}
    arrows = {}
    for path in MODULES:
        own, taken = module_name(path), set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                taken |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                full = {f"{node.module}.{alias.name}" for alias in node.names}
                taken |= full & known
                if full - known:
                    taken.add(str(node.module))
        arrows[own] = (taken & known) - {own}
    return arrows


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other: Tarjan's strongly connected components of two or more."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    groups = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in sorted(arrows[module]):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            at = stack.index(module)
            groups.append(sorted(stack[at:]))
            del stack[at:]

    for module in arrows:
        if module not in number:
            visit(module)
    return [group for group in groups if len(group) > 1]


def crowded(folders: list[Path]) -> dict[str, int]:
    """Return the folders with too many files of Python, and how many each has."""
    counts = Counter(path.parent for path in folders if path.name != "__init__.py")
    return {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > MOST_FILES}


def class_names() -> Iterator[str]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node.name


def test_no_test_imports_another_test_or_a_benchmark() -> None:
    importers = {
        str(path.relative_to(ROOT)): found.group(1)
        for path in TESTS
        if (found := TEST_OR_BENCHMARK.search(path.read_text(encoding="utf-8")))
    }
    assert importers == {}, "helpers of several tests lie in tests/support"


def test_no_module_imports_itself_through_others() -> None:
    assert circles(graph()) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]


def test_a_class_name_exists_once() -> None:
    assert {name: count for name, count in Counter(class_names()).items() if count > 1} == {}


@pytest.mark.parametrize(
    "files",
    [TESTS, MODULES],
    ids=["tests", "package"],
)
def test_no_folder_is_crowded(files: list[Path]) -> None:
    assert crowded(files) == {}

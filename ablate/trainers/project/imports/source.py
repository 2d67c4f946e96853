"""The facts that the text of one Python file shows: its hash, its imports, and the ways in which it hides imports."""

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ablate.trainers.project.imports.added_paths import AddedPath, added_paths, dotted
from ablate.trainers.project.imports.by_name import NAMES, hydra_notes, imports_by_name
from ablate.trainers.project.imports.statement import ImportOf
from ablate.trainers.project.syntax import DIGITS, ImportStatement, syntax_hash

DEEPEST = 10_000
"""Frames that a walk over a tree may need: an expression of a thousand terms is a thousand levels deep. The parser
uses three times as many levels of the C stack, which has room for them."""
COMPUTED = "imports modules by a computed name; list all files of the code in `files:`"
HIDDEN_PATH = "adds a computed folder to sys.path; if code of yours is there, list all files of the code in `files:`"
IMPORT_LINE = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*)[ \t]*([\w.]*)[ \t]+import[ \t(]+([\w, \t]*)|import[ \t]+(.+))", re.M
)
"""A line that imports, in code that this Python does not parse."""
HANDLES = re.compile(rb"except\s*:|\b(?:ImportError|ModuleNotFoundError|(?:Base)?Exception)\b")
"""A handler that a failed import may have. Most files have none, so that their trees are walked once less."""


class SourceFacts(NamedTuple):
    """The facts about one Python file."""

    hash: str
    """The hash of its syntax tree, or of its bytes if this Python does not parse it."""
    imports: tuple[ImportOf, ...]
    added: tuple[AddedPath, ...]
    """Folders that it adds to `sys.path`."""
    notes: tuple[str, ...]
    """The imports that its text hides: each the rest of a sentence that begins with the name of the file."""

    @classmethod
    def from_plain(cls, plain: Any) -> "SourceFacts":
        """Return the facts that were written as JSON; TypeError or ValueError if they are none."""
        digest, imports, added, notes = plain
        taken = [ImportOf(level, module, tuple(names), optional) for level, module, names, optional in imports]
        return cls(str(digest), tuple(taken), tuple((base, path) for base, path in added), tuple(notes))


def source_facts(content: bytes) -> SourceFacts:
    """Return the facts about a Python file with this content."""
    try:
        with _deep_recursion(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes such as "\d"; the user's own Python shows them
            tree = ast.parse(content)
            digest, statements = syntax_hash(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        return _unparsed(content, fault)
    optional = _optional(tree) if HANDLES.search(content) else set()
    imports = [each for node in statements for each in _imports(node, id(node) in optional)]
    notes: list[str] = []
    if any(name.encode() in content for name in NAMES):
        literal, is_computed = imports_by_name(tree)
        imports += literal
        notes += [COMPUTED] if is_computed else []
    added, is_hidden = added_paths(tree) if b"sys.path" in content or b"addsitedir" in content else ([], False)
    notes += [HIDDEN_PATH] if is_hidden else []
    notes += hydra_notes(tree) if b"hydra" in content else []
    return SourceFacts(digest, tuple(dict.fromkeys(imports)), tuple(added), tuple(notes))


@lru_cache
def code_version() -> str:
    """Return a text that changes with the code of these facts, and with the Python that parses."""
    own = Path(__file__).parent
    content = b"".join(path.read_bytes() for path in (*sorted(own.glob("*.py")), own.parent / "syntax.py"))
    return f"{sys.version_info[0]}.{sys.version_info[1]}-{sha256(content).hexdigest()[:DIGITS]}"


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let deep trees be walked, so that the hash does not depend on the depth of the call."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _unparsed(content: bytes, fault: BaseException) -> SourceFacts:
    """Return the facts about code that this Python does not parse: its bytes count, and its lines show imports."""
    imports: list[ImportOf] = []
    for dots, module, names, modules in IMPORT_LINE.findall(content):
        if modules:
            words = [each.split()[0] for each in modules.decode(errors="replace").split(",") if each.split()]
            imports += [ImportOf(0, word, ()) for word in words]
        elif dots or module:
            taken = tuple(each.split()[0] for each in names.decode().split(",") if each.split())
            imports.append(ImportOf(len(dots), module.decode(errors="replace"), taken))
    line = getattr(fault, "lineno", None)
    reason = f"line {line}: {getattr(fault, 'msg', fault)}" if line else str(fault) or type(fault).__name__
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    note = f"is no code that Python {version} can read ({reason}); all its bytes count, comments too"
    return SourceFacts(sha256(content).hexdigest()[:DIGITS], tuple(dict.fromkeys(imports)), (), (note,))


def _imports(node: ImportStatement, is_optional: bool) -> list[ImportOf]:
    if isinstance(node, ast.Import):
        return [ImportOf(0, alias.name, (), is_optional) for alias in node.names]
    return [ImportOf(node.level, node.module or "", tuple(alias.name for alias in node.names), is_optional)]


def _optional(tree: ast.AST) -> set[int]:
    """Return the ids of the import statements whose failure is handled."""
    optional: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(map(_handles_import_error, node.handlers)):
            optional |= {id(inner) for statement in node.body for inner in ast.walk(statement)}
    return optional


def _handles_import_error(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {"" if kind is None else dotted(kind) for kind in kinds}
    return bool(names & {"", "ImportError", "ModuleNotFoundError", "Exception", "BaseException"})

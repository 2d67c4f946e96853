"""The signature of a user's function, read from its file without importing it."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import unknown_name
from ablate.text import listed

GIVEN = ("config", "seed", "run")
"""Arguments that a function gets by their names."""


@dataclass(frozen=True)
class FunctionSignature:
    """The arguments of a function."""

    names: tuple[str, ...]
    """All that can be given by name."""
    required: tuple[str, ...]
    """Those without a default."""
    takes_any: bool
    """True if it has `**kwargs`."""
    is_annotated: bool
    """True if `config` has an annotation."""
    positional: tuple[str, ...] = ()
    """Those before a `/`, which cannot be given by name."""


def signature_of(path: Path, name: str) -> FunctionSignature | str:
    """Return the signature of a function at the top of a file, or the reason why it cannot be read."""
    try:
        tree = ast.parse(path.read_bytes())
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    except SyntaxError as error:
        return f"{path}, line {error.lineno}: {error.msg}"
    except ValueError as error:
        return f"{path}: {error}"
    statements = list(_statements(tree.body))
    functions = {node.name: node for node in statements if isinstance(node, ast.FunctionDef)}
    if name in functions:
        return _signature(functions[name])
    for node in statements:
        if isinstance(node, ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            return _no_function(node, path.name)
    if name in _names(statements):  # imported, or made by a call: its arguments are not known
        return FunctionSignature((), (), takes_any=True, is_annotated=True)
    return f"{path.name} has no function of this name: {unknown_name('function', name, functions)}"


def argument_faults(signature: FunctionSignature, keys: Sequence[str]) -> Iterator[str]:
    """Yield the required arguments that nothing gives. `keys`: those at the top of the config."""
    given = (*GIVEN, *keys)
    if signature.positional:
        yield f"{listed(signature.positional)} cannot be given by name; take the `/` out of its arguments"
    for name in signature.required:
        if name not in given:
            yield f"its argument {name!r} has no default, and nothing gives it: {unknown_name('argument', name, given)}"


def _signature(function: ast.FunctionDef) -> FunctionSignature:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = len(arguments.defaults)
    required = [each.arg for each in positional[: len(positional) - with_default]]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    required += [each.arg for each, default in pairs if default is None]
    every = [*positional, *arguments.kwonlyargs]
    is_annotated = any(each.arg == "config" and each.annotation is not None for each in every)
    return FunctionSignature(
        tuple(each.arg for each in every),
        tuple(required),
        arguments.kwarg is not None,
        is_annotated,
        tuple(each.arg for each in arguments.posonlyargs),
    )


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements at the top of a module, those included that stand below `if`, `try` and `with`."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            handlers = [each.body for each in getattr(node, "handlers", ())]
            for inner in (node.body, getattr(node, "orelse", []), getattr(node, "finalbody", []), *handlers):
                yield from _statements(inner)


def _no_function(node: ast.AsyncFunctionDef | ast.ClassDef, file: str) -> str:
    """Return the reason why a name that is there cannot be called for its result."""
    if isinstance(node, ast.ClassDef):
        return f"{node.name!r} of {file} is a class; name a function, which makes its object and returns a dict"
    return f"{node.name!r} of {file} is async; name a function, such as one that returns asyncio.run({node.name}(...))"


def _names(statements: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements import or assign."""
    for node in statements:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))

"""The config keys of a function: the fields of a typed config, the keys that it reads from a mapping, its arguments."""

import ast
from collections.abc import Iterator

from ablate.study.starting.scanning.class_fields import choices_of, class_fields, enum_value, is_data_class, type_name
from ablate.study.starting.scanning.options import OptionKind, ScriptOption, without_repeats
from ablate.study.starting.scanning.source import Function, PythonSource, dotted, text_of
from ablate.study.starting.scanning.typer_options import Parameter, parameters

CONFIG = "config"
GIVEN = (CONFIG, "seed", "run")
"""Arguments that are no config keys."""


def config_options(node: Function, source: PythonSource) -> tuple[ScriptOption, ...]:
    """Return the config keys of a function, with their defaults as far as the file shows them."""
    options: list[ScriptOption] = []
    for parameter in parameters(node):
        of_type = type_name(parameter.annotation)
        if parameter.name == CONFIG and is_data_class(source, of_type):
            options += class_fields(source, of_type)
        elif parameter.name == CONFIG:
            options += _read_keys(node, source)
        elif parameter.name not in GIVEN:
            options.append(_argument(parameter, source))
    return without_repeats(options)


def _argument(parameter: Parameter, source: PythonSource) -> ScriptOption:
    default = None if parameter.default is None else enum_value(parameter.default, source)
    kind = OptionKind.BOOLEAN if isinstance(default, bool) else OptionKind.VALUE
    choices = choices_of(parameter.annotation, source)
    return ScriptOption(
        "", parameter.name, kind, default, choices, parameter.default is None, "", parameter.line, (), parameter.name
    )


def _read_keys(node: Function, source: PythonSource) -> Iterator[ScriptOption]:
    """Yield the keys that a function reads from `config`: `config["lr"]`, `config.get("lr", 0.1)`, `config.lr`."""
    keys: dict[str, ast.expr | None] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "get":
            section = _path(inner.func.value)
            if section is not None and inner.args and (key := text_of(inner.args[0])):
                keys[f"{section}{key}"] = inner.args[1] if len(inner.args) > 1 else ast.Constant(None)
    for inner in ast.walk(node):
        path = _path(inner) if isinstance(inner, ast.Subscript | ast.Attribute) else None
        if path and not isinstance(inner.ctx, ast.Store) and not _is_called(inner, source):  # type: ignore[attr-defined]
            keys.setdefault(path.rstrip("."), None)
    sections = {key.rpartition(".")[0] for key in keys}
    for key, default in sorted(keys.items(), key=lambda pair: getattr(pair[1], "lineno", 0)):
        if key not in sections:
            value = None if default is None else source.plain(default)
            kind = OptionKind.BOOLEAN if isinstance(value, bool) else OptionKind.VALUE
            yield ScriptOption("", key, kind, value, is_required=default is None, attribute=key.rpartition(".")[2])


def _path(node: ast.AST) -> str | None:
    """Return `model.` for `config["model"]` or `config.model`, empty text for `config`; None for anything else."""
    if isinstance(node, ast.Name):
        return "" if node.id == CONFIG else None
    if isinstance(node, ast.Subscript) and (key := text_of(node.slice)):
        head = _path(node.value)
        return None if head is None else f"{head}{key}."
    if isinstance(node, ast.Attribute):
        head = _path(node.value)
        return None if head is None else f"{head}{node.attr}."
    return None


def _is_called(node: ast.AST, source: PythonSource) -> bool:
    parent = source.parents.get(node)
    return isinstance(parent, ast.Call) and parent.func is node


def returned_keys(node: Function) -> dict[str, int]:
    """Return {key: line} of the mapping that a function returns: a dict, or a name that one is assigned to."""
    keys: dict[str, int] = {}
    for inner in ast.walk(node):
        value = inner.value if isinstance(inner, ast.Return) else None
        if value is not None:
            keys |= _keys_of_name(node, value.id) if isinstance(value, ast.Name) else _dict_keys(value)
    return keys


def _keys_of_name(node: Function, name: str) -> dict[str, int]:
    """Return the keys of a dict that a function assigns to a name, and those that it adds to it."""
    keys: dict[str, int] = {}
    for inner in ast.walk(node):
        target = inner.targets[0] if isinstance(inner, ast.Assign) else None
        if isinstance(inner, ast.Assign) and dotted(target) == name:
            keys |= _dict_keys(inner.value)
        elif isinstance(target, ast.Subscript) and dotted(target.value) == name and (key := text_of(target.slice)):
            keys[key] = target.lineno
    return keys


def _dict_keys(node: ast.expr) -> dict[str, int]:
    if isinstance(node, ast.Call) and dotted(node.func) == "dict":
        return {each.arg: node.lineno for each in node.keywords if each.arg}
    if not isinstance(node, ast.Dict):
        return {}
    return {text_of(key): key.lineno for key in node.keys if key is not None and text_of(key)}

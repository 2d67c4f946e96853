"""The options that a script declares with argparse, those of its subcommands included."""

import ast
from dataclasses import replace
from typing import Any

from ablate.study.starting.scanning.options import OptionKind, ScriptOption, ScriptOptions, without_repeats
from ablate.study.starting.scanning.source import (
    UNKNOWN,
    PythonSource,
    assigned,
    dotted,
    keyword,
    last_name,
    text_of,
)

ARGPARSE = "argparse"
GROUPS = ("add_argument_group", "add_mutually_exclusive_group")
SWITCHES = {"store_true": OptionKind.SWITCH, "store_false": OptionKind.OFF_SWITCH}


def argparse_options(source: PythonSource) -> ScriptOptions:
    """Return the options of all calls of `add_argument`."""
    parsers = _Parsers(source)
    defaults = _set_defaults(source)
    options = []
    for call in source.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
            option, parser = _option(call, source, defaults), call.func.value
            if option is not None:
                commands = parsers.commands(parser, call.lineno)
                is_exclusive = parsers.is_exclusive(parser, call.lineno)
                options.append(replace(option, commands=commands, is_exclusive=is_exclusive))
    return ScriptOptions(ARGPARSE, without_repeats(options))


class _Parsers:
    """The subcommands that the variables of a script stand for."""

    def __init__(self, source: PythonSource) -> None:
        self.assignments: list[tuple[int, str, ast.expr]] = []
        for node in ast.walk(source.tree):
            self.assignments += [(value.lineno, name, value) for name, value in assigned(node)]
            if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
                self.assignments.append((node.lineno, node.target.id, node.iter))
        self.assignments.sort(key=lambda each: each[0])
        self.heirs: dict[str, list[str]] = {}
        for call in source.calls:
            parents = keyword(call, "parents")
            for parent in parents.elts if isinstance(parents, ast.List | ast.Tuple) else ():
                self.heirs.setdefault(dotted(parent), []).append(_command_name(call))

    def commands(self, node: ast.expr, line: int, depth: int = 0) -> tuple[str, ...]:
        """Return the subcommands that an expression such as `parser` or `train_parser` stands for in a line."""
        if isinstance(node, ast.List | ast.Tuple):
            return tuple(name for each in node.elts for name in self.commands(each, line, depth))
        if isinstance(node, ast.Call):
            if name := _command_name(node):
                return (name,)
            is_group = isinstance(node.func, ast.Attribute) and node.func.attr in GROUPS
            return self.commands(node.func.value, line, depth + 1) if is_group else ()  # type: ignore[attr-defined]
        name = dotted(node)
        if name in self.heirs:
            return tuple(filter(None, self.heirs[name]))
        value = self._value(name, line)
        return self.commands(value, value.lineno, depth + 1) if value is not None and depth < 10 else ()

    def is_exclusive(self, node: ast.expr, line: int) -> bool:
        """Return True if an expression stands for a group of which one option may be given."""
        if isinstance(node, ast.Call):
            return last_name(node.func) == "add_mutually_exclusive_group"
        value = self._value(dotted(node), line)
        return isinstance(value, ast.Call) and self.is_exclusive(value, line)

    def _value(self, name: str, line: int) -> ast.expr | None:
        """Return the expression that was last assigned to a name before a line."""
        values = [value for at, other, value in self.assignments if name and other == name and at <= line]
        return values[-1] if values else None


def _command_name(call: ast.Call) -> str:
    """Return the name of the subcommand that a call of `add_parser` makes; empty for any other call."""
    is_command = isinstance(call.func, ast.Attribute) and call.func.attr == "add_parser" and call.args
    return text_of(call.args[0]) if is_command else ""


def _set_defaults(source: PythonSource) -> dict[str, Any]:
    calls = [call for call in source.calls if last_name(call.func) == "set_defaults"]
    return {each.arg: source.plain(each.value) for call in calls for each in call.keywords if each.arg}


def _option(call: ast.Call, source: PythonSource, defaults: dict[str, Any]) -> ScriptOption | None:
    """Return the option of one call; None if a study cannot set it, such as `--version` or one that counts."""
    names = [text_of(node) for node in call.args]
    kind = _kind(call)
    if not names or not all(names) or kind is None:
        return None
    flags = [name for name in names if name.startswith("-")]
    flag = next((name for name in flags if name.startswith("--")), flags[0] if flags else "")
    attribute = text_of(keyword(call, "dest")) or (flag or names[0]).lstrip("-").replace("-", "_")
    default = _default(call, kind, attribute, source, defaults)
    choices = source.plain(keyword(call, "choices"))
    is_optional = bool(flag) or text_of(keyword(call, "nargs")) in ("?", "*")
    is_required = source.plain(keyword(call, "required")) is True if flag else not is_optional
    return ScriptOption(
        flag,
        flag.lstrip("-") or names[0],
        kind,
        default,
        tuple(choices) if isinstance(choices, list) else (),
        is_required and default is None,
        text_of(keyword(call, "help")),
        call.lineno,
        attribute=attribute,
    )


def _kind(call: ast.Call) -> OptionKind | None:
    action = keyword(call, "action")
    if last_name(action) == "BooleanOptionalAction":
        return OptionKind.PAIR
    if action is not None and text_of(action) != "store":
        return SWITCHES.get(text_of(action))
    of_type = last_name(keyword(call, "type"))
    if of_type == "bool":
        return OptionKind.BROKEN_BOOLEAN
    if "bool" in of_type.lower():
        return OptionKind.BOOLEAN
    nargs = keyword(call, "nargs")
    if nargs is None or text_of(nargs) == "?":
        return OptionKind.VALUE
    return None if text_of(nargs) == "A..." or last_name(nargs) == "REMAINDER" else OptionKind.LIST


def _default(call: ast.Call, kind: OptionKind, attribute: str, source: PythonSource, defaults: dict[str, Any]) -> Any:
    """Return the value of the option if it is not given. A switch is off then, whatever it turns on or off."""
    node = keyword(call, "default")
    value = defaults.get(attribute, None if node is None else source.plain(node))
    if kind in (OptionKind.SWITCH, OptionKind.OFF_SWITCH):
        return False if value in (None, kind is OptionKind.OFF_SWITCH) else UNKNOWN
    if kind is OptionKind.PAIR and not isinstance(value, bool):
        return UNKNOWN
    return converted(value, last_name(keyword(call, "type")))


def converted(value: Any, type_name: str) -> Any:
    """Return a default as a parser converts it: the text `0.1` of an option with `type=float` is a number."""
    try:
        if type_name == "float" and type(value) in (str, int):
            return float(value)
        if type_name == "int" and isinstance(value, str):
            return int(value)
    except ValueError:
        return UNKNOWN
    return value

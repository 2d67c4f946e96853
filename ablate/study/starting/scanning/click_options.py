"""The options that a script declares with click, as decorators of functions."""

import ast
from dataclasses import replace
from typing import Any

from ablate.study.starting.scanning.argparse_options import converted
from ablate.study.starting.scanning.options import OptionKind, ScriptOption, ScriptOptions
from ablate.study.starting.scanning.source import (
    UNKNOWN,
    Function,
    PythonSource,
    dotted,
    keyword,
    last_name,
    text_of,
)

CLICK = "click"
TYPES = {"INT": "int", "FLOAT": "float", "BOOL": "bool", "IntRange": "int", "FloatRange": "float"}
"""{type of click: the type of Python}."""


def click_options(source: PythonSource) -> ScriptOptions:
    """Return the options of the functions that click's decorators make commands of."""
    if CLICK not in source.imported:
        return ScriptOptions(CLICK)
    functions = [node for node in ast.walk(source.tree) if isinstance(node, Function)]
    commands = [(node, command_of(node)) for node in functions if decorators(node, "option", "argument", "command")]
    has_groups = sum(1 for _, name in commands if name is not None) > 1
    options = []
    for node, name in commands:
        for call in decorators(node, "option", "argument"):
            is_option = last_name(call.func) == "option"
            option = _click_option(call, source) if is_option else _click_argument(call, source)
            options += [of_command(option, name if has_groups else None)] if option else []
    return ScriptOptions(CLICK, tuple(options))


def decorators(node: Function, *names: str) -> list[ast.Call]:
    """Return the calls among the decorators that have one of these names; `@app.command` counts as a call."""
    calls = [each if isinstance(each, ast.Call) else ast.Call(each, [], []) for each in node.decorator_list]
    return [call for call in calls if last_name(call.func) in names]


def command_of(node: Function) -> str | None:
    """Return the name of the subcommand that a function is if there are several; None if it belongs to no group."""
    for call in decorators(node, "command"):
        if not dotted(call.func).startswith("click.") and dotted(call.func) != "command":
            given = text_of(call.args[0]) if call.args else text_of(keyword(call, "name"))
            return given or node.name.replace("_", "-")
    return None


def of_command(option: ScriptOption, name: str | None) -> ScriptOption:
    return replace(option, commands=(name,)) if name else option


def _click_option(call: ast.Call, source: PythonSource) -> ScriptOption | None:
    """Return the option of one decorator; None if a study cannot set it."""
    names = [text for node in call.args if (text := text_of(node)).startswith("-")]
    is_several = source.plain(keyword(call, "multiple")) is True or keyword(call, "count") is not None
    flag = next((name for name in names if name.startswith("--")), names[0] if names else "")
    of_type = type_of(call)
    default = given_default(call, source)
    is_flag = source.plain(keyword(call, "is_flag")) is True
    kind, flag = kind_of_flag(flag, is_flag, of_type == "bool" or isinstance(default, bool))
    if not names or is_several or kind is None:
        return None
    if kind is OptionKind.VALUE and keyword(call, "nargs") is not None:
        kind = OptionKind.LIST
    is_required = source.plain(keyword(call, "required")) is True and default is None
    return ScriptOption(
        flag, flag.lstrip("-"), kind, converted(switch_default(kind, default), of_type), _choices(call, source),
        is_required, text_of(keyword(call, "help")), call.lineno, attribute=flag.lstrip("-").replace("-", "_"),
    )  # fmt: skip


def type_of(call: ast.Call) -> str:
    """Return the name of the type of an option, as Python writes it."""
    name = last_name(keyword(call, "type"))
    return TYPES.get(name, name)


def given_default(call: ast.Call, source: PythonSource) -> Any:
    node = keyword(call, "default")
    return None if node is None else source.plain(node)


def _choices(call: ast.Call, source: PythonSource) -> tuple[Any, ...]:
    of_type = keyword(call, "type")
    if not isinstance(of_type, ast.Call) or last_name(of_type) != "Choice" or not of_type.args:
        return ()
    choices = source.plain(of_type.args[0])
    return tuple(choices) if isinstance(choices, list) else ()


def _click_argument(call: ast.Call, source: PythonSource) -> ScriptOption | None:
    name = text_of(call.args[0]) if call.args else ""
    if not name or keyword(call, "nargs") is not None:
        return None
    default = given_default(call, source)
    is_required = default is None and source.plain(keyword(call, "required")) is not False
    return ScriptOption(
        "", name.lower(), default=default, is_required=is_required, line=call.lineno, attribute=name.lower()
    )


def kind_of_flag(flag: str, is_flag: bool, is_boolean: bool) -> tuple[OptionKind | None, str]:
    """Return the form of an option and its flag; no form for two flags of which the second is not `--no-` the first."""
    if "/" in flag:
        on, off = (part.strip() for part in flag.split("/", 1))
        return (OptionKind.PAIR if off == f"--no-{on.lstrip('-')}" else None), on
    return (OptionKind.SWITCH if is_flag else OptionKind.BOOLEAN if is_boolean else OptionKind.VALUE), flag


def switch_default(kind: OptionKind, default: Any) -> Any:
    """Return the default of a switch or a pair, which are off unless they say otherwise; of other kinds, the same."""
    if kind not in (OptionKind.SWITCH, OptionKind.PAIR):
        return default
    if kind is OptionKind.SWITCH:
        return False if default in (None, False) else UNKNOWN
    return default if isinstance(default, bool) else False if default is None else UNKNOWN

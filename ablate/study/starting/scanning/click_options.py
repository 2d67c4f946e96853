"""The options that a script declares with click, as decorators, or with typer, as the parameters of a function."""

import ast
from dataclasses import dataclass, replace
from typing import Any

from ablate.study.starting.scanning.argparse_options import converted
from ablate.study.starting.scanning.class_fields import choices_of, enum_value, type_name
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

CLICK, TYPER = "click", "typer"
TYPES = {"INT": "int", "FLOAT": "float", "BOOL": "bool", "IntRange": "int", "FloatRange": "float"}
"""{type of click: the type of Python}."""
SEVERAL = ("list", "List", "tuple", "Tuple", "Sequence")


def click_options(source: PythonSource) -> ScriptOptions:
    """Return the options of the functions that click's decorators make commands of."""
    if CLICK not in source.imported:
        return ScriptOptions(CLICK)
    functions = [node for node in ast.walk(source.tree) if isinstance(node, Function)]
    commands = [(node, _command_of(node)) for node in functions if _decorators(node, "option", "argument", "command")]
    has_groups = sum(1 for _, name in commands if name is not None) > 1
    options = []
    for node, name in commands:
        for call in _decorators(node, "option", "argument"):
            is_option = last_name(call.func) == "option"
            option = _click_option(call, source) if is_option else _click_argument(call, source)
            options += [_of_command(option, name if has_groups else None)] if option else []
    return ScriptOptions(CLICK, tuple(options))


def typer_options(source: PythonSource) -> ScriptOptions:
    """Return the options of the functions that typer makes commands of."""
    if TYPER not in source.imported:
        return ScriptOptions(TYPER)
    run = {last_name(call.args[0]) for call in source.calls if dotted(call.func) == "typer.run" and call.args}
    functions = [node for node in ast.walk(source.tree) if isinstance(node, Function)]
    commands = [(node, _command_of(node)) for node in functions if _decorators(node, "command") or node.name in run]
    options = []
    for node, name in commands:
        for parameter in parameters(node):
            option = _typer_option(parameter, source)
            options += [_of_command(option, name if len(commands) > 1 else None)] if option else []
    return ScriptOptions(TYPER, tuple(options))


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function."""

    name: str
    annotation: ast.expr | None
    default: ast.expr | None
    line: int


def parameters(node: Function) -> list[Parameter]:
    """Return the parameters of a function that have a name."""
    positional = [*node.args.posonlyargs, *node.args.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(node.args.defaults))
    pairs = [
        *zip(positional, [*missing, *node.args.defaults], strict=True),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    return [Parameter(arg.arg, arg.annotation, default, arg.lineno) for arg, default in pairs]


def _decorators(node: Function, *names: str) -> list[ast.Call]:
    """Return the calls among the decorators that have one of these names; `@app.command` counts as a call."""
    calls = [each if isinstance(each, ast.Call) else ast.Call(each, [], []) for each in node.decorator_list]
    return [call for call in calls if last_name(call.func) in names]


def _command_of(node: Function) -> str | None:
    """Return the name of the subcommand that a function is if there are several; None if it belongs to no group."""
    for call in _decorators(node, "command"):
        if not dotted(call.func).startswith("click.") and dotted(call.func) != "command":
            given = text_of(call.args[0]) if call.args else text_of(keyword(call, "name"))
            return given or node.name.replace("_", "-")
    return None


def _of_command(option: ScriptOption, name: str | None) -> ScriptOption:
    return replace(option, commands=(name,)) if name else option


def _click_option(call: ast.Call, source: PythonSource) -> ScriptOption | None:
    names = [text for node in call.args if (text := text_of(node)).startswith("-")]
    is_several = source.plain(keyword(call, "multiple")) is True or keyword(call, "count") is not None
    if not names or is_several:
        return None
    flag = next((name for name in names if name.startswith("--")), names[0])
    of_type = keyword(call, "type")
    type_word = TYPES.get(last_name(of_type), last_name(of_type))
    default = source.plain(keyword(call, "default")) if keyword(call, "default") else None
    is_flag = source.plain(keyword(call, "is_flag")) is True
    kind, flag = _kind(flag, is_flag, type_word == "bool" or isinstance(default, bool))
    if kind is None:
        return None
    if kind is OptionKind.VALUE and keyword(call, "nargs") is not None:
        kind = OptionKind.LIST
    if kind in (OptionKind.SWITCH, OptionKind.PAIR):
        default = _switch_default(kind, default)
    choices = source.plain(of_type.args[0]) if isinstance(of_type, ast.Call) and type_word == "Choice" else ()
    return ScriptOption(
        flag, flag.lstrip("-"), kind, converted(default, type_word), tuple(choices) if choices is not UNKNOWN else (),
        source.plain(keyword(call, "required")) is True and default is None, text_of(keyword(call, "help")),
        call.lineno, attribute=flag.lstrip("-").replace("-", "_"),
    )  # fmt: skip


def _click_argument(call: ast.Call, source: PythonSource) -> ScriptOption | None:
    name = text_of(call.args[0]) if call.args else ""
    if not name or keyword(call, "nargs") is not None:
        return None
    default = source.plain(keyword(call, "default")) if keyword(call, "default") else None
    is_required = default is None and source.plain(keyword(call, "required")) is not False
    return ScriptOption(
        "", name.lower(), default=default, is_required=is_required, line=call.lineno, attribute=name.lower()
    )


def _kind(flag: str, is_flag: bool, is_boolean: bool) -> tuple[OptionKind | None, str]:
    """Return the form of an option and its flag; no form for two flags of which the second is not `--no-` the first."""
    if "/" in flag:
        on, off = (part.strip() for part in flag.split("/", 1))
        return (OptionKind.PAIR if off == f"--no-{on.lstrip('-')}" else None), on
    return (OptionKind.SWITCH if is_flag else OptionKind.BOOLEAN if is_boolean else OptionKind.VALUE), flag


def _switch_default(kind: OptionKind, default: Any) -> Any:
    if kind is OptionKind.SWITCH:
        return False if default in (None, False) else UNKNOWN
    return default if isinstance(default, bool) else False if default is None else UNKNOWN


def _typer_option(parameter: Parameter, source: PythonSource) -> ScriptOption | None:
    annotation, declared, default_node = parameter.annotation, None, parameter.default
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Annotated":
        parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        annotation, declared = parts[0], next((each for each in parts[1:] if isinstance(each, ast.Call)), None)
        flags = [text_of(each) for each in declared.args] if declared else []
    elif isinstance(default_node, ast.Call) and last_name(default_node.func) in ("Option", "Argument"):
        declared = default_node
        default_node = declared.args[0] if declared.args else keyword(declared, "default")
        flags = [text_of(each) for each in declared.args[1:]]
    else:
        flags = []
    of_type = type_name(annotation)
    if of_type in SEVERAL or of_type == "Context":
        return None
    is_given = default_node is not None and source.plain(default_node) is not Ellipsis
    default = enum_value(default_node, source) if is_given else None
    is_positional = last_name(declared) == "Argument" or (declared is None and parameter.default is None)
    help_text = text_of(keyword(declared, "help")) if declared else ""
    choices = choices_of(annotation, source)
    if is_positional:
        name = parameter.name
        return ScriptOption(
            "", name, OptionKind.VALUE, default, choices, not is_given, help_text, parameter.line, attribute=name
        )
    flag = next((each for each in flags if each.startswith("--")), "")
    own = f"--{parameter.name.replace('_', '-')}"
    kind, flag = _kind(flag or (f"{own}/--no-{own[2:]}" if of_type == "bool" else own), of_type == "bool", False)
    if kind is None:
        return None
    if kind in (OptionKind.SWITCH, OptionKind.PAIR):
        default = _switch_default(kind, default)
    return ScriptOption(
        flag, flag.lstrip("-"), kind, converted(default, of_type), choices, not is_given, help_text, parameter.line,
        attribute=parameter.name,
    )  # fmt: skip

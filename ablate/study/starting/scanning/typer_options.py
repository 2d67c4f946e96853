"""The options that a script declares with typer, as the parameters of a function."""

import ast
from dataclasses import dataclass

from ablate.study.starting.scanning.argparse_options import converted
from ablate.study.starting.scanning.class_fields import choices_of, enum_value, type_name
from ablate.study.starting.scanning.click_options import (
    command_of,
    decorators,
    kind_of_flag,
    of_command,
    switch_default,
)
from ablate.study.starting.scanning.options import OptionKind, ScriptOption, ScriptOptions
from ablate.study.starting.scanning.source import Function, PythonSource, dotted, keyword, last_name, text_of

TYPER = "typer"
UNSET = ("list", "List", "tuple", "Tuple", "Sequence", "Context")
"""Types of parameters that a study cannot set: those that are given several times, and typer's own."""


def typer_options(source: PythonSource) -> ScriptOptions:
    """Return the options of the functions that typer makes commands of."""
    if TYPER not in source.imported:
        return ScriptOptions(TYPER)
    run = {last_name(call.args[0]) for call in source.calls if dotted(call.func) == "typer.run" and call.args}
    functions = [node for node in ast.walk(source.tree) if isinstance(node, Function)]
    commands = [(node, command_of(node)) for node in functions if decorators(node, "command") or node.name in run]
    options = []
    for node, name in commands:
        for parameter in parameters(node):
            option = _typer_option(parameter, source)
            options += [of_command(option, name if len(commands) > 1 else None)] if option else []
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


@dataclass(frozen=True)
class Declared:
    """A parameter of a command, with what typer knows of it."""

    annotation: ast.expr | None
    """Its type, without `Annotated`."""
    call: ast.Call | None
    """`Option(...)` or `Argument(...)`, if there is one."""
    flags: tuple[str, ...]
    """The flags that are written there."""
    default: ast.expr | None

    @property
    def is_positional(self) -> bool:
        """True for an argument without a flag."""
        return last_name(self.call) == "Argument" or (self.call is None and self.default is None)


def _declared(parameter: Parameter) -> Declared:
    annotation, default = parameter.annotation, parameter.default
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Annotated":
        parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        call = next((each for each in parts[1:] if isinstance(each, ast.Call)), None)
        return Declared(parts[0], call, tuple(map(text_of, call.args if call else ())), default)
    if isinstance(default, ast.Call) and last_name(default.func) in ("Option", "Argument"):
        value = default.args[0] if default.args else keyword(default, "default")
        return Declared(annotation, default, tuple(map(text_of, default.args[1:])), value)
    return Declared(annotation, None, (), default)


def _typer_option(parameter: Parameter, source: PythonSource) -> ScriptOption | None:
    """Return the option of one parameter; None if a study cannot set it."""
    declared = _declared(parameter)
    of_type = type_name(declared.annotation)
    kind, flag = (OptionKind.VALUE, "") if declared.is_positional else _flag(parameter, declared, of_type)
    if kind is None or of_type in UNSET:
        return None
    is_given = declared.default is not None and source.plain(declared.default) is not Ellipsis
    default = switch_default(kind, enum_value(declared.default, source)) if is_given else None
    help_text = text_of(keyword(declared.call, "help")) if declared.call else ""
    return ScriptOption(
        flag, flag.lstrip("-") or parameter.name, kind, converted(default, of_type),
        choices_of(declared.annotation, source), not is_given, help_text, parameter.line, attribute=parameter.name,
    )  # fmt: skip


def _flag(parameter: Parameter, declared: Declared, of_type: str) -> tuple[OptionKind | None, str]:
    own = f"--{parameter.name.replace('_', '-')}"
    usual = f"{own}/--no-{own[2:]}" if of_type == "bool" else own
    written = next((flag for flag in declared.flags if flag.startswith("--")), usual)
    return kind_of_flag(written, of_type == "bool", False)

"""The fields of dataclasses and pydantic models: their names, defaults and choices, nested classes included."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ablate.study.starting.scanning.argparse_options import converted
from ablate.study.starting.scanning.options import OptionKind, ScriptOption, ScriptOptions, without_repeats
from ablate.study.starting.scanning.source import UNKNOWN, PythonSource, keyword, last_name, text_of

HUGGING_FACE = "HfArgumentParser"
TRAINING_ARGUMENTS = "TrainingArguments"
"""The class of transformers that many scripts let HfArgumentParser fill. It lies in the library, not in the script."""
OF_TRAINING_ARGUMENTS = (
    ScriptOption("--output_dir", "output_dir", default=None),
    ScriptOption("--seed", "seed", default=42),
    ScriptOption("--learning_rate", "learning_rate", default=5e-5),
    ScriptOption("--weight_decay", "weight_decay", default=0.0),
    ScriptOption("--warmup_steps", "warmup_steps", default=0),
    ScriptOption("--num_train_epochs", "num_train_epochs", default=3.0),
)
"""Its options that a first study may need, with the defaults of transformers 4 and 5."""
FIELD_FUNCTIONS = ("field", "ib", "attrib", "list_field")
"""Functions that declare a field of a dataclass, of attrs, or of a model, in small letters."""
MOST_DEPTH = 8


def class_fields(source: PythonSource, name: str, prefix: str = "", depth: int = 0) -> tuple[ScriptOption, ...]:
    """Return the fields of a class and of its bases in the file; those of a nested class have dotted names."""
    node = source.classes.get(name)
    if node is None or depth > MOST_DEPTH:
        return ()
    of_bases = [each for base in node.bases for each in class_fields(source, last_name(base), prefix, depth + 1)]
    own = [each for statement in node.body for each in _fields(statement, source, prefix, depth)]
    names = {each.name for each in own}
    return (*(each for each in of_bases if each.name not in names), *own)


def is_data_class(source: PythonSource, name: str) -> bool:
    """Return True for a class of the file that is a dataclass, a model, or anything else with annotated fields."""
    node = source.classes.get(name)
    return node is not None and any(isinstance(each, ast.AnnAssign) for each in node.body)


def hugging_face_options(source: PythonSource) -> ScriptOptions:
    """Return the options of the classes that the script gives to HfArgumentParser."""
    options: list[ScriptOption] = []
    for call in source.calls:
        if last_name(call.func) != HUGGING_FACE or not call.args:
            continue
        first = call.args[0]
        for node in first.elts if isinstance(first, ast.Tuple | ast.List) else [first]:
            options += [_as_flag(option) for option in class_fields(source, last_name(node))]
            if last_name(node).endswith(TRAINING_ARGUMENTS):
                options += [replace(option, line=call.lineno) for option in OF_TRAINING_ARGUMENTS]
    return ScriptOptions(HUGGING_FACE, without_repeats(options))


def choices_of(annotation: ast.expr | None, source: PythonSource) -> tuple[Any, ...]:
    """Return the values of a Literal, or of an Enum of the file, that an annotation names; empty for any other one."""
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Literal":
        values = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
        return tuple(source.plain(each) for each in values)
    node = source.classes.get(last_name(annotation))
    if node is None or not any("Enum" in last_name(base) for base in node.bases):
        return ()
    values = [each.value for each in node.body if isinstance(each, ast.Assign)]
    return tuple(value for each in values if (value := source.plain(each)) is not UNKNOWN)


def type_name(annotation: ast.expr | None) -> str:
    """Return the name of an annotation's type: `int` of `int`, `Optional[int]`, `int | None`, `Annotated[int, …]`."""
    if isinstance(annotation, ast.BinOp):
        sides = [type_name(side) for side in (annotation.left, annotation.right)]
        return next((side for side in sides if side), "")
    if isinstance(annotation, ast.Subscript):
        name = last_name(annotation.value)
        inner = annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice
        return type_name(inner) if name in ("Optional", "Annotated", "Final") else name
    return last_name(annotation)


def enum_value(node: ast.expr | None, source: PythonSource) -> Any:
    """Return the plain value of a default, also of a member of an Enum of the file."""
    if isinstance(node, ast.Attribute) and (enum := source.classes.get(last_name(node.value))) is not None:
        members = {target.id: each.value for each in enum.body if isinstance(each, ast.Assign)
                   for target in each.targets if isinstance(target, ast.Name)}  # fmt: skip
        return source.plain(members.get(node.attr))
    return source.plain(node)


def _fields(node: ast.stmt, source: PythonSource, prefix: str, depth: int) -> Iterator[ScriptOption]:
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
        return
    name, of_type = node.target.id, type_name(node.annotation)
    if name.startswith("_") or of_type in ("ClassVar", "InitVar"):
        return
    if is_data_class(source, of_type):
        yield from class_fields(source, of_type, f"{prefix}{name}.", depth + 1)
        return
    is_given, default, help_text = _default(node.value, source)
    default = converted(default, of_type)
    is_list = isinstance(default, list) or of_type.lower() in ("list", "tuple", "sequence")
    kind = OptionKind.BOOLEAN if of_type == "bool" else OptionKind.LIST if is_list else OptionKind.VALUE
    yield ScriptOption(
        "", f"{prefix}{name}", kind, default, choices_of(_inner(node.annotation), source), not is_given,
        help_text, node.lineno, attribute=name,
    )  # fmt: skip


def _inner(annotation: ast.expr) -> ast.expr:
    """Return the annotation within `Optional[…]` or `… | None`."""
    if isinstance(annotation, ast.BinOp):
        return annotation.left
    if isinstance(annotation, ast.Subscript) and last_name(annotation.value) == "Optional":
        return annotation.slice
    return annotation


def _default(node: ast.expr | None, source: PythonSource) -> tuple[bool, Any, str]:
    """Return whether a field has a default, the default, and its help text."""
    if node is None:
        return False, None, ""
    if not isinstance(node, ast.Call) or last_name(node.func).lower() not in FIELD_FUNCTIONS:
        return True, enum_value(node, source), ""
    metadata = source.plain(keyword(node, "metadata"))
    text = text_of(keyword(node, "description")) or (metadata.get("help", "") if isinstance(metadata, dict) else "")
    value = keyword(node, "default") or (node.args[0] if node.args else None)
    factory = keyword(node, "default_factory")
    if value is None and isinstance(factory, ast.Lambda):
        value = factory.body
    if value is None and last_name(factory) in ("list", "dict"):
        return True, ([] if last_name(factory) == "list" else {}), text
    is_given = (value is not None or factory is not None) and source.plain(value) is not Ellipsis
    return is_given, enum_value(value, source) if value or factory else None, text


def _as_flag(option: ScriptOption) -> ScriptOption:
    return replace(option, flag=f"--{option.name}")

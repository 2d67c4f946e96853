"""A config as the type that annotates the argument `config` of a user's function: a dataclass, a pydantic model, ..."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ablate.errors import unknown_name
from ablate.text import written

UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
"""The names that pydantic has for keys which a type does not have."""


class ConfigFaultsError(ValueError):
    """A config that does not fit its type. `faults` has a sentence for each key."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def annotation_of(function: Callable[..., Any], name: str) -> Any:
    """Return the annotation of an argument; `inspect.Parameter.empty` if it has none."""
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        hints = {}
    parameter = inspect.signature(function).parameters.get(name)
    return hints.get(name, parameter.annotation if parameter else inspect.Parameter.empty)


def as_annotated(config: Mapping[str, Any], annotation: Any) -> Any:
    """Return a config as its annotated type; a dict if that has no fields. ConfigFaultsError if it does not fit."""
    if annotation in (inspect.Parameter.empty, Any, dict) or not _has_fields(annotation):
        return dict(config)
    from pydantic import TypeAdapter, ValidationError  # slow to import, and most functions do not need it

    faults = list(_unknown_keys(config, annotation, ""))
    try:
        typed = TypeAdapter(annotation).validate_python(dict(config))
    except ValidationError as error:
        others = (detail for detail in error.errors(include_url=False) if detail["type"] not in UNKNOWN_KEY)
        faults += map(_sentence, others)
    if faults:
        raise ConfigFaultsError(faults)
    return typed


def _has_fields(annotation: Any) -> bool:
    return _is_model(annotation) or dataclasses.is_dataclass(annotation) or typing.is_typeddict(annotation)


def _unknown_keys(config: Mapping[str, Any], annotation: Any, prefix: str) -> Iterator[str]:
    """Yield a sentence for each key that the type does not have, at every depth."""
    fields = _fields(annotation)
    for name, value in config.items():
        if name not in fields:
            if not _takes_more(annotation):
                yield f"config.{prefix}{name}: {unknown_name('key', name, fields)}"
        elif isinstance(value, Mapping) and (section := _section_of(fields[name])):
            yield from _unknown_keys(value, section, f"{prefix}{name}.")


def _section_of(annotation: Any) -> Any:
    """Return the type with fields of a section, also of an optional one; None if it has none, or several."""
    if _has_fields(annotation):
        return annotation
    several = [each for each in typing.get_args(annotation) if _has_fields(each)]
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return several[0] if is_union and len(several) == 1 else None


def _fields(annotation: Any) -> dict[str, Any]:
    """Return {key: its type} of a type with fields; aliases of pydantic count as keys."""
    if _is_model(annotation):
        fields: dict[str, Any] = {}
        for name, field in annotation.model_fields.items():
            fields |= {name: field.annotation, **({field.alias: field.annotation} if field.alias else {})}
        return fields
    hints = typing.get_type_hints(annotation)
    if dataclasses.is_dataclass(annotation):
        return {field.name: hints.get(field.name, Any) for field in dataclasses.fields(annotation) if field.init}
    return hints


def _takes_more(annotation: Any) -> bool:
    return _is_model(annotation) and annotation.model_config.get("extra") == "allow"


def _is_model(annotation: Any) -> bool:
    """Return True for a class of pydantic, which may not be imported."""
    return isinstance(annotation, type) and hasattr(annotation, "model_fields") and hasattr(annotation, "model_config")


def _sentence(detail: Any) -> str:
    """Return the sentence for one fault that pydantic names. A validator of the user's has a message of its own."""
    key = ".".join(["config", *(str(part) for part in detail["loc"])])
    if detail["type"] == "missing":
        return f"{key}: it is missing, and its type has no default"
    own = detail.get("ctx", {}).get("error")
    words = str(own) if own else f"{detail['msg'][:1].lower()}{detail['msg'][1:]}"
    value = detail["input"]
    shown = repr(value) if isinstance(value, str) else written(value)
    return f"{key}: {words}" if isinstance(value, Mapping) and own else f"{key}: found {shown}; {words}"

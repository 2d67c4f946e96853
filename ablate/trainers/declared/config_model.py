"""The config class of a declared trainer: its keys and defaults are those that the study file writes."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from ablate.trainers.config import Finite, Section, TrainerConfig

RESERVED = frozenset(name for name in dir(BaseModel) if name.startswith("model_"))
"""Names of keys that the config classes use themselves."""
PLAIN = (str, int, float, bool, type(None))


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, PLAIN)


def _plain(value: Any) -> Any:
    if not _is_plain(value):
        raise ValueError("text, numbers, on, off, null, and lists and mappings of them")
    return value


Value = Annotated[Any, Finite, AfterValidator(_plain)]
"""Any value that JSON has a form for."""


class _OpenSection(Section):
    model_config = ConfigDict(protected_namespaces=())


class _OpenConfig(TrainerConfig):
    model_config = ConfigDict(protected_namespaces=())


def config_model(config: Mapping[str, Any]) -> type[TrainerConfig]:
    """Return the class of a study's config: it has these keys, at every depth, and takes any plain value for each."""
    fields = _fields({name: value for name, value in config.items() if name != "runtime"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a key such as `copy` hides a method that nothing calls
        model: type[TrainerConfig] = create_model("DeclaredConfig", __base__=_OpenConfig, **fields)
    return model


def key_faults(config: Mapping[Any, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the keys that a config cannot have: (place, fault)."""
    for name, value in config.items():
        here = (*path, str(name))
        if not isinstance(name, str):
            yield here, f"found the key {name!r}; accepted: keys of text, such as '{name}' in quotes"
        elif not name or "." in name or name.startswith("_") or any(letter.isspace() for letter in name):
            yield here, f"found the key {name!r}; accepted: keys without spaces, dots, and `_` at the beginning"
        elif name in RESERVED:
            yield here, f"the key {name!r} is used by this program; write it in a section of its own, such as `args`"
        if isinstance(value, Mapping):
            yield from key_faults(value, here)


def _fields(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _section(value) if isinstance(value, Mapping) and value else (Value, Field(default=value))
        for name, value in config.items()
        if isinstance(name, str)
    }


def _section(config: Mapping[str, Any]) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = create_model("DeclaredSection", __base__=_OpenSection, **_fields(config))
    return model, Field(default=model())

"""Values under dotted config keys, like `loss.margin`."""

import copy
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

Config = dict[str, Any]


def assigned(config: Mapping[str, Any], settings: Iterable[tuple[str, Any]]) -> Config:
    """Return the config with each value under its dotted key. Missing sections are made.

    `config` stays as it is. The sections that hold a key are copied, and everything else is shared with `config`.
    """
    result: Config = dict(config)
    own: set[int] = set()
    for key, value in settings:
        sections, last = _split(key)
        section = result
        for name in sections:
            inner = section.get(name)
            if id(inner) not in own:
                section[name] = dict(inner) if isinstance(inner, dict) else {}
                own.add(id(section[name]))
            section = section[name]
        section[last] = value
    return result


@lru_cache(maxsize=10_000)
def _split(key: str) -> tuple[list[str], str]:
    *sections, last = key.split(".")
    return sections, last


def flattened(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return {loss: {margin: 0.3}} as {loss.margin: 0.3}."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def value_at(config: Mapping[str, Any], key: str) -> Any:
    """Return the value or section under a dotted key; None if there is none."""
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> Config:
    """Return `over` laid over `base`: mappings merge key by key, at every depth, and everything else replaces."""
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = overlaid(merged[key], value) if both else value
    return merged


def overlaps(one: str, other: str) -> bool:
    """Return True if two dotted keys are the same or one lies inside the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
"""Return the one JSON text of a value. It is hashed, and two values are the same if their texts are."""

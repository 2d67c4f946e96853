"""Values under dotted config keys."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

Config = dict[str, Any]


def assigned(config: Mapping[str, Any], settings: Iterable[tuple[str, Any]]) -> Config:
    """A copy of the config with each value under its dotted key; sections that lack are made."""
    result = copy.deepcopy(dict(config))
    for key, value in settings:
        *sections, last = key.split(".")
        section = result
        for name in sections:
            inner = section.get(name)
            section[name] = inner if isinstance(inner, dict) else {}
            section = section[name]
        section[last] = value
    return result


def flattened(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{loss: {margin: 0.3}} as {loss.margin: 0.3}."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> Config:
    """`over` laid over `base`: mappings merge deeply, everything else replaces."""
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = overlaid(merged[key], value) if both else value
    return merged


def overlaps(one: str, other: str) -> bool:
    """Whether two dotted keys are the same or one lies inside the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")

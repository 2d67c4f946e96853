"""Values under dotted config keys."""

import copy
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

Config = dict[str, Any]


def assigned(config: Mapping[str, Any], settings: Iterable[tuple[str, Any]]) -> Config:
    """The config with each value under its dotted key; sections that lack are made.

    Sections on the way are copied, all else is shared with `config`, which stays as it is.
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
    """{loss: {margin: 0.3}} as {loss.margin: 0.3}."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def value_at(config: Mapping[str, Any], key: str) -> Any:
    """The value or section under a dotted key; None where there is none."""
    found: Any = config
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


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


canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
"""A value as the one JSON text that it has: what is hashed, and by which values are the same."""

"""What has changed between an older trial and the one that is wanted now, in words."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ablate.study.config_keys import Config
from ablate.study.reading.nodes import shown

if TYPE_CHECKING:
    from ablate.study.trials.identity import Identity, Trial

_HASH = re.compile(r"[0-9a-f]{32,}")
HASH_DIGITS = 8
UNKNOWN = "identity: this version hashes it in another way"


def changes(old: "Identity", old_evaluate: Config, new: "Trial") -> tuple[str, ...]:
    """One change an entry: `schedule.lr: 0.001 -> 0.002`, `data: ...`, `code: retrieval/training/loop.py changed`."""
    training = new.training
    found = [
        *_values(old.config, training.config, ""),
        *_values(old_evaluate, new.evaluate, "evaluate."),
        *_data(old.data, training.data),
        *_code(old.code, training.code),
    ]
    return tuple(found) or (UNKNOWN,)


def subject(change: str) -> str:
    """What a change is about, as reports name it: `config.schedule.lr`, `data content`, `trainers/protocol.py`."""
    name, _, rest = change.partition(": ")
    if name == "code":
        return re.sub(r" (changed|is new|is gone)$", "", rest)
    return "data content" if name == "data" else f"config.{name}"


def _values(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name in [*new, *(name for name in old if name not in new)]:
        key = prefix + name
        if name not in new:
            yield f"{key}: is gone, was {_word(old[name])}"
        elif name not in old:
            yield f"{key}: is new, {_word(new[name])}"
        elif _is_same(old[name], new[name]):
            continue
        elif isinstance(old[name], dict) and isinstance(new[name], dict):
            yield from _values(old[name], new[name], f"{key}.")
        else:
            yield f"{key}: {_word(old[name])} -> {_word(new[name])}"


def _is_same(old: Any, new: Any) -> bool:
    """Whether two values are hashed alike: 1, 1.0 and on are three."""
    if type(old) is not type(new) or old != new:
        return False
    if isinstance(old, dict):
        return all(_is_same(value, new[key]) for key, value in old.items())
    return not isinstance(old, list) or all(map(_is_same, old, new))


def _data(old: str | None, new: str | None) -> Iterator[str]:
    if old != new:
        yield f"data: its content changed (fingerprint {_word(old)} -> {_word(new)})"


def _code(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for file in sorted({*old, *new}) if old != new else ():
        if file not in old:
            yield f"code: {file} is new"
        elif file not in new:
            yield f"code: {file} is gone"
        elif old[file] != new[file]:
            yield f"code: {file} changed"


def _word(value: Any) -> str:
    """A value as a study file has it; of a hash, its beginning."""
    if isinstance(value, str):
        return value[:HASH_DIGITS] if _HASH.fullmatch(value) else value
    return shown(value)

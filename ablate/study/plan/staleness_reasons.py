"""The reasons why a result is stale: the differences between an earlier trial and the trial that is planned now."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ablate.study.config_keys import Config, value_at
from ablate.study.reading.nodes import yaml_text

if TYPE_CHECKING:
    from ablate.study.trials.identity import Identity, Trial

_HASH = re.compile(r"[0-9a-f]{32,}")
HASH_DIGITS = 8
"""The number of digits that are printed of a hash."""

MOST_FILES = 5
"""The largest number of changed code files that are listed one by one. More are counted in one reason."""

_DATA = re.compile(r"its content changed \(fingerprint (.*) -> (.*)\)")
_FILE = re.compile(r"(.*) (changed|is new|is gone)")
_NEW, _GONE, _CHANGED = "is new, ", "is gone, was ", " -> "


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """One difference between an earlier trial and the trial that is planned now."""

    part: Literal["config", "data", "file", "files", "other"]
    """The part of the identity: a config value, the data, one code file, many code files, or an unknown part."""
    key: str
    """The dotted config key, the code file, or the text of the reason if the part is `files` or `other`."""
    old: str | None = None
    """The old value as text; None if there was none. Of a code file, "" if there was one."""
    new: str | None = None
    """The new value as text; None if there is none. Of a code file, "" if there is one."""

    @property
    def subject(self) -> str:
        """The changed thing as reports name it: `config.schedule.lr`, `data content`, `trainers/protocol.py`."""
        if self.part == "config":
            return f"config.{self.key}"
        return {"data": "data content", "file": self.key, "files": "code files", "other": "config.identity"}[self.part]

    @property
    def text(self) -> str:
        """The reason in words, as `ablate plan` prints it and the store keeps it."""
        if self.part == "data":
            return f"data: its content changed (fingerprint {self.old}{_CHANGED}{self.new})"
        if self.part == "file":
            return f"code: {self.key} {'is new' if self.old is None else 'is gone' if self.new is None else 'changed'}"
        if self.part == "files":
            return f"code: {self.key}"
        if self.part == "other":
            return self.key
        if self.new is None:
            return f"{self.key}: {_GONE}{self.old}"
        return f"{self.key}: {_NEW}{self.new}" if self.old is None else f"{self.key}: {self.old}{_CHANGED}{self.new}"

    @classmethod
    def from_text(cls, text: str) -> "IdentityChange":
        """Return the change that the store keeps as `text`. Its own `text` is the same again."""
        key, _, rest = text.partition(": ")
        if key == "data" and (data := _DATA.fullmatch(rest)):
            return cls("data", "", data[1], data[2])
        if key == "code":
            file = _FILE.fullmatch(rest)
            if file is None:
                return cls("files", rest)
            return cls("file", file[1], None if file[2] == "is new" else "", None if file[2] == "is gone" else "")
        if rest.startswith(_NEW):
            return cls("config", key, None, rest.removeprefix(_NEW))
        if rest.startswith(_GONE):
            return cls("config", key, rest.removeprefix(_GONE), None)
        old, arrow, new = rest.partition(_CHANGED)
        return cls("config", key, old, new) if arrow else cls("other", text)


UNKNOWN = IdentityChange("other", "identity: this version hashes it in another way")
"""The reason if no difference can be named. It happens if a version of this program hashes identities differently, for
instance without a key that nothing reads."""


def changes(old: "Identity", old_evaluate: Config, new: "Trial") -> tuple[IdentityChange, ...]:
    """Return the differences between an earlier trial and the trial that is planned now; never empty.

    `old` is the earlier trial's identity, and `old_evaluate` its config section `evaluate`.
    """
    training = new.training
    differences = [
        *_values(old.config, training.config, ""),
        *_values(old_evaluate, new.evaluate, "evaluate."),
    ]
    # An older version kept the values of keys that nothing reads. They are no change if the file still has them.
    differences = [change for change in differences if not _is_as_before(change, new.config)]
    differences += [
        *_data(old.data, training.data),
        *_code(old.code, training.code),
    ]
    return tuple(differences) or (UNKNOWN,)


def _is_as_before(change: IdentityChange, config: Config) -> bool:
    return change.new is not None and change.old == _word(value_at(config, change.key))


def _values(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str) -> Iterator[IdentityChange]:
    for name in [*new, *(name for name in old if name not in new)]:
        key = prefix + name
        if name not in new:
            yield IdentityChange("config", key, old=_word(old[name]))
        elif name not in old:
            yield IdentityChange("config", key, new=_word(new[name]))
        elif _is_same(old[name], new[name]):
            continue
        elif isinstance(old[name], dict) and isinstance(new[name], dict):
            yield from _values(old[name], new[name], f"{key}.")
        else:
            yield IdentityChange("config", key, _word(old[name]), _word(new[name]))


def _is_same(old: Any, new: Any) -> bool:
    """Return True if two values have the same hash. The values 1, 1.0 and on have three different ones."""
    if type(old) is not type(new) or old != new:
        return False
    if isinstance(old, dict):
        return all(_is_same(value, new[key]) for key, value in old.items())
    return not isinstance(old, list) or all(map(_is_same, old, new))


def _data(old: str | None, new: str | None) -> Iterator[IdentityChange]:
    if old != new:
        yield IdentityChange("data", "", _word(old), _word(new))


def _code(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[IdentityChange]:
    files = [file for file in sorted({*old, *new}) if old.get(file) != new.get(file)] if old != new else []
    if len(files) > MOST_FILES:
        yield IdentityChange("files", _counted(files, old, new))
        return
    for file in files:
        yield IdentityChange("file", file, "" if file in old else None, "" if file in new else None)


def _counted(files: list[str], old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Return many changed files in one line: `12 files changed, 31 new, 30 gone (trainers/protocol.py, ...)`."""
    counts = {
        "changed": sum(file in old and file in new for file in files),
        "new": sum(file not in old for file in files),
        "gone": sum(file not in new for file in files),
    }
    words = [f"{count} {word}" for word, count in counts.items() if count]
    count, _, rest = ", ".join(words).partition(" ")
    first = next((file for file in files if file in old and file in new), files[0])
    return f"{count} file{'' if count == '1' else 's'} {rest} ({first}, ...)"


def _word(value: Any) -> str:
    """Return a value as a study file writes it; of a hash, its first digits."""
    if isinstance(value, str):
        return value[:HASH_DIGITS] if _HASH.fullmatch(value) else value
    return yaml_text(value)

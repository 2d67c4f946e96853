"""Unread config keys, as a trainer declares them: keys that nothing reads if other keys have certain values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class UnreadIf:
    """Config keys that nothing reads under some values of other keys: no value of theirs can change a result."""

    keys: tuple[str, ...]
    """Dotted keys that nothing reads then; the name of a section means all of it."""
    given: tuple[str, ...]
    """Dotted keys that decide it."""
    why: Callable[..., str | None]
    """Called with the values of `given`, plain, None for a key that the config lacks. Returns why nothing reads `keys`,
    such as `schedule.optimizer is adam`; None if they are read."""
    is_meant: bool = False
    """True if the values of `given` are set for this very purpose, so that a config that has `keys` as well needs no
    warning. Factors that set them do."""
    asks_data: bool = False
    """True if the answer is in the data set, so that it takes time. Then it is only called for a config in which one of
    `keys` has another value than its default, or for keys that a study varies. No such value needs a warning: it says
    what happens anyway."""


@dataclass(frozen=True)
class ActsAs:
    """A config key of which different values act alike under some values of other keys."""

    key: str
    """The dotted key."""
    given: tuple[str, ...]
    """Other dotted keys that decide it."""
    value: Callable[..., Any]
    """Called with the value of `key` and the values of `given`, plain. Returns the one value that stands in the
    identity of a trial for all that act alike; the value itself if it stands for itself."""


Unread = Mapping[str, str]
"""{dotted config key: why nothing reads it} of one config."""


def unread_reason(key: str, value: Any, unread: Unread) -> str | None:
    """Return why nothing reads a key of this value; None if something reads it.

    Nothing reads a section of which every key is unread.
    """
    parts = key.split(".")
    for end in range(len(parts), 0, -1):
        if reason := unread.get(".".join(parts[:end])):
            return reason
    if not isinstance(value, Mapping) or not value:
        return None
    reasons = [unread_reason(f"{key}.{name}", inner, unread) for name, inner in value.items()]
    return None if None in reasons else "; ".join(dict.fromkeys(reason for reason in reasons if reason))

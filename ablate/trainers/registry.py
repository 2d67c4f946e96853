"""The trainers by name. An entry is imported when it is first needed, and only if its folder is there."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ablate.errors import unknown_name
from ablate.trainers.entry import DeclaredKind, TrainerEntry

ENTRIES = {
    "retrieval": "ablate.retrieval.entry:ENTRY",
    "simulated": "ablate.trainers.simulated.entry:ENTRY",
}
"""{name in study files: where its entry is}. This table and the trainers' own folders alone name a trainer."""

DECLARED = {
    "command": "ablate.trainers.command.entry:KIND",
    "function": "ablate.trainers.function.entry:KIND",
}
"""{key of `trainer` in study files that declares a trainer of the user's own: where its kind is}."""

DEFAULT = "retrieval"
"""The trainer of a study file that names none."""


class Registry(Mapping[str, TrainerEntry[Any]]):
    """The entries of the installed trainers, by name."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        """`entries`: {name: `module:attribute`}, installed or not."""
        self.entries = entries
        self._loaded: dict[str, TrainerEntry[Any]] = {}

    def __getitem__(self, name: str) -> TrainerEntry[Any]:
        """Return the entry of an installed trainer; KeyError for any other name."""
        if name not in self._loaded:
            if name not in self:
                raise KeyError(name)
            module, _, attribute = self.entries[name].partition(":")
            self._loaded[name] = getattr(import_module(module), attribute)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._loaded or (
            isinstance(name, str) and name in self.entries and _is_there(self.entries[name])
        )

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.entries if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def fault(self, name: object) -> str:
        """Return why there is no trainer of this name, which are installed, and what to do."""
        if isinstance(name, str) and name in self.entries:
            module = self.entries[name].partition(":")[0]
            return (
                f"trainer {name!r} is not installed: there is no module {module}; "
                f"installed: {', '.join(self) or 'none'}; install it, or name another trainer"
            )
        return unknown_name("trainer", name, self)


def declared_kind(name: str) -> DeclaredKind:
    """Return a kind of trainers that study files declare; KeyError if there is none of this name."""
    module, _, attribute = DECLARED[name].partition(":")
    kind: DeclaredKind = getattr(import_module(module), attribute)
    return kind


def entry_of(name: str, options: Mapping[str, Any] | None) -> TrainerEntry[Any]:
    """Return a trainer of the registry; with `options`, which `TrainerEntry.options` returned, a declared one."""
    return TRAINERS[name] if options is None else declared_kind(name).from_options(options)


def _is_there(entry: str) -> bool:
    """Return True if the module of an entry can be imported, without importing it."""
    try:
        return find_spec(entry.partition(":")[0]) is not None
    except ModuleNotFoundError:
        return False


TRAINERS = Registry(ENTRIES)

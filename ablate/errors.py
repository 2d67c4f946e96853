"""What goes wrong, in words that a user can act on. The command line prints these and exits with 2."""

import difflib
from collections.abc import Iterable


class AblateError(Exception):
    """A request that cannot be carried out as it stands: what is wrong, where, and what to do."""


class StudyError(AblateError):
    """A study file, profile or override that cannot be read; carries every fault found, one a line."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class DataError(AblateError):
    """A data set that is missing, incomplete or corrupt: which file, and what to get or do."""


class StoreError(AblateError):
    """A store that cannot be opened, read or written: which one, and what to do."""


class StoreBusyError(StoreError):
    """A store that cannot be used for now: it is locked, or its server is away. Trying again may help."""


class StoreFullError(StoreError):
    """A store without room to write; what it holds is whole. Trying again helps once there is room."""


class StoreGoneError(StoreError):
    """The store is not what was opened any more: deleted, replaced, or migrated. Nothing more can be written there."""


class LogError(AblateError):
    """An experiment log that does not have the form that `ablate import` reads."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> str:
    """One wording for every name that is not known, wherever it was written: which are known, which is nearest."""
    names = list(known)
    nearest = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"unknown {kind} {name!r}; known: {', '.join(names) or 'none'}{hint}"

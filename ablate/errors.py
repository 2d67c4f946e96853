"""Errors whose message a user can act on. The command line prints the message and exits with code 2."""

import difflib
from collections.abc import Iterable


class AblateError(Exception):
    """A request that cannot be carried out. The message gives the fault, its place and the remedy."""


class StudyError(AblateError):
    """A study file, profile or override that cannot be read. `faults` has every fault, one a line."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class DataError(AblateError):
    """A data set that is missing, incomplete or corrupt. The message gives the file and the remedy."""


class UnpreparedDataError(DataError):
    """A data set that is there and not prepared yet, so that its content is not known. The message gives the remedy."""


class StoreError(AblateError):
    """A store that cannot be opened, read or written. The message gives the store and the remedy."""


class StoreBusyError(StoreError):
    """A store that cannot be used at the moment, because it is locked or its server is away. Trying again may help."""


class StoreFullError(StoreError):
    """A store without room to write. Its content is intact. Trying again helps once there is room."""


class StoreGoneError(StoreError):
    """A store that was deleted, replaced or migrated after it was opened. It can no longer be written."""


class LogError(AblateError):
    """An experiment log in a form that `ablate import` cannot read."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> str:
    """Return the message for an unknown name of some kind: the known names and the nearest of them."""
    names = list(known)
    nearest = difflib.get_close_matches(str(name), names, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return f"unknown {kind} {name!r}; known: {', '.join(names) or 'none'}{hint}"

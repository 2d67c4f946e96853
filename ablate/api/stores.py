"""Opening the store that a call names: by a URL, by a path, or as a store that is open already."""

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Union

from ablate.errors import StoreError
from ablate.filesystem import exists, expanded, reach_fault

if TYPE_CHECKING:
    from ablate.store import Store

DEFAULT_STORE = "sqlite:///results/ablate.db"
"""The store of commands and calls that name none."""

ANY_MAY_WRITE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
"""The bits of a file's mode that allow its owner, its group or others to write it."""

StoreOrUrl = Union["Store", Path, str]
"""An open store, the path of an SQLite file, or a database URL."""


def store_to_write(store: StoreOrUrl) -> "Store":
    """Open a store to write: create it if there is none, and migrate it if it is older."""
    from ablate.store import open_store

    return open_store(str(store)) if isinstance(store, Path | str) else store


def store_to_read(store: StoreOrUrl) -> "Store":
    """Open a store to read; StoreError with a remedy if there is none."""
    from ablate.store import require_store

    return require_store(str(store)) if isinstance(store, Path | str) else store


def store_if_any(store: StoreOrUrl) -> "Store | None":
    """Open a store to read; None if there is none yet. SQLAlchemy is imported only if the store's file is there."""
    if not isinstance(store, Path | str):
        return store
    if is_new(str(store)):
        return None
    from ablate.store import find_store

    return find_store(str(store))


def write_fault(store: StoreOrUrl) -> str | None:
    """Return why a run could not write the SQLite file of a store that a plan may read; None if no reason is seen."""
    path = str(store).removeprefix("sqlite:///") if isinstance(store, Path | str) else ""
    if not path or "://" in path:
        return None
    place = Path(expanded(path))
    nearest = next((each for each in (place, *place.parents) if exists(each)), None)
    if nearest is None or (os.access(nearest, os.W_OK) and nearest.stat().st_mode & ANY_MAY_WRITE):
        return None
    return f"`ablate run` cannot write the store {path}: {nearest} is read-only; name another with --store"


def is_new(url: str) -> bool:
    """Return True if the SQLite file that a URL or path names is not there yet; False for other databases.

    StoreError if no file can be there.
    """
    path = url.removeprefix("sqlite:///")
    if not path or "://" in path or path == ":memory:":
        return False
    place = Path(expanded(path))
    if fault := reach_fault(place):
        raise StoreError(f"{path}: cannot be a store: {fault}; name another with --store")
    return not exists(place)

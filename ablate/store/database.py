"""Opening a store: created and migrated where it may be written, never touched where it cannot be read."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import finalize

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ablate.errors import StoreBusyError, StoreError, StoreFullError, StoreGoneError
from ablate.store import revisions
from ablate.store.engines import network_filesystem, postgresql, sqlite
from ablate.store.engines.error_messages import translated_errors
from ablate.store.engines.recovery import OpenFile, open_file
from ablate.store.revisions import REVISIONS, VERSION_TABLE

__all__ = ["REVISIONS", "VERSION_TABLE", "Store", "open_store", "shown"]

ACCEPTED = "accepted: a path, sqlite:///PATH, or postgresql://USER@HOST/DATABASE (in a password, @ is %40 and / is %2F)"


@dataclass(frozen=True)
class Store:
    """An open store; `url` names it in messages, `folder` is where its figures and other files go.

    `path`: of the SQLite file, `file`: the one that is open to write.
    """

    url: str
    engine: Engine
    folder: Path
    path: Path | None = None
    file: OpenFile | None = None

    def __post_init__(self) -> None:
        """Closes the store when nothing refers to it any more, so that no side files of SQLite's stay behind."""
        finalize(self, _close, self.engine, self.file)

    @contextmanager
    def write(self, alone: bool = False) -> Iterator[Connection]:
        """One transaction that writes; on SQLite it waits for its turn before it reads anything.

        `alone`: no other transaction that asks for the same runs beside it, on PostgreSQL too. What was written is
        kept even where StoreGoneError is raised at the end: it is in the file that the message names.
        """
        with self._told(), self.engine.begin() as connection:
            if alone and self.file is None:
                postgresql.wait_for_turn(connection)
            yield connection
        if self.file:
            self.file.check()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads, and sees the store as it was at its first statement."""
        with self._told(), self._reading() as connection:
            yield connection

    def check(self) -> None:
        """StoreGoneError if this is no longer the store that was opened; what was written to it is saved elsewhere.

        To be called now and then, and after a write rather than before. A store that is busy passes.
        """
        if self.file:
            self.file.check()
        with suppress(StoreBusyError, StoreFullError):
            self._check_revision(REVISIONS[-1:])

    def warning(self) -> str | None:
        """What a user should know of where the store lies."""
        return network_filesystem.warning(self.path) if self.path else None

    def close(self) -> None:
        _close(self.engine, self.file)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            connection.execution_options(**(_READS if self.path is None else {sqlite.READING: True}))
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors in words; that the store is gone explains any other."""
        try:
            with translated_errors(self.url, self.path):
                yield
        except StoreGoneError:
            raise
        except StoreError:
            self._explain()
            raise

    def _explain(self) -> None:
        if self.file:
            self.file.check()
        try:
            self._check_revision(REVISIONS)
        except StoreGoneError:
            raise
        except StoreError:
            pass
        finally:
            self.engine.dispose()  # the next transaction connects anew

    def _check_revision(self, fine: Sequence[str]) -> None:
        with translated_errors(self.url, self.path), self._reading() as connection:
            found = revisions.stamp(connection)
        if found not in fine:
            raise StoreGoneError(
                f"{self.url}: another version of ablate has migrated the store, from revision {REVISIONS[-1]} to "
                f"{found}, while it was in use; go on with that version: nothing that is recorded is lost"
            )


def _close(engine: Engine, file: OpenFile | None) -> None:
    engine.dispose()
    if file:
        file.close()


_READS = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def open_store(url: str, write: bool = False) -> Store | None:
    """The store at a URL or path. To read, None where there is none; to write, it is made and migrated."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "postgresql":
        return _current(Store(_shown(parsed), postgresql.engine(parsed), Path("results")), write)
    path = _sqlite_path(parsed)
    sqlite.check_path(path, write)
    there = sqlite.is_there(path)
    if there:
        looking = Store(url, sqlite.engine_to_read(path), path.parent, path)
        if not write:
            return _current(looking, write)
        _look(looking)
        looking.close()
    elif not write:
        return None
    with translated_errors(url, path):
        file = open_file(path)
    return _current(Store(url, sqlite.engine_to_write(file.connect), path.parent, path, file), write)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(re.sub("^postgres://", "postgresql://", url)) if "://" in url else _of_path(url)
        known = parsed.get_backend_name() in ("sqlite", "postgresql")
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        known = False
    if not known or "@" in (parsed.host or ""):
        raise StoreError(f"--store {re.sub('//.*@', '//***@', url)}: {ACCEPTED}")
    return parsed


def _of_path(path: str) -> URL:
    return URL.create("sqlite", database=path)


def _sqlite_path(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise StoreError("a store in memory would lose its results; give a path, like sqlite:///results/ablate.db")
    return Path(url.database)


def shown(url: str) -> str:
    """A store's URL or path as messages name it."""
    parsed = _parse(url)
    return _shown(parsed) if parsed.get_backend_name() == "postgresql" else url


def _shown(url: URL) -> str:
    """A URL without its password, wherever in it that is written."""
    hidden = {name: "***" for name in url.query if "password" in name}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _current(store: Store, write: bool) -> Store | None:
    """The store at the newest revision: looked at first, and migrated only where it is behind."""
    found = _look(store)
    if found == REVISIONS[-1]:
        return store
    if write:
        _migrate(store, found)
        return store
    if found is None:
        return None
    raise StoreError(f"{store.url}: the store is of an older version; `ablate run` or `ablate import` migrates it")


def _look(store: Store) -> str | None:
    """The store's revision, None for a database that is no store yet; StoreError for one that cannot be one."""
    with store.read() as connection:
        found = revisions.revision(connection, store.url)
    revisions.refuse_newer(found, store.url)
    return found


def _migrate(store: Store, found: str | None) -> None:
    if found is not None:
        revisions.refuse_beneath_runners(store.read, found, store.url)
    with store.write(alone=True) as connection:
        revisions.migrate(connection, store.url)

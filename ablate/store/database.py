"""Opening a store: to write, it is created and migrated; to read, nothing is changed."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import finalize

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ablate.errors import StoreBusyError, StoreError, StoreFullError, StoreGoneError
from ablate.filesystem import expanded
from ablate.store.engines import network_filesystem, postgresql, sqlite
from ablate.store.engines.error_messages import translated_errors
from ablate.store.engines.recovery import OpenFile, open_file
from ablate.store.migrations import revisions
from ablate.store.migrations.revisions import REVISIONS, VERSION_TABLE

__all__ = ["REVISIONS", "VERSION_TABLE", "Store", "find_store", "open_store", "require_store", "shown"]

ACCEPTED = "accepted: a path, sqlite:///PATH, or postgresql://USER@HOST/DATABASE (in a password, @ is %40 and / is %2F)"


@dataclass(frozen=True)
class Store:
    """An open store."""

    url: str
    """Its URL or path, as messages name it."""
    engine: Engine
    folder: Path
    """The folder of its figures and other files."""
    path: Path | None = None
    """The path of the SQLite file; None for PostgreSQL."""
    file: OpenFile | None = None
    """The SQLite file, if it is open to write."""

    def __post_init__(self) -> None:
        """Close the store when nothing refers to it, so that SQLite leaves no side files behind."""
        finalize(self, _close, self.engine, self.file)

    @contextmanager
    def write(self, alone: bool = False) -> Iterator[Connection]:
        """Open one transaction that writes. On SQLite, it waits for its turn before it reads anything.

        With `alone`, no other transaction opened with `alone` runs at the same time, on PostgreSQL too. If
        StoreGoneError is raised at the end, the changes are kept, in the file that the message names.
        """
        with self._translated_errors(), self.engine.begin() as connection:
            if alone and self.file is None:
                postgresql.wait_for_turn(connection)
            yield connection
        if self.file:
            self.file.check()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open one transaction that only reads. It sees the store as it was at its first statement."""
        with self._translated_errors(), self._reading() as connection:
            yield connection

    def check(self) -> None:
        """Raise StoreGoneError if this is no longer the store that was opened. Its content is saved to another file.

        Call it now and then, after a write rather than before it. A busy store passes the check.
        """
        if self.file:
            self.file.check()
        with suppress(StoreBusyError, StoreFullError):
            self._check_revision(REVISIONS[-1:])

    def warning(self) -> str | None:
        """Return a warning for the user about the place of the store; None if there is no reason for one."""
        return network_filesystem.warning(self.path) if self.path else None

    def close(self) -> None:
        _close(self.engine, self.file)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            connection.execution_options(**(_READS if self.path is None else {sqlite.READING: True}))
            yield connection

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Raise the database's errors as StoreErrors. If the store is gone, raise that in place of any other error."""
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
            self.engine.dispose()  # so that the next transaction opens a new connection

    def _check_revision(self, accepted: Sequence[str]) -> None:
        with translated_errors(self.url, self.path), self._reading() as connection:
            revision = revisions.stamp(connection)
        if revision not in accepted:
            raise StoreGoneError(
                f"{self.url}: another version of ablate has migrated the store, from revision {REVISIONS[-1]} to "
                f"{revision}, while it was in use; go on with that version: nothing that is recorded is lost"
            )


def _close(engine: Engine, file: OpenFile | None) -> None:
    engine.dispose()
    if file:
        file.close()


_READS = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def open_store(url: str) -> Store:
    """Open the store at a URL or path to write: create it if there is none, migrate it if it is older."""
    parsed = _parse(url)
    store = _postgresql_store(parsed) if _is_postgresql(parsed) else _sqlite_store_to_write(url, _sqlite_path(parsed))
    revision = _checked_revision(store)
    if revision != REVISIONS[-1]:
        _migrate(store, revision)
    return store


def find_store(url: str) -> Store | None:
    """Open the store at a URL or path to read. None if there is none yet; nothing is created."""
    parsed = _parse(url)
    if _is_postgresql(parsed):
        store = _postgresql_store(parsed)
    else:
        path = _sqlite_path(parsed)
        sqlite.check_path(path, write=False)
        if not sqlite.is_there(path):
            return None
        store = _sqlite_store_to_read(url, path)
    revision = _checked_revision(store)
    if revision is None:
        return None
    if revision != REVISIONS[-1]:
        raise StoreError(f"{store.url}: the store is of an older version; `ablate run` or `ablate import` migrates it")
    return store


def require_store(url: str) -> Store:
    """Open the store at a URL or path to read. StoreError with a remedy if there is none yet."""
    store = find_store(url)
    if store is None:
        advice = "`ablate run STUDY.yaml` or `ablate import FILE --study NAME` makes one, --store names another"
        raise StoreError(f"{shown(url)}: no store there yet; {advice}")
    return store


def _is_postgresql(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"


def _postgresql_store(url: URL) -> Store:
    return Store(_shown(url), postgresql.engine(url), Path("results"))


def _sqlite_store_to_read(url: str, path: Path) -> Store:
    return Store(url, sqlite.engine_to_read(path), path.parent, path)


def _sqlite_store_to_write(url: str, path: Path) -> Store:
    """Open an SQLite file to write. A file that exists is checked first, so that a foreign one is left untouched."""
    sqlite.check_path(path, write=True)
    if sqlite.is_there(path):
        with closing(_sqlite_store_to_read(url, path)) as store:
            _checked_revision(store)
    with translated_errors(url, path):
        file = open_file(path)
    return Store(url, sqlite.engine_to_write(file.connect), path.parent, path, file)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(re.sub("^postgres://", "postgresql://", url)) if "://" in url else _of_path(url)
        is_supported = parsed.get_backend_name() in ("sqlite", "postgresql")
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        is_supported = False
    if not is_supported or "@" in (parsed.host or ""):
        raise StoreError(f"--store: found {re.sub('//.*@', '//***@', url)}; {ACCEPTED}")
    return parsed


def _of_path(path: str) -> URL:
    return URL.create("sqlite", database=path)


def _sqlite_path(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        raise StoreError("a store in memory would lose its results; give a path, like sqlite:///results/ablate.db")
    return Path(expanded(url.database))


def shown(url: str) -> str:
    """Return a store's URL or path as messages name it."""
    parsed = _parse(url)
    return _shown(parsed) if _is_postgresql(parsed) else url


def _shown(url: URL) -> str:
    """Return a URL without its password, in whichever part of it the password stands."""
    hidden = {name: "***" for name in url.query if "password" in name}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def _checked_revision(store: Store) -> str | None:
    """Return the store's revision, None for a database without a store. StoreError if this version cannot use it."""
    with store.read() as connection:
        revision = revisions.revision(connection, store.url)
    revisions.refuse_newer(revision, store.url)
    return revision


def _migrate(store: Store, revision: str | None) -> None:
    if revision is not None:
        revisions.refuse_beneath_runners(store.read, revision, store.url)
    with store.write(alone=True) as connection:
        revisions.migrate(connection, store.url)

"""Opening a store: created and migrated where it may be written, never touched where it cannot be read."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from ablate.errors import StoreError

VERSION_TABLE = "ablate_alembic_version"
VIEW = "results"
REVISIONS = ("0001", "0002")
"""The migrations that this version knows, oldest first; kept here so that a look at a store loads no alembic."""

BUSY_SECONDS = 30


@dataclass(frozen=True)
class Store:
    """An open store; `folder` is where its figures and other files go."""

    url: str
    engine: Engine
    folder: Path

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that writes; on SQLite it waits for its turn before it reads anything."""
        with _translated(self.url), self.engine.begin() as connection:
            yield connection

    def check(self) -> None:
        pass

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with _translated(self.url), self.engine.connect() as connection:
            yield connection


def open_store(url: str, write: bool = False) -> Store | None:
    """The store at a URL or path. To read, None where there is none; to write, it is made and migrated."""
    parsed = _parse(url)
    path = _sqlite_path(parsed)
    if path is not None:
        if not _is_there(path) and not write:
            return None
        _check_file(path, write)
    folder = path.parent if path else Path("results")
    with _translated(url):
        if write and path is not None and _is_there(path):
            _look(Store(url, _engine(parsed, path, write=False), folder))
        return _current(Store(url, _engine(parsed, path, write), folder), write)


def _parse(url: str) -> URL:
    try:
        return make_url(url) if "://" in url else URL.create("sqlite", database=url)
    except ArgumentError:
        raise StoreError(f"--store {url}: accepted: a path, sqlite:///PATH, or another database's URL") from None


def _sqlite_path(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise StoreError("a store in memory would lose its results; give a path, like sqlite:///results/ablate.db")
    return Path(url.database)


def _is_there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _check_file(path: Path, write: bool) -> None:
    """Refuses what is no SQLite file, or may not be written, before anything opens it."""
    if path.is_dir():
        raise StoreError(f"{path}: is a folder; --store names a database file")
    if not _is_there(path):
        return
    try:
        with path.open("rb") as file:
            header = file.read(16)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None
    if header != b"SQLite format 3\0":
        raise StoreError(f"{path}: is no store: not an SQLite database; name another with --store, or move it away")
    if write and not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise StoreError(f"{path}: the store is read-only; make it writable (chmod u+w), or name another with --store")


def _engine(url: URL, path: Path | None, write: bool) -> Engine:
    try:
        if path is None:
            return create_engine(url)
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine("sqlite://", creator=lambda: _connect(path, write), poolclass=QueuePool)
    except NoSuchModuleError as error:
        raise StoreError(f"--store {url}: {error}") from None
    except ModuleNotFoundError as error:
        raise StoreError(f"--store {url}: needs the Python package {error.name!r}; install it") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {error.strerror}") from None
    event.listen(engine, "begin", _begin_immediate if write else _begin)
    return engine


def _connect(path: Path, write: bool) -> sqlite3.Connection:
    if not write:
        return _connect_to_read(path)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Read-only; in a folder where SQLite may not make its side files, the file as it lies there."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    for mode in ("", "&immutable=1"):
        connection = sqlite3.connect(
            uri + mode, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            connection.close()
            if mode:
                raise
        else:
            return connection
    raise AssertionError


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _current(store: Store, write: bool) -> Store | None:
    """The store at the newest revision: looked at first, and migrated only where it is behind."""
    revision = _look(store)
    if revision == REVISIONS[-1]:
        return store
    if write:
        with store.engine.begin() as connection:
            _migrate(connection, store.url)
        return store
    if revision is None:
        return None
    raise StoreError(f"{store.url}: the store is of an older version; `ablate run` or `ablate import` migrates it")


def _look(store: Store) -> str | None:
    """The store's revision, None for a database that is no store yet; StoreError for one that cannot be one."""
    with store.engine.connect() as connection:
        return _revision(connection, store.url)


def _revision(connection: Connection, url: str) -> str | None:
    looking = inspect(connection)
    if not looking.has_table(VERSION_TABLE):
        if looking.has_table(VIEW) or VIEW in looking.get_view_names():
            raise StoreError(f"{url}: has a table {VIEW!r} of its own, which a store needs; name another with --store")
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if revision is not None and revision not in REVISIONS:
        raise StoreError(
            f"{url}: written by a newer version of ablate (store revision {revision}, this version knows "
            f"{REVISIONS[-1]}); upgrade ablate, or name another store with --store"
        )
    return revision


def _migrate(connection: Connection, url: str) -> None:
    from alembic import command
    from alembic.config import Config

    if _revision(connection, url) == REVISIONS[-1]:
        return  # another process was faster
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, "head")


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """A database's own errors, in words and with what to do."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"{url}: {_advice(error)}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{url}: {error}") from error


def _advice(error: DBAPIError) -> str:
    problem = str(error.orig).strip()
    advice: dict[str, Any] = {
        "readonly": "the store is read-only; make it and its folder writable, or name another with --store",
        "locked": f"another program has locked the store for more than {BUSY_SECONDS} s; try again when it is done",
        "full": "the disk is full; make room and run again: nothing that is finished is lost",
        "malformed": "the file is damaged; restore a copy, or name another store with --store",
        "not a database": "the file is no store; name another with --store, or move it away",
        "unable to open": "the file cannot be opened; look at the permissions of its folder",
    }
    known = next((words for sign, words in advice.items() if sign in problem), None)
    if known is None and isinstance(error, OperationalError):
        return f"the database cannot be reached or used: {problem}"
    return f"{known} ({problem})" if known else problem

"""A store in an SQLite file: checking the path, and connecting to it."""

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from ablate.errors import StoreError
from ablate.filesystem import exists, is_file, is_folder, reach_fault, stat_or_none

WAIT_TO_WRITE = 120
WAIT_TO_READ = 40
"""Seconds that a connection waits for another program to unlock the file."""

SHORT_WAIT_SECONDS = 1.0
"""A long wait to write consists of waits of this length. Between them, Python can react to Ctrl-C."""

SIDES = ("-wal", "-shm")
"""The endings of SQLite's side files of a file in use: the latest changes, and an index of them."""

READING = "ablate_reading"
"""The execution option of a connection that only reads."""


def is_there(path: Path) -> bool:
    """Return True if there is a file that is not empty."""
    status = stat_or_none(path)
    return status is not None and status.st_size > 0


def check_path(path: Path, write: bool) -> None:
    """Raise StoreError for a path that cannot be a store, or may not be written.

    This does not open the file. Only SQLite may do that: if a process closes a file, it loses all its locks on it.
    """
    if fault := reach_fault(path):
        raise StoreError(f"{path}: cannot be a store: {fault}; name another with --store")
    if is_folder(path):
        raise StoreError(f"{path}: is a folder; --store names a database file")
    if exists(path) and not is_file(path):
        raise StoreError(f"{path}: is no store: not a file; name another with --store")
    if not is_there(path):
        left = Path(f"{path}{SIDES[0]}")
        if write and is_there(left):
            raise StoreError(
                f"{left}: has the latest changes of a store that was deleted or moved away; put {path.name} back "
                "beside it, or remove it to begin anew; a run that is still at work saves the store within seconds"
            )
        return
    if not os.access(path, os.R_OK):
        raise StoreError(f"{path}: cannot be read: no permission")
    if write and not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise StoreError(f"{path}: the store is read-only; make it writable (chmod u+w), or name another with --store")


def damage(path: Path) -> str | None:
    """Return the first damage that SQLite finds in a file; None if there is none."""
    try:
        connection = _connect_to_read(path)
        try:
            problem: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if problem == "ok" else " ".join(problem.split())


def make_folder(path: Path) -> None:
    """Create the folder of a file. StoreError if that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: cannot be made: {error.strerror}") from None


def engine_to_write(connect: Callable[[], sqlite3.Connection]) -> Engine:
    """Return an engine whose transactions wait for their turn to write before they read."""
    return _engine(connect, _begin_to_write)


def engine_to_read(path: Path) -> Engine:
    """Return an engine whose connections cannot write."""
    return _engine(lambda: _connect_to_read(path), _begin)


def _engine(creator: Callable[[], sqlite3.Connection], begin: Callable[[Connection], None]) -> Engine:
    engine = create_engine("sqlite://", creator=creator, poolclass=QueuePool)
    event.listen(engine, "begin", begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_to_write(connection: Connection) -> None:
    if connection.get_execution_options().get(READING):
        return _begin(connection)
    file = connection.connection.dbapi_connection
    assert isinstance(file, sqlite3.Connection)
    _insist(file, "BEGIN IMMEDIATE")
    return None


def _insist(file: sqlite3.Connection, statement: str) -> None:
    """Execute a statement; if another program has locked the file, try again for up to WAIT_TO_WRITE seconds."""
    deadline = time.monotonic() + WAIT_TO_WRITE
    while True:
        try:
            file.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)  # SQLite does not wait if two connections would wait for each other


def connect_to_write(path: Path, make: bool = False) -> sqlite3.Connection:
    """Open a connection to a file. The file is created only with `make`."""
    connection = _connect(path, "mode=rwc" if make else "mode=rw", SHORT_WAIT_SECONDS)
    try:
        _insist(connection, "PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a connection that only reads. It also works in a folder in which SQLite may not create side files."""
    for options in _ways_to_read(path):
        connection = _connect(path, options, WAIT_TO_READ)
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.Error as error:
            connection.close()
            problem = error
            if error.sqlite_errorcode & 0xFF not in _NO_SIDES:
                raise
        else:
            return connection
    raise problem


_NO_SIDES = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)


def _ways_to_read(path: Path) -> Iterator[str]:
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        yield "mode=rw"  # SQLite removes side files after a last connection that may write, only then
    yield "mode=ro"
    if not is_there(Path(f"{path}{SIDES[0]}")):  # otherwise the changes in that file would be ignored
        yield "mode=ro&immutable=1"


def _connect(path: Path, options: str, wait: float) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    return sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None, check_same_thread=False)

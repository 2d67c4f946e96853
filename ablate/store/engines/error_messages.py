"""Translation of a database's errors into messages with a remedy."""

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from ablate.errors import StoreBusyError, StoreError, StoreFullError
from ablate.store.engines import sqlite

Words = tuple[type[StoreError], str]
"""(class of the error, its message with a remedy)."""

READ_ONLY = "the store is read-only; make it and its folder writable, or name another with --store"
MOUNTED = "lies on a file system that is mounted read-only; mount it to write, or name another store with --store"
FULL = "no room is left where the store lies; make room and run again: nothing that is recorded is lost"
LOCKED = "another program has locked the store for a long time; try again when it is done"
DAMAGED = "the file is damaged; restore a copy, or name another store with --store"
NO_DATABASE = "is no store: not an SQLite database; name another with --store, or move it away"
REFUSED = "the server does not let this user in; look at the user's name and password (PGPASSWORD, ~/.pgpass)"
AWAY = "the server is away, or ended the connection; try again when it is back: nothing that is recorded is lost"
FAULTY = "the disk or file system failed to read or write; look at its state, then give the same command again"

SQLITE: dict[int, Words] = {
    sqlite3.SQLITE_BUSY: (StoreBusyError, LOCKED),
    sqlite3.SQLITE_LOCKED: (StoreBusyError, LOCKED),
    sqlite3.SQLITE_FULL: (StoreFullError, FULL),
    sqlite3.SQLITE_IOERR: (StoreError, FAULTY),
    sqlite3.SQLITE_READONLY: (StoreError, READ_ONLY),
    sqlite3.SQLITE_CORRUPT: (StoreError, DAMAGED),
    sqlite3.SQLITE_NOTADB: (
        StoreError,
        "is no store: not an SQLite database; name another with --store, or move it away",
    ),
    sqlite3.SQLITE_CANTOPEN: (StoreError, "cannot be opened; look at the permissions of the file and of its folder"),
}
"""{SQLite's primary result code: message}."""

POSTGRESQL: dict[str, Words] = {
    "08": (StoreBusyError, AWAY),
    "57P": (StoreBusyError, AWAY),
    "40": (StoreBusyError, "the server undid a change that clashed with another; try again"),
    "55P03": (StoreBusyError, LOCKED),
    "53100": (StoreFullError, FULL),
    "53": (StoreBusyError, "the server has no connections or memory left; try again when it has"),
    "28": (StoreError, REFUSED),
    "3D000": (StoreError, "the server has no such database; make it (createdb NAME), or name another"),
    "3F000": (StoreError, "the server has no such schema; make it, or name another in search_path"),
    "42501": (
        StoreError,
        "the user lacks a permission; let it make tables there (GRANT CREATE ON SCHEMA public TO the user), "
        "or name another database",
    ),
    "25006": (StoreError, "the server is read-only; name the one that is written to"),
}
"""{beginning of an SQLSTATE of the server: message}."""

UNREACHED: dict[str, Words] = {
    "password": POSTGRESQL["28"],
    "role": POSTGRESQL["28"],
    "pg_hba": POSTGRESQL["28"],
    "database": POSTGRESQL["3D000"],
    "refused": (StoreBusyError, "no server answers there; start it, or look at the host and port"),
    "No such file": (StoreBusyError, "no server answers there; start it, or look at the host and port"),
    "resolve": (StoreError, "there is no such host"),
    "translate": (StoreError, "there is no such host"),
    "timeout": (StoreBusyError, "no server answers there; look at the host and port, and at firewalls"),
    "starting up": (StoreBusyError, AWAY),
    "shutting down": (StoreBusyError, AWAY),
    "too many": POSTGRESQL["53"],
}
"""{words of an error: message}, for connections that fail before there is an SQLSTATE."""


UNREADABLE = (json.JSONDecodeError, UnicodeDecodeError, zlib.error)
"""The errors of reading a value that was damaged in the file."""


@contextmanager
def translated_errors(name: str, path: Path | None = None) -> Iterator[None]:
    """Raise a database's errors as StoreErrors that name the store. `path` is its SQLite file, if it has one."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(name, error.orig or error, path, isinstance(error, OperationalError)) from error
    except sqlite3.Error as error:
        raise _translated(name, error, path, True) from error
    except UNREADABLE as error:
        raise StoreError(f"{name}: {DAMAGED} ({error})") from error
    except (SQLAlchemyError, LookupError, TypeError, ValueError) as error:
        if path is not None and (damage := sqlite.damage(path)):
            raise StoreError(f"{name}: {DAMAGED} ({damage})") from error
        raise


def _translated(name: str, error: BaseException, path: Path | None, of_operation: bool) -> StoreError:
    problem = " ".join((_primary(error) or str(error)).split())
    words = _of_sqlite(error, path) if isinstance(error, sqlite3.Error) else _of_server(error, problem)
    if words:
        return words[0](f"{name}: {words[1]} ({problem})")
    return StoreError(
        f"{name}: the database cannot be reached or used: {problem}" if of_operation else f"{name}: {problem}"
    )


def _primary(error: BaseException) -> str | None:
    """Return a server's message without the statement that caused it; None if there is none."""
    primary: str | None = getattr(getattr(error, "diag", None), "message_primary", None)
    return primary


def _of_sqlite(error: sqlite3.Error, path: Path | None) -> Words | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code == sqlite3.SQLITE_IOERR_SHMSIZE or (code & 0xFF == sqlite3.SQLITE_IOERR and _is_full(path)):
        return StoreFullError, FULL
    if code & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) and _is_mounted_to_read(path):
        return StoreError, MOUNTED
    return SQLITE.get(code & 0xFF)


def _of_server(error: BaseException, problem: str) -> Words | None:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state:
        return next((words for start, words in POSTGRESQL.items() if state.startswith(start)), None)
    return next((words for sign, words in UNREACHED.items() if sign in problem), None)


def _is_full(path: Path | None) -> bool:
    return path is not None and path.parent.exists() and os.statvfs(path.parent).f_bavail == 0


def _is_mounted_to_read(path: Path | None) -> bool:
    return path is not None and path.parent.exists() and bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)

"""SQLite databases of other programs: opened for reading only, within bounds, and only their tables."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from ablate.errors import SourceError

HEAD = b"SQLite format 3\x00"
LARGEST_CELL = 16_000_000
"""Bytes of a value above which a database is refused."""
MOST_ROWS = 20_000_000
"""Rows of one table above which a database is refused."""
PATIENCE_S = 5.0
"""Seconds to wait for a program that is writing."""


def has_tables(file: Path, columns: dict[str, set[str]]) -> bool:
    """Return True if a file is a SQLite database with tables that have some columns: {table: columns}."""
    try:
        with file.open("rb") as opened:
            if opened.read(len(HEAD)) != HEAD:
                return False
        with database(file) as connection:
            return all(wanted <= columns_of(connection, table) for table, wanted in columns.items())
    except (SourceError, OSError):
        return False


@contextmanager
def database(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that cannot be written through this connection. SourceError for every fault of SQLite.

    A database with a log of changes next to it (`-wal`) is read with that log. Without one, SQLite would make new
    files in the folder, so the file is read as one that does not change.
    """
    try:
        _check_length(file)
        with closing(sqlite3.connect(_address(file), uri=True, timeout=PATIENCE_S)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_CELL)
            connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
            yield connection
    except (sqlite3.Error, OSError, UnicodeError) as error:
        raise SourceError(f"{file}: {_fault(error)}") from None


def _check_length(file: Path) -> None:
    """SourceError if the file has fewer bytes than its pages. SQLite itself reads such a file as far as it goes."""
    with file.open("rb") as opened:
        head = opened.read(100)
    if head[24:28] != head[92:96]:
        return  # a version before 3.7 wrote it last, so that the number of pages is not known
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    expected, size = (65536 if page == 1 else page) * pages, file.stat().st_size
    if size < expected:
        raise SourceError(f"{file}: is cut short: it has {size:,} of {expected:,} bytes; copy it again")


def _address(file: Path) -> str:
    with file.open("rb") as opened:
        has_log = opened.read(20)[18:19] == b"\x02"
    still = has_log and not file.with_name(file.name + "-wal").exists()
    return f"file:{quote(str(file.absolute()))}?mode=ro{'&immutable=1' if still else ''}"


def columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Return the columns of a table; none if it is not there. A view is no table: its query could run without end."""
    query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    row = connection.execute(query, (table,)).fetchone()
    if row is None or "virtual" in str(row[0]).lower().split("(")[0].split():
        return set()
    return {str(row[1]) for row in connection.execute(f'PRAGMA table_info("{table}")')}


def rows_of(connection: sqlite3.Connection, table: str, wanted: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Yield the wanted columns of each row; None for columns that this version of the table does not have.

    SourceError if there are too many rows. A table that is not there has none.
    """
    has = columns_of(connection, table)
    if not has:
        return
    query = ", ".join(f'"{name}"' if name in has else "NULL" for name in wanted)
    for count, row in enumerate(connection.execute(f'SELECT {query} FROM "{table}"')):
        if count >= MOST_ROWS:
            raise SourceError(f"the table {table} has more than {MOST_ROWS:,} rows; export fewer runs as CSV")
        yield row


def _fault(error: Exception) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return "another program is writing to it; wait until it has ended, or copy the file and import the copy"
    if "too big" in text:
        return f"holds a value of more than {LARGEST_CELL:,} bytes, which no tracker writes"
    return f"cannot be read as a SQLite database ({text}); if it was copied while a program wrote to it, copy it again"

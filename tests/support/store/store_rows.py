"""Rows of a store: add one, read all."""

import sqlite3
from contextlib import closing
from pathlib import Path

from ablate.store import Store, open_store, require_store

ADD = (
    "INSERT INTO ablate_trainings (key, trainer, config, seed, code, state, attempts, beats) "
    "VALUES ('{}', 't', '{{}}', 0, '{{}}', 'queued', 0, 0)"
)


def add(store: Store, key: str) -> None:
    """Add a queued training with this key."""
    with store.write() as connection:
        connection.exec_driver_sql(ADD.format(key))


def keys(path: Path) -> list[str]:
    """Return the keys in a file of SQLite that must be whole."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [row[0] for row in connection.execute("SELECT key FROM ablate_trainings ORDER BY key")]
    finally:
        connection.close()


def opened(path: Path) -> Store:
    """Open a store to write; make it if there is none."""
    return open_store(str(path))


def read(path: Path) -> list[str]:
    """Return the keys of a store that must exist, read through `ablate.store`."""
    store = require_store(str(path))
    with closing(store), store.read() as connection:
        return list(connection.exec_driver_sql("SELECT key FROM ablate_trainings ORDER BY key").scalars())

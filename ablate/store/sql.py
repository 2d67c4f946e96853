"""Statements on many rows: selections by up to hundreds of thousands of keys, and inserts that skip existing rows."""

import json
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, column, text

LOT = 10_000
"""Number of keys in one statement, so that its rows fit into memory."""

_LISTED = {
    "sqlite": "SELECT value FROM json_each(:listed)",
    "postgresql": "SELECT json_array_elements_text(CAST(:listed AS json)) AS value",
}
"""{database: subquery that turns one parameter, a JSON list, into rows}."""


def of_keys(
    connection: Connection, query: Select[Any], key: ColumnElement[str], keys: Collection[str]
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the rows of a query in which the column `key` is one of `keys`.

    The keys are one parameter of each statement, as databases limit the number of parameters.
    """
    listed = text(_LISTED[connection.dialect.name]).columns(column("value"))
    restricted = query.where(key.in_(listed))
    for lot in lots(keys):
        yield from connection.execute(restricted, {"listed": json.dumps(lot)})


def lots(keys: Collection[str], size: int = LOT) -> Iterator[list[str]]:
    """Yield the keys in lists of at most `size`."""
    rest = iter(keys)
    while lot := list(islice(rest, size)):
        yield lot


def insert_new(connection: Connection, table: Table, values: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key the table does not have yet.

    If another transaction inserts a row with the same key at the same time, wait for its end.
    """
    if not values:
        return
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), values)
    else:
        from sqlalchemy.dialects import sqlite

        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), values)

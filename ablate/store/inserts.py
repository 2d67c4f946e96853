"""Rows that are added only where they lack, whoever else adds the same at the same time."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table


def insert_new(connection: Connection, table: Table, values: Sequence[dict[str, Any]]) -> None:
    """Inserts the rows of which the table has none yet with the same key; waits for others who insert them."""
    if not values:
        return
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), values)
    else:
        from sqlalchemy.dialects import sqlite

        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), values)

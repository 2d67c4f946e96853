"""Rows of many keys: a hundred thousand of them are no list of parameters."""

import json
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, column, text

LOT = 10_000
"""Keys to a statement, so that what one gives fits into memory."""

_LISTED = {
    "sqlite": "SELECT value FROM json_each(:listed)",
    "postgresql": "SELECT json_array_elements_text(CAST(:listed AS json)) AS value",
}


def of_keys(
    connection: Connection, query: Select[Any], key: ColumnElement[str], keys: Collection[str]
) -> Iterator[Row[*tuple[Any, ...]]]:
    """What a query gives where `key` is one of the keys, which are one parameter of the statement."""
    listed = text(_LISTED[connection.dialect.name]).columns(column("value"))
    wanted = query.where(key.in_(listed))
    for lot in lots(keys):
        yield from connection.execute(wanted, {"listed": json.dumps(lot)})


def lots(keys: Collection[str], size: int = LOT) -> Iterator[list[str]]:
    """The keys in lists of at most `size`."""
    rest = iter(keys)
    while lot := list(islice(rest, size)):
        yield lot

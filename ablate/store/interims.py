"""How trainings stood on the validation split on their way."""

from collections.abc import Collection, Mapping
from typing import Protocol

from sqlalchemy import Connection, delete, insert, select

from ablate.store.schema import interims
from ablate.store.sql import of_keys


class StoredInterim(Protocol):
    """What a training shows after `part` tenths of its steps: {k: hits} of `queries`."""

    @property
    def part(self) -> int: ...

    @property
    def hits(self) -> Mapping[int, int]: ...

    @property
    def queries(self) -> int: ...


def save_interim(connection: Connection, training_key: str, shown: StoredInterim) -> None:
    """Keeps what a training showed, in place of what an earlier attempt at it showed after the same part."""
    same = (interims.c.training_key == training_key) & (interims.c.part == shown.part)
    of_part = {"training_key": training_key, "part": shown.part, "queries": shown.queries}
    connection.execute(delete(interims).where(same))
    connection.execute(insert(interims), [of_part | {"k": k, "hits": count} for k, count in shown.hits.items()])


def read_interims(connection: Connection, training_keys: Collection[str]) -> dict[str, dict[int, dict[int, float]]]:
    """{training key: {part: {k: share of queries with a hit among the k best}}}, the parts in order."""
    columns = (interims.c.training_key, interims.c.part, interims.c.k, interims.c.hits, interims.c.queries)
    query = select(*columns).order_by(interims.c.training_key, interims.c.part, interims.c.k)
    found: dict[str, dict[int, dict[int, float]]] = {}
    for key, part, k, count, queries in of_keys(connection, query, interims.c.training_key, training_keys):
        found.setdefault(key, {}).setdefault(part, {})[k] = count / queries
    return found

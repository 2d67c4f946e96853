"""Looks at studies whose seeds end where their verdicts are, as they were taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ablate.store.schema import looks


@dataclass(frozen=True)
class LookRow:
    """A look as the store keeps it, see `schema.looks`."""

    family: int
    number: int
    seeds: int
    rules: Mapping[str, Any]
    why: str | None
    seen: Sequence[Mapping[str, Any]]
    asked: Mapping[str, int]
    trials: Mapping[str, Any]
    taken: float


def read_looks(connection: Connection, study: str, profile: str) -> list[LookRow]:
    """All looks of a study and profile, families in order and each one's looks in order."""
    columns = (looks.c[name] for name in LookRow.__dataclass_fields__)
    query = select(*columns).where(looks.c.study == study, looks.c.profile == profile)
    found = connection.execute(query.order_by(looks.c.family, looks.c.number))
    return [LookRow(**row._mapping) for row in found]

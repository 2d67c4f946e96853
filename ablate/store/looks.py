"""Looks at studies whose seeds end where their verdicts are, as they were taken."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from ablate.store.schema import cells, looks, plans, rows
from ablate.store.sql import insert_new


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


def latest_family(found: Sequence[LookRow]) -> list[LookRow]:
    """Of all looks of a study and profile those that share the error with the next one."""
    return [look for look in found if look.family == found[-1].family]


def record_look(connection: Connection, study: str, profile: str, look: LookRow) -> None:
    """Adds a look, unless another runner has: the first one stands."""
    insert_new(connection, looks, [{"study": study, "profile": profile, **asdict(look)}])


def seeds_planned(connection: Connection, study: str, profile: str) -> int:
    """The largest seed that the plan has of a row, and one; 0 without a plan."""
    of_plan = plans.join(rows, rows.c.plan_id == plans.c.id).join(cells, cells.c.row_id == rows.c.id)
    same = (plans.c.study == study) & (plans.c.profile == profile) & (rows.c.kind == "row")
    largest: int | None = connection.execute(select(func.max(cells.c.seed)).select_from(of_plan).where(same)).scalar()
    return 0 if largest is None else largest + 1

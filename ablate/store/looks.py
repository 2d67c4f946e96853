"""Looks in the store: the interim analyses of studies whose rows get more seeds only while a verdict is open."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from sqlalchemy import Connection, func, select

from ablate.store.results import StoredValue
from ablate.store.schema import cells, looks, plans, rows
from ablate.store.sql import insert_new


@dataclass(frozen=True)
class LookRow:
    """A look as the store keeps it. It is never changed afterwards."""

    family: int
    """The number of its family, from 1. The looks of one family share the error rate."""
    number: int
    """The number of the look within its family, from 1."""
    seeds: int
    """The number of seeds at which it was taken."""
    rules: Mapping[str, Any]
    """The rules that were declared beforehand: looks, alpha, delta_pp, primary, family."""
    why: str | None
    """The reason why the family before this one ended; None for the first family."""
    seen: Sequence[Mapping[str, Any]]
    """The result of each contrast or effect at this look."""
    asked: Mapping[str, int]
    """{row: number of seeds that it has until the next look}."""
    trials: Mapping[str, Any]
    """{row: {"levels": ..., "seeds": {seed: [trial key, value of the primary metric or null]}}} at this look."""
    taken: float
    """When it was taken, in seconds since the epoch."""


def read_looks(connection: Connection, study: str, profile: str) -> list[LookRow]:
    """Return all looks of a study and profile, ordered by family and number."""
    columns = (looks.c[name] for name in LookRow.__dataclass_fields__)
    query = select(*columns).where(looks.c.study == study, looks.c.profile == profile)
    ordered = connection.execute(query.order_by(looks.c.family, looks.c.number))
    return [LookRow(**row._mapping) for row in ordered]


def latest_family(ordered: Sequence[LookRow]) -> list[LookRow]:
    """Return the looks of the latest family, given all looks of a study and profile in order."""
    return [look for look in ordered if look.family == ordered[-1].family]


def record_look(connection: Connection, study: str, profile: str, look: LookRow) -> None:
    """Add a look. If another runner has added the same one already, that one stays."""
    insert_new(connection, looks, [{"study": study, "profile": profile, **asdict(look)}])


def seeds_planned(connection: Connection, study: str, profile: str) -> int:
    """Return one more than the largest seed of any row of the plan; 0 without a plan."""
    of_plan = plans.join(rows, rows.c.plan_id == plans.c.id).join(cells, cells.c.row_id == rows.c.id)
    same = (plans.c.study == study) & (plans.c.profile == profile) & (rows.c.kind == "row")
    largest: int | None = connection.execute(select(func.max(cells.c.seed)).select_from(of_plan).where(same)).scalar()
    return 0 if largest is None else largest + 1


def seen_value(value: float) -> float | str:
    """Return a value as looks store it: JSON has no numbers that are not finite, so they are text, such as `nan`."""
    return value if isfinite(value) else f"{value}"


def is_unchanged(before: float | str, now: Mapping[str, StoredValue], metric: str) -> bool:
    """Return True if a trial has no value of a metric now, or the one that a look saw, as `seen_value` gives it.

    A look of an older store saw the number of examples for which the metric holds: a whole number.
    """
    if metric not in now:
        return True
    value, n = now[metric].value, now[metric].n
    if isinstance(before, int) and n is not None and isfinite(value) and round(value * n) == before:
        return True
    return seen_value(value) == before

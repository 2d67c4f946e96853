"""Queueing rows of a stored study again."""

from collections.abc import Sequence
from dataclasses import dataclass

from ablate.api.stores import DEFAULT_STORE, StoreOrUrl, store_to_read, store_to_write
from ablate.errors import AblateError
from ablate.run.maintenance import ResetResult, reset
from ablate.store import plans
from ablate.store.plans import StoredPlan, StoredRow
from ablate.study.row_patterns import matching

MOST_LISTED = 10
"""Rows that a message lists."""


@dataclass(frozen=True)
class RowsReset:
    """The plan whose rows were reset, and what the reset did."""

    plan: StoredPlan
    result: ResetResult


def reset_rows(
    study: str,
    rows: Sequence[str],
    store: StoreOrUrl = DEFAULT_STORE,
    *,
    profile: str | None = None,
    seeds: Sequence[int] = (),
) -> RowsReset:
    """Queue the rows of a stored study again whose labels match one of `rows`; only `seeds`, unless it is empty.

    Their attempts and results stay as history and no longer count; rows that share a training are queued with them.
    Rows that a runner trains now are not reset. Raises AblateError if the study was imported from a log, or if it has
    no such row or seed.
    """
    plan = _plan(study, profile, store)
    of_label = {row.label: row for row in plan.rows}
    cells = {label: _cells(of_label[label], seeds) for label in matching(of_label, rows, "ROW")}
    for seed in seeds:
        if not any(seed in of_row for of_row in cells.values()):
            raise AblateError(f"--seed {seed}: the plan has no such seed of {', '.join(list(cells)[:MOST_LISTED])}")
    return RowsReset(plan, reset(store_to_write(store), plan.study, plan.profile, cells))


def _plan(study: str, profile: str | None, store: StoreOrUrl) -> StoredPlan:
    opened = store_to_read(store)
    with opened.read() as connection:
        name = plans.choose(connection, study, profile, opened.url)
        plan = plans.read_plan(connection, name.study, name.profile)
    if plan.imported:
        raise AblateError(f"{study}: was imported from a log; there is nothing to run, so nothing to reset")
    return plan


def _cells(row: StoredRow, seeds: Sequence[int]) -> dict[int, str]:
    return {seed: key for seed, key in row.cells.items() if not seeds or seed in seeds}

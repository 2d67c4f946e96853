"""Plans: what a study's rows are and which trial stands for each row and seed."""

import json
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update

from ablate.store.inserts import insert_new
from ablate.store.schema import DONE, QUEUED, cells, declarations, hits, plans, rows, trainings, trials

if TYPE_CHECKING:
    from ablate.study.trial import Trial

CHUNK = 500
"""Keys to a statement: databases bound the number of parameters."""


@dataclass(frozen=True)
class PlannedRow:
    """A row as the store keeps it. `levels`: {factor: level}; `cells`: {seed: trial key}.

    `stale`: seeds whose result was, when planned, under older defaults, data or code; `changes`: of those whose
    older result was accepted, what has changed since.
    """

    label: str
    kind: str
    levels: Mapping[str, Any]
    cells: Mapping[int, str]
    title: str | None = None
    lines: Sequence[tuple[str, str]] | None = None
    stale: Set[int] = frozenset()
    changes: Mapping[int, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The last resolved plan of a study and profile. `document` is what reports print around the rows."""

    study: str
    profile: str
    document: Mapping[str, Any]
    imported: bool
    rows: Sequence[PlannedRow]
    updated: float = 0.0


def save_plan(connection: Connection, plan: Plan) -> None:
    """Puts the plan in the place of the study's last one; its trials stay, whatever becomes of the rows.

    A plan that is there already is only noted as the latest.
    """
    same = (plans.c.study == plan.study) & (plans.c.profile == plan.profile)
    named = {"study": plan.study, "profile": plan.profile}
    new = {**named, "document": {}, "imported": plan.imported, "updated": 0.0}
    insert_new(connection, plans, [new])
    document: dict[str, Any] = json.loads(json.dumps(plan.document))  # as it will be read back
    values = {"document": document, "imported": plan.imported, "updated": time.time()}
    connection.execute(update(plans).where(same).values(**values))  # holds the plan against others until the end
    plan_id: int = connection.execute(select(plans.c.id).where(same)).scalar_one()
    if [_stored(row) for row in plan.rows] != [_stored(row) for row in _read_rows(connection, plan_id)]:
        connection.execute(delete(rows).where(rows.c.plan_id == plan_id))
        _insert_rows(connection, plan_id, plan.rows)


def _stored(row: PlannedRow) -> tuple[Any, ...]:
    """A row's values in a form that two rows can be compared by."""
    lines = [list(line) for line in row.lines] if row.lines is not None else None
    changes = {seed: list(words) for seed, words in row.changes.items()}
    return row.label, row.kind, row.title, dict(row.levels), lines, dict(row.cells), set(row.stale), changes


def _insert_rows(connection: Connection, plan_id: int, planned: Sequence[PlannedRow]) -> None:
    if not planned:
        return
    values = [
        {
            "plan_id": plan_id,
            "position": position,
            "kind": row.kind,
            "label": row.label,
            "title": row.title,
            "levels": dict(row.levels),
            "lines": [list(line) for line in row.lines] if row.lines is not None else None,
        }
        for position, row in enumerate(planned)
    ]
    connection.execute(insert(rows), values)
    found = connection.execute(select(rows.c.id).where(rows.c.plan_id == plan_id).order_by(rows.c.position))
    of_rows = [
        {
            "row_id": row_id,
            "seed": seed,
            "trial_key": key,
            "stale": seed in row.stale,
            "changes": list(row.changes[seed]) if seed in row.changes else None,
        }
        for row_id, row in zip(found.scalars(), planned, strict=True)
        for seed, key in row.cells.items()
    ]
    connection.execute(insert(cells), of_rows)


class PlanName(NamedTuple):
    """Which plan; `imported`: whether it came from a log."""

    study: str
    profile: str
    imported: bool


def read_plans(connection: Connection) -> list[PlanName]:
    """Every plan, the latest first."""
    query = select(plans.c.study, plans.c.profile, plans.c.imported).order_by(plans.c.updated.desc())
    return [PlanName(*row) for row in connection.execute(query)]


def read_plan(connection: Connection, study: str, profile: str) -> Plan:
    """The plan of a study and profile, which must be there."""
    same = (plans.c.study == study) & (plans.c.profile == profile)
    plan = connection.execute(select(plans).where(same)).one()
    return Plan(study, profile, plan.document, plan.imported, _read_rows(connection, plan.id), plan.updated)


def _read_rows(connection: Connection, plan_id: int) -> list[PlannedRow]:
    query = (
        select(cells)
        .select_from(cells.join(rows, rows.c.id == cells.c.row_id))
        .where(rows.c.plan_id == plan_id)
        .order_by(rows.c.position, cells.c.seed)
    )
    planned = {row_id: list(found) for row_id, found in groupby(connection.execute(query), key=lambda c: c.row_id)}
    of_plan = connection.execute(select(rows).where(rows.c.plan_id == plan_id).order_by(rows.c.position))
    return [_read_row(row, planned.get(row.id, [])) for row in of_plan]


def _read_row(row: Row[*tuple[Any, ...]], found: Sequence[Row[*tuple[Any, ...]]]) -> PlannedRow:
    return PlannedRow(
        row.label,
        row.kind,
        row.levels,
        {cell.seed: cell.trial_key for cell in found},
        row.title,
        row.lines,
        stale=frozenset(cell.seed for cell in found if cell.stale),
        changes={cell.seed: cell.changes for cell in found if cell.changes is not None},
    )


def save_trials(connection: Connection, wanted: "Sequence[Trial]") -> None:
    """Adds the trainings and trials that the store lacks; a finished training with a new trial queues again.

    Notes as well what each trial was declared as, and which trainings take about the same time.
    """
    by_key = {trial.key: trial for trial in wanted}
    by_training = {trial.training_key: trial for trial in wanted}
    states = training_states(connection, set(by_training))
    have = finished(connection, set(by_key))
    known = _known(connection, set(by_key))
    insert_new(connection, trainings, [_training(by_training[key]) for key in sorted(by_training) if key not in states])
    insert_new(connection, trials, [_trial(by_key[key]) for key in sorted(by_key) if key not in known])
    declared = sorted({(trial.declared, trial.key) for trial in wanted if trial.declared})
    insert_new(connection, declarations, [{"declared": one, "trial_key": key} for one, key in declared])
    _note_shapes(connection, by_training)
    again = {trial.training_key for trial in wanted if trial.key not in have}
    for part in chunks({key for key in again if states.get(key) == DONE}):
        finished_before = trainings.c.key.in_(part) & (trainings.c.state == DONE)
        connection.execute(update(trainings).where(finished_before).values(state=QUEUED))


def _note_shapes(connection: Connection, by_training: "Mapping[str, Trial]") -> None:
    """The shapes of trainings that an older version added."""
    for part in chunks({key for key, trial in by_training.items() if trial.shape is not None}):
        query = select(trainings.c.key).where(trainings.c.key.in_(part), trainings.c.shape.is_(None))
        lacking = [{"of": key, "shape": by_training[key].shape} for key in connection.execute(query).scalars()]
        if lacking:
            connection.execute(update(trainings).where(trainings.c.key == bindparam("of")), lacking)


def training_states(connection: Connection, keys: set[str]) -> dict[str, str]:
    """{training key: state} of those that the store has."""
    found: dict[str, str] = {}
    for part in chunks(keys):
        query = select(trainings.c.key, trainings.c.state).where(trainings.c.key.in_(part))
        found |= {row.key: row.state for row in connection.execute(query)}
    return found


def finished(connection: Connection, keys: set[str]) -> set[str]:
    """Those of the trials that have a result."""
    found: set[str] = set()
    for part in chunks(keys):
        query = select(trials.c.key).where(trials.c.key.in_(part), trials.c.attempt_id.is_not(None))
        found |= set(connection.execute(query).scalars())
    return found


def read_hits(connection: Connection, keys: set[str], split: str = "test") -> dict[str, dict[int, int]]:
    """{trial key: {k: hits}} of the trials that have a result."""
    found: dict[str, dict[int, int]] = {}
    for part in chunks(keys):
        counts = trials.c.attempt_id == hits.c.attempt_id
        query = select(hits.c.trial_key, hits.c.k, hits.c.hits).join(
            trials, and_(trials.c.key == hits.c.trial_key, counts)
        )
        for key, k, count in connection.execute(query.where(hits.c.trial_key.in_(part), hits.c.split == split)):
            found.setdefault(key, {})[k] = count
    return found


def _training(trial: "Trial") -> dict[str, Any]:
    identity = trial.training
    return {
        "key": trial.training_key,
        "trainer": identity.trainer,
        "config": identity.config,
        "seed": identity.seed,
        "shape": trial.shape,
        "data": identity.data,
        "code": dict(identity.code),
        "state": QUEUED,
        "attempts": 0,
        "beats": 0,
    }


def _trial(trial: "Trial") -> dict[str, Any]:
    return {"key": trial.key, "training_key": trial.training_key, "evaluate": trial.evaluate}


def _known(connection: Connection, keys: set[str]) -> set[str]:
    found: set[str] = set()
    for part in chunks(keys):
        found |= set(connection.execute(select(trials.c.key).where(trials.c.key.in_(part))).scalars())
    return found


def chunks(keys: set[str]) -> list[list[str]]:
    """Keys in lots that fit into one statement."""
    ordered = sorted(keys)
    return [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]

"""Plans: what a study's rows are and which trial stands for each row and seed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, and_, delete, insert, select

from ablate.store.schema import DONE, QUEUED, cells, hits, plans, rows, trainings, trials

if TYPE_CHECKING:
    from ablate.study.trial import Trial

CHUNK = 500
"""Keys to a statement: databases bound the number of parameters."""


@dataclass(frozen=True)
class PlannedRow:
    """A row as the store keeps it. `levels`: {factor: level}; `cells`: {seed: trial key}."""

    label: str
    kind: str
    levels: Mapping[str, Any]
    cells: Mapping[int, str]
    title: str | None = None
    lines: Sequence[tuple[str, str]] | None = None


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
    """Puts the plan in the place of the study's last one; its trials stay, whatever becomes of the rows."""
    same = (plans.c.study == plan.study) & (plans.c.profile == plan.profile)
    connection.execute(delete(plans).where(same))
    values = {"study": plan.study, "profile": plan.profile, "document": dict(plan.document)}
    made = connection.execute(insert(plans).values(**values, imported=plan.imported, updated=time.time()))
    (plan_id,) = made.inserted_primary_key or (None,)
    for position, row in enumerate(plan.rows):
        kept = {"kind": row.kind, "label": row.label, "title": row.title, "levels": dict(row.levels)}
        lines = [list(line) for line in row.lines] if row.lines is not None else None
        done = connection.execute(insert(rows).values(plan_id=plan_id, position=position, lines=lines, **kept))
        (row_id,) = done.inserted_primary_key or (None,)
        planned = [
            {"row_id": row_id, "seed": seed, "trial_key": key, "stale": False} for seed, key in row.cells.items()
        ]
        connection.execute(insert(cells), planned)


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
    planned: dict[int, dict[int, str]] = {}
    join = cells.join(rows, rows.c.id == cells.c.row_id)
    of_plan = (
        select(cells.c.row_id, cells.c.seed, cells.c.trial_key)
        .select_from(join)
        .where(rows.c.plan_id == plan.id)
        .order_by(cells.c.seed)
    )
    for row_id, seed, key in connection.execute(of_plan):
        planned.setdefault(row_id, {})[seed] = key
    found = connection.execute(select(rows).where(rows.c.plan_id == plan.id).order_by(rows.c.position))
    kept = [PlannedRow(row.label, row.kind, row.levels, planned.get(row.id, {}), row.title, row.lines) for row in found]
    return Plan(study, profile, plan.document, plan.imported, kept, plan.updated)


def save_trials(connection: Connection, wanted: "Sequence[Trial]") -> None:
    """Adds the trainings and trials that the store lacks; a finished training with a new trial queues again."""
    states = training_states(connection, {trial.training_key for trial in wanted})
    have = finished(connection, {trial.key for trial in wanted})
    known = _known(connection, {trial.key for trial in wanted})
    new_trainings: dict[str, dict[str, Any]] = {}
    new_trials: dict[str, dict[str, Any]] = {}
    for trial in wanted:
        if trial.training_key not in states:
            new_trainings[trial.training_key] = _training(trial)
        if trial.key not in known:
            values = {"key": trial.key, "training_key": trial.training_key, "evaluate": trial.evaluate}
            new_trials[trial.key] = values
    if new_trainings:
        connection.execute(insert(trainings), list(new_trainings.values()))
    if new_trials:
        connection.execute(insert(trials), list(new_trials.values()))
    again = {t.training_key for t in wanted if states.get(t.training_key) == DONE and t.key not in have}
    for key in again:
        connection.execute(trainings.update().where(trainings.c.key == key).values(state=QUEUED))


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
        "data": identity.data,
        "code": dict(identity.code),
        "state": QUEUED,
        "attempts": 0,
        "beats": 0,
    }


def _known(connection: Connection, keys: set[str]) -> set[str]:
    found: set[str] = set()
    for part in chunks(keys):
        found |= set(connection.execute(select(trials.c.key).where(trials.c.key.in_(part))).scalars())
    return found


def chunks(keys: set[str]) -> list[list[str]]:
    """Keys in lots that fit into one statement."""
    ordered = sorted(keys)
    return [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]

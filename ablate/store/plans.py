"""Plans: what a study's rows are and which trial stands for each row and seed."""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, insert, select, update

from ablate.errors import StoreError, unknown_name
from ablate.store.plan_document import PlanDocument
from ablate.store.schema import DONE, PRUNED, QUEUED, cells, declarations, hits, plans, rows, trainings, trials
from ablate.store.sql import insert_new, of_keys

if TYPE_CHECKING:
    from ablate.study.trials.identity import Trial


@dataclass(frozen=True)
class StoredRow:
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
class StoredPlan:
    """The plan of a study and profile that was resolved last."""

    study: str
    profile: str
    document: PlanDocument
    imported: bool
    """True for a study that was imported from a log."""
    rows: Sequence[StoredRow]
    updated: float = 0.0


def save_plan(connection: Connection, plan: StoredPlan) -> None:
    """Puts the plan in the place of the study's last one; its trials stay, whatever becomes of the rows.

    A plan that is there already is only noted as the latest.
    """
    same = (plans.c.study == plan.study) & (plans.c.profile == plan.profile)
    named = {"study": plan.study, "profile": plan.profile}
    new = {**named, "document": {}, "imported": plan.imported, "updated": 0.0}
    insert_new(connection, plans, [new])
    document: dict[str, Any] = json.loads(json.dumps(plan.document.to_json()))  # as it will be read back
    values = {"document": document, "imported": plan.imported, "updated": _latest(connection)}
    connection.execute(update(plans).where(same).values(**values))  # holds the plan against others until the end
    plan_id: int = connection.execute(select(plans.c.id).where(same)).scalar_one()
    if not _are_stored(connection, plan_id, plan.rows):
        connection.execute(delete(rows).where(rows.c.plan_id == plan_id))
        _insert_rows(connection, plan_id, plan.rows)


def _latest(connection: Connection) -> float:
    """The time, and later than that of every plan, though the clock may have been set back: it says which was last."""
    before: float | None = connection.execute(select(func.max(plans.c.updated))).scalar()
    return max(time.time(), (before or 0.0) + 0.001)


def _are_stored(connection: Connection, plan_id: int, planned: Sequence[StoredRow]) -> bool:
    """Whether the store has just these rows of the plan; row by row, as there may be many."""
    pairs = zip_longest(planned, _read_rows(connection, plan_id))
    return all(one and other and _stored(one) == _stored(other) for one, other in pairs)


def _stored(row: StoredRow) -> tuple[Any, ...]:
    """A row's values in a form that two rows can be compared by."""
    lines = [list(line) for line in row.lines] if row.lines is not None else None
    changes = {seed: list(words) for seed, words in row.changes.items()}
    return row.label, row.kind, row.title, dict(row.levels), lines, dict(row.cells), set(row.stale), changes


def _insert_rows(connection: Connection, plan_id: int, planned: Sequence[StoredRow]) -> None:
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


def choose(connection: Connection, study: str | None, profile: str | None, url: str) -> PlanName:
    """A study's latest plan, or a profile's; with no study, the one last run or imported. StoreError for no such."""
    known = read_plans(connection)
    if not known:
        raise StoreError(f"{url}: holds no study yet; `ablate run STUDY.yaml` or `ablate import` adds one")
    names = list(dict.fromkeys(plan.study for plan in known))
    if study is not None and study not in names:
        raise StoreError(f"{url}: {unknown_name('study', study, names)}")
    of_study = [plan for plan in known if plan.study == (study or names[0])]
    profiles = [plan.profile for plan in of_study]
    if profile is not None and profile not in profiles:
        raise StoreError(f"{url}: {unknown_name('profile', profile, profiles)}")
    return next(plan for plan in of_study if profile in (None, plan.profile))


def read_plan(connection: Connection, study: str, profile: str) -> StoredPlan:
    """The plan of a study and profile, which must be there."""
    same = (plans.c.study == study) & (plans.c.profile == profile)
    plan = connection.execute(select(plans).where(same)).one()
    document = PlanDocument.from_json(plan.document)
    return StoredPlan(study, profile, document, plan.imported, list(_read_rows(connection, plan.id)), plan.updated)


def _read_rows(connection: Connection, plan_id: int) -> Iterator[StoredRow]:
    of_row = (rows.c.id, rows.c.kind, rows.c.label, rows.c.title, rows.c.levels, rows.c.lines)
    of_cell = (cells.c.seed, cells.c.trial_key, cells.c.stale, cells.c.changes)
    query = (
        select(*of_row, *of_cell)
        .select_from(rows.outerjoin(cells, cells.c.row_id == rows.c.id))
        .where(rows.c.plan_id == plan_id)
        .order_by(rows.c.position, cells.c.seed)
    )
    for _, found in groupby(connection.execute(query), key=lambda row: row.id):
        yield _read_row(list(found))


def _read_row(found: Sequence[Row[*tuple[Any, ...]]]) -> StoredRow:
    """A row from its cells, each with what the row has."""
    row, seen = found[0], [cell for cell in found if cell.seed is not None]
    return StoredRow(
        row.label,
        row.kind,
        row.levels,
        {cell.seed: cell.trial_key for cell in seen},
        row.title,
        row.lines,
        stale=frozenset(cell.seed for cell in seen if cell.stale),
        changes={cell.seed: cell.changes for cell in seen if cell.changes is not None},
    )


def save_trials(connection: Connection, wanted: "Sequence[Trial]", revive: bool = True) -> None:
    """Adds the trainings and trials that the store lacks; a finished training with a new trial queues again.

    So does, to `revive` it, one that was pruned. Notes as well what each trial was declared as, and which trainings
    take about the same time.
    """
    by_key = {trial.key: trial for trial in wanted}
    by_training = {trial.training_key: trial for trial in wanted}
    stored = {key: (state, shape) for key, state, shape in of_keys(connection, _STORED, trainings.c.key, by_training)}
    known = dict(of_keys(connection, select(trials.c.key, trials.c.attempt_id), trials.c.key, by_key))
    insert_new(connection, trainings, [_training(by_training[key]) for key in sorted(by_training) if key not in stored])
    insert_new(connection, trials, [_trial(by_key[key]) for key in sorted(by_key) if key not in known])
    declared = sorted({(trial.declared, trial.key) for trial in wanted if trial.declared})
    insert_new(connection, declarations, [{"declared": one, "trial_key": key} for one, key in declared])
    shapes = [
        {"of": key, "shape": by_training[key].shape} for key, (_, shape) in sorted(stored.items()) if shape is None
    ]
    again = {trial.training_key for trial in wanted if known.get(trial.key) is None}
    if shapes:
        connection.execute(_OF_TRAINING, shapes)
    ended = (DONE, PRUNED) if revive else (DONE,)
    _queue_again(connection, [key for key in sorted(again) if key in stored and stored[key][0] in ended], ended)


def queue_unevaluated(connection: Connection, wanted: "Sequence[Trial]") -> set[str]:
    """Queues finished trainings again that some of the trials still want evaluated; which those are.

    Another runner finished them that did not know these trials.
    """
    have = finished(connection, {trial.key for trial in wanted})
    lacking = {trial.training_key for trial in wanted if trial.key not in have}
    _queue_again(connection, sorted(lacking))
    return lacking


def _queue_again(connection: Connection, keys: Sequence[str], ended: Sequence[str] = (DONE,)) -> None:
    for state in ended if keys else ():
        again = _OF_TRAINING.where(trainings.c.state == state).values(state=QUEUED)
        connection.execute(again, [{"of": key} for key in keys])


_OF_TRAINING = update(trainings).where(trainings.c.key == bindparam("of"))
_STORED = select(trainings.c.key, trainings.c.state, trainings.c.shape)


def training_states(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """{training key: state} of those that the store has."""
    return dict(of_keys(connection, select(trainings.c.key, trainings.c.state), trainings.c.key, keys))


def finished(connection: Connection, keys: Collection[str]) -> set[str]:
    """Those of the trials that have a result."""
    query = select(trials.c.key).where(trials.c.attempt_id.is_not(None))
    return {key for (key,) in of_keys(connection, query, trials.c.key, keys)}


def read_hits(connection: Connection, keys: Collection[str], split: str = "test") -> dict[str, dict[int, int]]:
    """{trial key: {k: hits}} of the trials that have a result."""
    found: dict[str, dict[int, int]] = {}
    counts = and_(trials.c.key == hits.c.trial_key, trials.c.attempt_id == hits.c.attempt_id)
    query = select(hits.c.trial_key, hits.c.k, hits.c.hits).join(trials, counts).where(hits.c.split == split)
    for key, k, count in of_keys(connection, query, hits.c.trial_key, keys):
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

"""Plans: the rows of a study, and the trial of each row and seed."""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from ablate.errors import StoreError, nearest, unknown_name
from ablate.store.plan_document import PlanDocument
from ablate.store.schema import (
    DIVERGED,
    DONE,
    FAILED,
    PRUNED,
    QUEUED,
    cells,
    declarations,
    plans,
    rows,
    trainings,
    trials,
)
from ablate.store.sql import insert_new, of_keys
from ablate.study.reading.nodes import study_name

if TYPE_CHECKING:
    from ablate.study.trials.identity import Trial


@dataclass(frozen=True)
class StoredRow:
    """A row as the store keeps it."""

    label: str
    kind: str
    """`row`, or `reference`: printed next to the rows and compared with none."""
    levels: Mapping[str, Any]
    """{factor: level}, as reports name the level."""
    cells: Mapping[int, str]
    """{seed: trial key}."""
    title: str | None = None
    lines: Sequence[tuple[str, str]] | None = None
    """The (key, value) lines of an imported row, as they were spelled; None for a row that was not imported."""
    stale: Set[int] = frozenset()
    """Seeds whose result was older than the settings, data or code when the plan was made."""
    changes: Mapping[int, Sequence[str]] = field(default_factory=dict)
    """{seed: changes since its result}, for seeds whose older result was accepted."""


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
    """When it was saved last, in seconds since the epoch."""


def save_plan(connection: Connection, plan: StoredPlan) -> None:
    """Save the plan in place of the last one of the same study and profile. The trials of that one stay in the store.

    If the rows are the same, they are not written again; the plan only becomes the latest. StoreError if the name of
    the study belongs to an imported log, or that of a log to a study that was run.
    """
    check_origin(connection, plan.study, plan.imported)
    same = (plans.c.study == plan.study) & (plans.c.profile == plan.profile)
    named = {"study": plan.study, "profile": plan.profile}
    new = {**named, "document": {}, "imported": plan.imported, "updated": 0.0}
    insert_new(connection, plans, [new])
    document: dict[str, Any] = json.loads(json.dumps(plan.document.to_json()))  # as it is when it is read again
    values = {"document": document, "imported": plan.imported, "updated": _latest(connection)}
    connection.execute(update(plans).where(same).values(**values))  # locks the plan until the transaction ends
    plan_id: int = connection.execute(select(plans.c.id).where(same)).scalar_one()
    if not _are_stored(connection, plan_id, plan.rows):
        connection.execute(delete(rows).where(rows.c.plan_id == plan_id))
        _insert_rows(connection, plan_id, plan.rows)


def check_origin(connection: Connection, study: str, imported: bool) -> None:
    """Raise StoreError if results of another origin have the study's name: an import and a run would be mixed up."""
    if all(plan.imported == imported for plan in read_plans(connection) if plan.study == study):
        return
    if imported:
        raise StoreError(f"--study {study}: a study of this name was run in this store; import under another name")
    raise StoreError(
        f"study {study}: a log was imported under this name in this store; give the study another name (`study:` in "
        "its file, or `--set study=...`), or run it in another store (--store)"
    )


def _latest(connection: Connection) -> float:
    """Return the time; if the clock was set back, a time after that of every plan, so that this one is the latest."""
    before: float | None = connection.execute(select(func.max(plans.c.updated))).scalar()
    return max(time.time(), (before or 0.0) + 0.001)


def _are_stored(connection: Connection, plan_id: int, planned: Sequence[StoredRow]) -> bool:
    """Return True if the store has exactly these rows of the plan. They are compared one by one to save memory."""
    pairs = zip_longest(planned, _read_rows(connection, plan_id))
    return all(one and other and _stored(one) == _stored(other) for one, other in pairs)


def _stored(row: StoredRow) -> tuple[Any, ...]:
    """Return a row's values in a form in which two rows can be compared."""
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
    row_ids = connection.execute(select(rows.c.id).where(rows.c.plan_id == plan_id).order_by(rows.c.position))
    of_rows = [
        {
            "row_id": row_id,
            "seed": seed,
            "trial_key": key,
            "stale": seed in row.stale,
            "changes": list(row.changes[seed]) if seed in row.changes else None,
        }
        for row_id, row in zip(row_ids.scalars(), planned, strict=True)
        for seed, key in row.cells.items()
    ]
    connection.execute(insert(cells), of_rows)


class PlanName(NamedTuple):
    """The name of a plan."""

    study: str
    profile: str
    imported: bool
    """True for a study that was imported from a log."""


def read_plans(connection: Connection) -> list[PlanName]:
    """Return the name of every plan, the latest first."""
    query = select(plans.c.study, plans.c.profile, plans.c.imported).order_by(plans.c.updated.desc())
    return [PlanName(*row) for row in connection.execute(query)]


def choose(connection: Connection, study: str | None, profile: str | None, url: str) -> PlanName:
    """Return the name of a study's latest plan, or of its plan under a profile.

    Without `study`, this is the study that was run or imported last. StoreError if there is no such plan.
    """
    stored = read_plans(connection)
    if not stored:
        raise StoreError(
            f"{url}: holds no study yet; `ablate run STUDY.yaml` or `ablate import FILE --study NAME` adds one"
        )
    names = list(dict.fromkeys(plan.study for plan in stored))
    if study is not None and study not in names:
        raise StoreError(f"{url}: {_no_study(study, names)}")
    of_study = [plan for plan in stored if plan.study == (study or names[0])]
    profiles = [plan.profile for plan in of_study]
    if profile is not None and profile not in profiles:
        raise StoreError(f"{url}: {unknown_name('profile', profile, profiles)}")
    return next(plan for plan in of_study if profile in (None, plan.profile))


def _no_study(study: str, names: Sequence[str]) -> str:
    """Return why the store has no such study. People give the file of a study in place of its name as well."""
    if not study.endswith((".yaml", ".yml")):
        return unknown_name("study", study, names)
    name = study_name(Path(study)) or nearest(Path(study).stem, names)
    wanted = f"found the file {study!r}; accepted: the name of a study in the store"
    if name in names:
        return f"{wanted}; did you mean {name!r}?"
    absent = f"{name!r} is not in it yet: `ablate run {quote(study)}` runs it; " if name else ""
    return f"{wanted}; {absent}known: {', '.join(names)}"


def read_document(connection: Connection, study: str, profile: str) -> PlanDocument | None:
    """Return the document of the plan of a study and profile; None if there is none."""
    same = (plans.c.study == study) & (plans.c.profile == profile)
    document = connection.execute(select(plans.c.document).where(same)).scalar()
    return PlanDocument.from_json(document) if document else None


def read_plan(connection: Connection, study: str, profile: str) -> StoredPlan:
    """Return the plan of a study and profile, which must exist."""
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
    for _, cells_of_row in groupby(connection.execute(query), key=lambda row: row.id):
        yield _read_row(list(cells_of_row))


def _read_row(joined: Sequence[Row[*tuple[Any, ...]]]) -> StoredRow:
    """Return a row from its cells, each joined with the columns of the row. A row without cells is one line."""
    row, seeds = joined[0], [cell for cell in joined if cell.seed is not None]
    return StoredRow(
        row.label,
        row.kind,
        row.levels,
        {cell.seed: cell.trial_key for cell in seeds},
        row.title,
        row.lines,
        stale=frozenset(cell.seed for cell in seeds if cell.stale),
        changes={cell.seed: cell.changes for cell in seeds if cell.changes is not None},
    )


def save_trials(connection: Connection, planned: "Sequence[Trial]", revive: bool = True) -> None:
    """Add the trainings and trials that the store does not have, with their declarations and shapes.

    A finished training with a new trial is queued again, as that trial has to be evaluated. So is a failed one if the
    new trial reads other metrics from its outputs. With `revive`, a training that a search has pruned is queued again
    as well.
    """
    by_key = {trial.key: trial for trial in planned}
    by_training = {trial.training_key: trial for trial in planned}
    stored = {key: (state, shape) for key, state, shape in of_keys(connection, _STORED, trainings.c.key, by_training)}
    valid_attempts = dict(of_keys(connection, select(trials.c.key, trials.c.attempt_id), trials.c.key, by_key))
    insert_new(connection, trainings, [_training(by_training[key]) for key in sorted(by_training) if key not in stored])
    insert_new(connection, trials, [_trial(by_key[key]) for key in sorted(by_key) if key not in valid_attempts])
    declared = sorted({(trial.declared, trial.key) for trial in planned if trial.declared})
    insert_new(connection, declarations, [{"declared": one, "trial_key": key} for one, key in declared])
    shapes = [
        {"of": key, "shape": by_training[key].shape} for key, (_, shape) in sorted(stored.items()) if shape is None
    ]
    again = {trial.training_key for trial in planned if valid_attempts.get(trial.key) is None}
    if shapes:
        connection.execute(_OF_TRAINING, shapes)
    ended = (DONE, PRUNED) if revive else (DONE,)
    _queue_again(connection, [key for key in sorted(again) if key in stored and stored[key][0] in ended], ended)
    new = {trial.training_key for trial in planned if trial.key not in valid_attempts and reads_outputs(trial)}
    failed = [key for key in sorted(new) if key in stored and stored[key][0] in (FAILED, DIVERGED)]
    _queue_again(connection, failed, (FAILED, DIVERGED))


def reads_outputs(trial: "Trial") -> bool:
    """Return True if the study file declares where the metrics of a trial are read from."""
    return trial.entry is not None and bool(trial.entry.sources)


def queue_unevaluated(connection: Connection, planned: "Sequence[Trial]") -> set[str]:
    """Queue the finished trainings again whose trials here have no result. Return their keys.

    Another runner finished them without these trials.
    """
    have = finished(connection, {trial.key for trial in planned})
    lacking = {trial.training_key for trial in planned if trial.key not in have}
    _queue_again(connection, sorted(lacking))
    return lacking


def _queue_again(connection: Connection, keys: Sequence[str], ended: Sequence[str] = (DONE,)) -> None:
    for state in ended if keys else ():
        again = _OF_TRAINING.where(trainings.c.state == state).values(state=QUEUED)
        connection.execute(again, [{"of": key} for key in keys])


_OF_TRAINING = update(trainings).where(trainings.c.key == bindparam("of"))
_STORED = select(trainings.c.key, trainings.c.state, trainings.c.shape)


def training_states(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Return {training key: state}, for trainings that the store has."""
    return dict(of_keys(connection, select(trainings.c.key, trainings.c.state), trainings.c.key, keys))


def finished(connection: Connection, keys: Collection[str]) -> set[str]:
    """Return the keys of the trials that have a result."""
    query = select(trials.c.key).where(trials.c.attempt_id.is_not(None))
    return {key for (key,) in of_keys(connection, query, trials.c.key, keys)}


def known(connection: Connection, keys: Collection[str]) -> set[str]:
    """Return the keys of the trials that the store has, with a result or without."""
    return {key for (key,) in of_keys(connection, select(trials.c.key), trials.c.key, keys)}


def read_configs(connection: Connection, keys: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Return {trial key: config of its training}, for the trials that the store has."""
    query = select(trials.c.key, trainings.c.config).join(trainings, trainings.c.key == trials.c.training_key)
    return dict(of_keys(connection, query, trials.c.key, keys))


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

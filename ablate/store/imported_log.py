"""Saving an imported log in the store: each row becomes a finished trial with known totals only."""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, insert, update

from ablate.errors import StoreError
from ablate.store import plans
from ablate.store.plan_document import DataIdentity, ImpliedLevel, PlanDocument, StoredFactor
from ablate.store.queue.claims import KS, SplitResult, write_results
from ablate.store.queue.process_identity import owner
from ablate.store.schema import DONE, attempts, trainings
from ablate.study.factors import level_text
from ablate.study.logfile.parser import ExperimentLog
from ablate.study.logfile.rows import InheritedDoubt, NamedRow, doubts
from ablate.study.trials.identity import ROW, Identity, Trial, digest

PROFILE = "imported"
TRAINER = "imported"
ALPHA, DELTA_PP = 0.05, 0.5
"""The study file's defaults; a log declares none."""


def save_log(
    connection: Connection, study: str, log: ExperimentLog, rows: Sequence[NamedRow], findings: Sequence[str]
) -> None:
    """Save a log as a study. StoreError if a study of that name was run in this store, as both would mix."""
    if any(plan.study == study and not plan.imported for plan in plans.read_plans(connection)):
        raise StoreError(f"--study {study}: a study of this name was run in this store; import under another name")
    trials = [_trial(log, named) for named in rows]
    finished = plans.finished(connection, {trial.key for trial in trials})
    plans.save_trials(connection, trials)
    for trial, named in zip(trials, rows, strict=True):
        if trial.key not in finished:
            _save_result(connection, trial, log, named)
    plans.save_plan(connection, _plan(study, log, rows, trials, findings))


def _trial(log: ExperimentLog, named: NamedRow) -> Trial:
    """Return a trial whose identity is the text of its row in the log."""
    config = {"row": named.row.number, "title": named.row.title, "lines": named.row.lines, "rates": named.row.rates}
    identity = Identity(TRAINER, {**config, "setting": log.setting}, 0, None, {})
    key = identity.key
    return Trial(named.label, ROW, 0, {}, {}, identity, key, digest([key, {}]))


def _save_result(connection: Connection, trial: Trial, log: ExperimentLog, named: NamedRow) -> None:
    now = time.time()
    values = {"training_key": trial.training_key, "number": 1, "state": DONE, "started": now, "ended": now}
    made = connection.execute(insert(attempts).values(owner=owner(), resumed_at=0, **values))
    (attempt_id,) = made.inserted_primary_key or (0,)
    write_results(connection, trial.key, attempt_id, [SplitResult("test", log.queries, None, log.hits(named.row))])
    same = trainings.c.key == trial.training_key
    connection.execute(update(trainings).where(same).values(state=DONE, attempts=1))


def _plan(
    study: str, log: ExperimentLog, rows: Sequence[NamedRow], trials: Sequence[Trial], findings: Sequence[str]
) -> plans.StoredPlan:
    document = PlanDocument(
        trainer=TRAINER,
        primary=next((f"top{k}" for k in KS if all(k in named.row.rates for named in rows)), "top1"),
        delta=DELTA_PP,
        alpha=ALPHA,
        factors=tuple(_factor(name, rows) for name in rows[0].levels),
        seeds=(0,),
        config={},
        data=DataIdentity(),
        setting=log.setting,
        tight=log.tight,
        findings=tuple(findings),
        doubts=tuple(_implied_level(doubt) for doubt in doubts(rows) if not _is_other_row(doubt, rows)),
    )
    stored = [
        plans.StoredRow(named.label, ROW, _words(named), {0: trial.key}, named.row.title, named.row.lines)
        for named, trial in zip(rows, trials, strict=True)
    ]
    return plans.StoredPlan(study, PROFILE, document, True, stored)


def _is_other_row(doubt: InheritedDoubt, rows: Sequence[NamedRow]) -> bool:
    """Return True if the row, read as its title implies, would repeat another row: then its listed level is right."""
    implied = {**rows[doubt.row - 1].levels, doubt.factor: doubt.implied}
    return any(dict(named.levels) == implied for named in rows)


def _implied_level(doubt: InheritedDoubt) -> ImpliedLevel:
    return ImpliedLevel(doubt.row, doubt.factor, _word(doubt.listed), _word(doubt.implied))


def _words(named: NamedRow) -> dict[str, bool | int | float | str]:
    return {name: _word(level) for name, level in named.levels.items()}


def _word(level: bool | int | float | str) -> bool | int | float | str:
    return level_text(level) if isinstance(level, bool) else level


def _factor(name: str, rows: Sequence[NamedRow]) -> StoredFactor:
    """Return a factor of the log: its levels in order of appearance. The baseline of a component is off."""
    levels = tuple(dict.fromkeys(_word(named.levels[name]) for named in rows))
    return StoredFactor(name, (), levels, "off" if "off" in levels else levels[0])

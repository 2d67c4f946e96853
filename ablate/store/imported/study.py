"""Saving results of another program in the store: each run becomes a finished, failed or diverged trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from ablate.errors import StoreError
from ablate.imports.source import DONE
from ablate.imports.understanding.study import ImportedRow, ImportedRun, ImportedStudy
from ablate.measurement import Measurement, Result
from ablate.store import plans
from ablate.store.imported.ended_runs import EndedRun, save_ended
from ablate.store.imported_log import ALPHA, DELTA_PP, PROFILE, TRAINER
from ablate.store.plan_document import DataIdentity, PlanDocument, StoredFactor, Summary
from ablate.study.config_keys import canonical
from ablate.study.metrics import split_of
from ablate.study.trials.identity import ROW, Identity, Trial, digest


@dataclass(frozen=True)
class SavedStudy:
    """The difference that an import makes to a store."""

    trials: int
    """The number of trials of the study."""
    new: int
    """The number of them that the store did not have."""


def save_study(
    connection: Connection, name: str, study: ImportedStudy, source: str, *, replace_other: bool = False
) -> SavedStudy:
    """Save an imported study under a name. Trials that the store has already are not written again.

    `source`: the path of the source. StoreError if a study of that name was run in this store, or was imported from
    another source and `replace_other` is False.
    """
    plans.check_origin(connection, name, imported=True)
    before = plans.read_document(connection, name, PROFILE)
    if before is not None and before.source != source and not replace_other:
        origin = before.source or "a log"
        raise StoreError(
            f"--study {name}: results of {origin} have this name; import under another name, or add --replace to put "
            f"those of {source} in their place"
        )
    of_rows = [{seed: _trial(study, row, seed, run) for seed, run in row.runs.items()} for row in study.rows]
    every = {
        trial.key: (trial, run) for row, own in zip(study.rows, of_rows, strict=True) for trial, run in _pairs(row, own)
    }
    stored = plans.known(connection, set(every))
    plans.save_trials(connection, [trial for key, (trial, _) in every.items() if key not in stored])
    save_ended(connection, [_ended(*pair) for key, pair in every.items() if key not in stored])
    rows = [
        plans.StoredRow(row.label, ROW, row.levels, {seed: trial.key for seed, trial in own.items()})
        for row, own in zip(study.rows, of_rows, strict=True)
    ]
    plans.save_plan(connection, plans.StoredPlan(name, PROFILE, _document(study, source), True, rows))
    return SavedStudy(len(every), len(every) - len(stored))


def _pairs(row: ImportedRow, trials: Mapping[int, Trial]) -> Sequence[tuple[Trial, ImportedRun]]:
    return [(trial, row.runs[seed]) for seed, trial in trials.items()]


def _trial(study: ImportedStudy, row: ImportedRow, seed: int, run: ImportedRun) -> Trial:
    """Return the trial of a run. Its identity is its settings, seed and values: a value that changed is a new trial."""
    settings = {**study.constants, **row.levels, **run.undeclared}
    results = {
        "values": dict(run.values),
        "n": dict(run.counts),
        "state": run.state,
        "examples": {name: digest([list(one.ids), one.values.tolist()]) for name, one in run.examples.items()},
    }
    config = {"settings": {key: canonical(value) for key, value in settings.items()}, "results": results}
    identity = Identity(TRAINER, config, seed, None, {})
    key = identity.key
    return Trial(row.label, ROW, seed, {}, {}, identity, key, digest([key, {}]))


def _ended(trial: Trial, run: ImportedRun) -> EndedRun:
    return EndedRun(trial, run.state, run.reason, run.undeclared, _result(run) if run.state == DONE else None)


def _result(run: ImportedRun) -> Result:
    measured = []
    for name, value in run.values.items():
        examples = run.examples.get(name)
        parts: dict[str, Any] = {}
        if examples is not None:
            values = examples.values
            is_binary = bool(np.all((values == 0) | (values == 1)))
            parts = {"examples": values.astype(bool) if is_binary else values, "ids": list(examples.ids)}
        measured.append(Measurement(name, split_of(name), value, run.counts.get(name), **parts))
    return Result(measured)


def _document(study: ImportedStudy, source: str) -> PlanDocument:
    primary = study.metrics[0]
    summaries = {
        row.label: {name: Summary(one.sd, one.seeds) for name, one in row.spreads.items()}
        for row in study.rows
        if row.spreads
    }
    factors = tuple(
        StoredFactor(
            factor.name,
            () if factor.is_bundle else factor.keys,
            factor.levels,
            factor.baseline,
            factor.keys if factor.is_bundle else (),
            factor.values if factor.is_bundle else (),
        )
        for factor in study.factors
    )
    return PlanDocument(
        trainer=TRAINER,
        primary=primary.name,
        delta=DELTA_PP if primary.is_rate else 0.0,
        alpha=ALPHA,
        factors=factors,
        seeds=tuple(sorted({seed for row in study.rows for seed in row.runs})),
        config=study.constants,
        data=DataIdentity(),
        findings=study.notes,
        declared=True,
        steps=(),
        metrics=study.metrics,
        unpaired=study.unpaired,
        summaries=summaries,
        source=source,
    )

"""Saving an imported log in the store: each row and seed becomes a finished trial with known totals only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import starmap
from typing import Any

from sqlalchemy import Connection, delete

from ablate.errors import LogError, StoreError
from ablate.measurement import TEST, Measurement, Result
from ablate.store import plans
from ablate.store.imported.ended_runs import EndedRun, save_ended
from ablate.store.looks import LookRow, record_look
from ablate.store.plan_document import DataIdentity, ImpliedLevel, PlanDocument, StoredFactor, rules
from ablate.store.schema import DIVERGED, DONE, FAILED, looks
from ablate.study.factors import level_text
from ablate.study.logfile.declared import ENDED, LOOKS
from ablate.study.logfile.measurements import TOP_K_NAMES, RowMeasurements
from ablate.study.logfile.parser import ExperimentLog, rate_text
from ablate.study.logfile.rows import InheritedDoubt, NamedRow, doubts
from ablate.study.metrics import split_of
from ablate.study.trials.identity import Identity, Trial, digest

PROFILE = "imported"
TRAINER = "imported"
ALPHA, DELTA_PP = 0.05, 0.5
"""The study file's defaults; a log without a section `# study` declares none."""
EXAMPLES = "queries"
"""The key of a trial's identity for the number of queries, unless it was inferred."""
MOST_NAMED = 4
"""Rows of a log that messages name."""
ENDED_THERE = {state: f"{state} in the study that the log was written from" for state in (FAILED, DIVERGED)}
"""{state: the reason of seeds that have it in a log}."""


def save_log(
    connection: Connection,
    study: str,
    log: ExperimentLog,
    rows: Sequence[NamedRow],
    findings: Sequence[str],
    *,
    replace_other: bool = False,
) -> str | None:
    """Save a log as a study; return the number and labels of the rows of another log that it replaces, if it does.

    StoreError if a study of that name was run in this store, as both would mix, or if another log has that name and
    `replace_other` is False.
    """
    plans.check_origin(connection, study, imported=True)
    document = _document(log, rows, findings)
    measured = [_measured(log, named) for named in rows]
    trials: list[dict[int, Trial]] = []
    for at, row in enumerate(measured):
        trials.append(_trials(log, rows, at, row, trials))
    every = [trial for of_row in trials for trial in of_row.values()]
    finished = plans.finished(connection, {trial.key for trial in every})
    plan = _plan(study, document, rows, measured, trials)
    other = _other_log(connection, plan, {trial.key: trial for trial in every})
    if other and not replace_other:
        raise StoreError(
            f"--study {study}: another log has this name, with {other}; import under another name, or add --replace to "
            "put this log in its place"
        )
    plans.save_trials(connection, every)
    new: dict[str, tuple[Trial, RowMeasurements, int]] = {}
    for row, of_row in zip(measured, trials, strict=True):
        for seed, trial in of_row.items():
            if trial.key not in finished:
                new.setdefault(trial.key, (trial, row, seed))
    save_ended(connection, [run for run in starmap(_ended, new.values()) if run])
    plans.save_plan(connection, plan)
    _save_looks(connection, study, document, log.study or {})
    return other


def _other_log(connection: Connection, plan: plans.StoredPlan, trials: Mapping[str, Trial]) -> str | None:
    """Return the rows of the log that has the plan's name, in words; None if there is none, or if it is the same.

    A log is the same with another number of queries too. `trials`: {key: trial} of the plan.
    """
    if not any(name.study == plan.study and name.profile == plan.profile for name in plans.read_plans(connection)):
        return None
    stored = plans.read_plan(connection, plan.study, plan.profile)
    if _contents(connection, stored.rows, {}) == _contents(connection, plan.rows, trials):
        return None
    labels = [row.label for row in stored.rows]
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return f"{len(labels)} row{'' if len(labels) == 1 else 's'} ({', '.join(labels[:MOST_NAMED])}{more})"


def _contents(
    connection: Connection, rows: Sequence[plans.StoredRow], trials: Mapping[str, Trial]
) -> list[dict[int, str]]:
    """Return a digest of each row and seed that the number of queries does not change.

    `trials`: {key: trial}, as far as the store does not have them.
    """
    keys = {key for row in rows for key in row.cells.values()}
    configs: dict[str, Mapping[str, Any]] = {key: trial.training.config for key, trial in trials.items()}
    configs |= plans.read_configs(connection, keys - configs.keys())
    plain = {key: digest(json.loads(json.dumps({**config, EXAMPLES: None}))) for key, config in configs.items()}
    return [{seed: plain.get(key, key) for seed, key in row.cells.items()} for row in rows]


def _measured(log: ExperimentLog, named: NamedRow) -> RowMeasurements:
    """Return a row's results; those of a log without seeds are results of one seed, which is called 0.

    Its rates are numbers of hits if the log format prints these as they are written, else values.
    """
    if named.row.measured is not None:
        return named.row.measured
    hits = log.hits(named.row)
    exact = {k: (count,) for k, count in hits.items() if rate_text(count / log.queries) == named.row.rates[k]}
    values = {f"top{k}": (float(rate),) for k, rate in named.row.rates.items() if k not in exact}
    counts = dict.fromkeys(values, (log.queries,)) if log.queries else {}
    return RowMeasurements((0,), log.queries, hits=exact, values=values, examples=counts)


def _trials(
    log: ExperimentLog, rows: Sequence[NamedRow], at: int, row: RowMeasurements, earlier: Sequence[Mapping[int, Trial]]
) -> dict[int, Trial]:
    """Return {seed: trial} of a row. A trial's identity is the text of its row, or of the row whose trainings it has.

    A row with the results of an `earlier` row has the trials of that row. LogError if such a row does not exist.
    """
    if row.trials_of is not None and not 1 <= row.trials_of <= at:
        raise LogError(f"row {at + 1}: found `results of row: {row.trials_of}`; accepted: a row above")
    same = earlier[row.trials_of - 1] if row.trials_of is not None else {}
    trained = row.trainings_of or at + 1
    if not 1 <= trained <= len(rows):
        raise LogError(f"row {at + 1}: found `trainings of row: {trained}`; accepted: 1 to {len(rows)}")
    evaluate = {} if trained == at + 1 else {"row": at + 1, "results": digest(_plain(row))}
    named = rows[trained - 1]
    identified = {"row": trained, "title": named.row.title, "lines": named.row.lines, "rates": named.row.rates}
    if log.study is not None:
        measured = named.row.measured or RowMeasurements()
        identified |= {"study": log.study, "results": _plain(measured)}
    elif not log.inferred:  # then it is another result of the same values; earlier versions always inferred it
        identified[EXAMPLES] = log.queries or None
    trials = {}
    for seed in sorted({*row.seeds, *row.missing}):
        identity = Identity(TRAINER, {**identified, "setting": log.setting}, seed, row.data, {})
        key = identity.key
        own = Trial(rows[at].label, row.kind, seed, {}, evaluate, identity, key, digest([key, evaluate]))
        trials[seed] = same.get(seed, own)
    return trials


def _plain(row: RowMeasurements) -> list[list[str]]:
    return [list(line) for line in row.lines()]


def _ended(trial: Trial, row: RowMeasurements, seed: int) -> EndedRun | None:
    """Return a seed as a run that ended: finished with its totals, failed or diverged. None if it is only missing."""
    if seed in row.missing:
        if seed not in (*row.failed, *row.diverged):
            return None
        state = DIVERGED if seed in row.diverged else FAILED
        return EndedRun(trial, state, row.reasons.get(seed, ENDED_THERE[state]))
    at = row.seeds.index(seed)
    known = {name: word for name, words in row.circumstances.items() if (word := words[at]) is not None}
    return EndedRun(trial, DONE, environment=known, result=_result(row, at))


def _result(row: RowMeasurements, at: int) -> Result:
    """Return the result of one seed, at a position: a log has totals and means, and no values of single queries."""
    rates = {f"top{k}": counts[at] / row.queries for k, counts in row.hits.items()}
    means = {name: values[at] for name, values in row.precisions.items()}
    sizes = {"queries": row.queries, "gallery": row.gallery}
    measured = [Measurement(name, TEST, value, row.queries) for name, value in {**rates, **means}.items()]
    for name, values in row.values.items():
        n = row.examples[name][at] if name in row.examples else None
        if (value := values[at]) is not None:
            measured.append(Measurement(name, split_of(name), value, n))
    return Result(measured, sizes={TEST: sizes if row.queries else {}})


def _document(log: ExperimentLog, rows: Sequence[NamedRow], findings: Sequence[str]) -> PlanDocument:
    """Return the facts of a log that are the same for all of its rows; LogError if its `# study` cannot be read."""
    of_log: dict[str, Any] = {
        "trainer": TRAINER,
        "setting": log.setting,
        "tight": log.tight,
        "findings": findings,
        "config": {},
    }
    if log.study is not None:
        try:
            unnamed = {"data": {"name": None, "fingerprint": None}}
            return PlanDocument.from_json({**unnamed, **log.study, **of_log, "declared": True})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LogError(f"`# study` cannot be read: {error!r}; write it again with `--format log`") from None
    return PlanDocument(
        trainer=TRAINER,
        primary=next((name for k, name in TOP_K_NAMES.items() if all(k in named.row.rates for named in rows)), "top1"),
        delta=DELTA_PP,
        alpha=ALPHA,
        factors=tuple(_factor(name, rows) for name in rows[0].levels),
        seeds=(0,),
        config={},
        data=DataIdentity(),
        setting=log.setting,
        tight=log.tight,
        examples_inferred=log.inferred,
        findings=tuple(findings),
        doubts=tuple(_implied_level(doubt) for doubt in doubts(rows) if not _is_other_row(doubt, rows)),
    )


def _plan(
    study: str,
    document: PlanDocument,
    rows: Sequence[NamedRow],
    measured: Sequence[RowMeasurements],
    trials: Sequence[Mapping[int, Trial]],
) -> plans.StoredPlan:
    log_declares = document.declared  # then a title that is no label stands next to the label
    stored = [
        plans.StoredRow(
            named.label,
            row.kind,
            _words(named),
            {seed: trial.key for seed, trial in of_row.items()},
            None if log_declares and row.label is None else named.row.title,
            named.row.lines,
            changes=row.changes,
        )
        for named, row, of_row in zip(rows, measured, trials, strict=True)
    ]
    return plans.StoredPlan(study, PROFILE, document, True, stored)


def _save_looks(connection: Connection, study: str, document: PlanDocument, declared: Mapping[str, Any]) -> None:
    """Save the looks of a log in place of those of an earlier log of this name; LogError if they cannot be read."""
    connection.execute(delete(looks).where(looks.c.study == study, looks.c.profile == PROFILE))
    taken, ended = declared.get(LOOKS, []), declared.get(ENDED, [])
    if not taken:
        return
    try:
        of_families = [LookRow(at, 1, 0, {}, why, [], {}, {}, 0.0) for at, why in enumerate([None, *ended], start=1)]
        *earlier, last = of_families
        own = [
            replace(
                last,
                number=one["number"],
                seeds=one["seeds"],
                rules=rules(document),
                seen=one["seen"],
                asked=one["asked"],
            )
            for one in taken
        ]
        for look in [*earlier, *own]:
            record_look(connection, study, PROFILE, look)
    except (KeyError, TypeError) as error:
        raise LogError(f"`{LOOKS}` in `# study` cannot be read: {error!r}") from None


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

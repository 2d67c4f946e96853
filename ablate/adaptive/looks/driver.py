"""A run with looks: the seeds of each row, a look at the results, and more seeds for rows with an open verdict."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ablate.adaptive.looks.taken_looks import LookSchedule, read_schedule, row_at_look
from ablate.analysis.loading import load
from ablate.analysis.looks.history import Look, as_json, from_json
from ablate.analysis.looks.take_look import rows_to_go_on, take_look
from ablate.analysis.results import StudyResults
from ablate.analysis.verdicts import CONFOUNDED, NOT_ESTIMABLE, UNDECIDED
from ablate.errors import AblateError
from ablate.run.preparation import PreparedRun, prepare
from ablate.run.request import StudySource
from ablate.store import Store
from ablate.store.looks import LookRow, record_look, seen_value
from ablate.store.plan_document import rules
from ablate.study.model import Study
from ablate.study.trials.identity import ROW

MOST_DISTURBED = 3
"""How often another runner or a reset may change the trials of a look before it is taken."""


@dataclass(frozen=True)
class LookRequest:
    """A run of a study with looks."""

    source: StudySource
    study: Study
    """The study of `source` with its looks, declared or usual."""
    until_decided: bool = False
    """Take look after look until no row needs another one; otherwise at most one look."""
    only: set[str] | None = None
    """Labels of the rows to run; None for all."""
    retry_failed: bool = False
    accept_stale: bool = False

    def schedule(self, store: Store) -> LookSchedule:
        """Return the looks of the study so far."""
        rows = (row.label for row in self.study.rows)
        accepting = {label for label in rows if self.only is None or label in self.only} if self.accept_stale else ()
        are_declared = bool(self.source.study.looks)
        return read_schedule(store, self.study, self.source.place, are_declared=are_declared, accepting=accepting)


def follow(
    store: Store, request: LookRequest, run: Callable[[PreparedRun], None], report: Callable[[str], None]
) -> LookSchedule:
    """Run the trials of the next look and take it; with `until_decided`, look after look until none is due.

    `run` runs what was prepared, and raises KeyboardInterrupt if a stop was requested. `report` receives a sentence
    about every look. A look is taken once all its trials have ended and some have a result; a seed that failed or
    diverged has no value in it. Returns the looks so far. Raises AblateError if the trials of a look change again and
    again.
    """
    announced, retry_failed, disturbed = None, request.retry_failed, 0
    while disturbed < MOST_DISTURBED:
        schedule = request.schedule(store)
        if schedule.why and schedule.why != announced:
            report(f"a new family of looks begins: {schedule.why}; earlier looks stay on record")
            announced = schedule.why
        due = schedule.is_due(request.until_decided)
        prepared = _prepare(store, request, schedule, due, retry_failed)
        run(prepared)
        retry_failed = False  # every failed trial has been tried once in this run
        after = request.schedule(store)
        if not after.is_at(schedule):  # another runner took the look, or a repeated trial gave another result
            disturbed += after.family != schedule.family
            continue
        if not due:
            return schedule
        results = load(store, schedule.study.name, schedule.study.profile)
        if not _is_finished(results, prepared):
            if not request.until_decided:
                return schedule
            disturbed += 1
            continue
        if not any(row.seeds for row in results.rows):
            report(f"{_name(schedule)}: not taken, as no trial has a result")
            return schedule
        report(_take(store, schedule, results, prepared))
        if not request.until_decided:
            return request.schedule(store)
    raise AblateError(
        f"{schedule.study.name}: {_name(schedule)}: its trials do not stay finished; another runner or a reset changes "
        "them meanwhile; `ablate status` shows their states, and the same command continues"
    )


def summary(schedule: LookSchedule, until_decided: bool) -> str:
    """Return the number of decided contrasts, and the trials saved or the option that continues, in words."""
    last, most = schedule.taken[-1], schedule.study.looks[-1]
    spent = sum(min(seeds, last.seeds) for seeds in last.asked.values())
    decided = _decided(from_json(last, schedule.study.metric(schedule.study.primary)), schedule.study)
    looks = f"{decided} after {len(schedule.taken)} of {len(schedule.study.looks)} looks, with {spent} trials"
    if not until_decided and schedule.continued_rows:
        return f"{looks}; --until-decided continues"
    return f"{looks}; {most} seeds of every row would be {most * len(last.asked)} trials"


def _prepare(store: Store, request: LookRequest, schedule: LookSchedule, due: bool, retry_failed: bool) -> PreparedRun:
    planned = schedule.trials(due)
    selected = planned if request.only is None else [trial for trial in planned if trial.label in request.only]
    overrides = request.source.overrides
    options = {"retry_failed": retry_failed, "accept_stale": request.accept_stale}
    return prepare(store, schedule.study, planned, selected, overrides, **options)


def _cells(prepared: PreparedRun) -> dict[str, dict[int, str]]:
    """Return {row: {seed: trial key}} of the planned trials, without references."""
    cells: dict[str, dict[int, str]] = {}
    for item in prepared.planned:
        if item.trial.kind == ROW:
            cells.setdefault(item.trial.label, {})[item.trial.seed] = item.key
    return cells


def _is_finished(results: StudyResults, prepared: PreparedRun) -> bool:
    """Return True if the results are of the prepared trials, not of another runner's plan, and none is to come."""
    cells = _cells(prepared)
    return cells.keys() == {row.label for row in results.rows} and all(
        set(row.missing) == {*row.failed, *row.diverged}
        and {*row.seeds, *row.missing} == cells[row.label].keys()
        and row.trials.items() <= cells[row.label].items()
        for row in results.rows
    )


def _take(store: Store, schedule: LookSchedule, results: StudyResults, prepared: PreparedRun) -> str:
    """Take the look and record it; return a sentence about it."""
    looks = schedule.study.looks
    look = take_look(results, looks, [from_json(row, results.metric) for row in schedule.taken])
    counts = {label: len(seeds) for label, seeds in _cells(prepared).items()}
    continued = rows_to_go_on(results, look) if schedule.number < len(looks) else frozenset()
    requested = {label: looks[schedule.number] if label in continued else seeds for label, seeds in counts.items()}
    row = LookRow(
        family=schedule.family,
        number=schedule.number,
        seeds=looks[schedule.number - 1],
        rules=rules(schedule.study),
        why=schedule.why,
        seen=as_json(look, results.metric)["seen"],
        asked=requested,
        trials=_rows_at_look(schedule.study, results, prepared),
        taken=time.time(),
    )
    with store.write() as connection:
        record_look(connection, schedule.study.name, schedule.study.profile, row)
    return f"{_name(schedule)}: {_decided(look, schedule.study)}; {_next(schedule, len(continued), look)}"


def _rows_at_look(study: Study, results: StudyResults, prepared: PreparedRun) -> Mapping[str, object]:
    values = {
        (row.label, seed): seen_value(value)
        for row in results.rows
        if study.primary in row.values
        for seed, value in zip(row.seeds, row.values[study.primary].values, strict=True)
    }
    cells = {
        label: {seed: (key, values.get((label, seed))) for seed, key in keys.items()}
        for label, keys in _cells(prepared).items()
    }
    return {row.label: row_at_look(row, cells[row.label]) for row in study.rows}


def _name(schedule: LookSchedule) -> str:
    return f"look {schedule.number} of {len(schedule.study.looks)}, {schedule.study.looks[schedule.number - 1]} seeds"


def _decided(look: Look, study: Study) -> str:
    verdicts = [seen.verdict for seen in look.results]
    without_claim = sum(verdict in (CONFOUNDED, NOT_ESTIMABLE) for verdict in verdicts)
    decided = len(verdicts) - verdicts.count(UNDECIDED) - without_claim
    without = f", {without_claim} without a claim (confounded, or without results)" if without_claim else ""
    noun = "effect" if study.family.kind == "effects" else "contrast"
    return f"{decided} of {len(verdicts)} {noun}{'' if len(verdicts) == 1 else 's'} decided{without}"


def _next(schedule: LookSchedule, continued: int, look: Look) -> str:
    if continued:
        return f"{continued} rows go on to {schedule.study.looks[schedule.number]} seeds"
    return "no look is left" if any(seen.verdict == UNDECIDED for seen in look.results) else "no row goes on"

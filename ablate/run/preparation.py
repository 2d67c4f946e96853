"""The changes of the store before a run: its trials and its plan, which reports read later."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from ablate.run.replaced_plan import hidden_seeds, may_hide, other_file, stored_factor
from ablate.store import Store, plans, trial_records
from ablate.store.plan_document import DataIdentity, PlanDocument, UnreadLevels
from ablate.store.plans import StoredPlan, StoredRow
from ablate.store.queue import claims
from ablate.study.config_keys import value_at
from ablate.study.factors import LevelName
from ablate.study.logfile.parser import Line
from ablate.study.model import Row, Study
from ablate.study.plan.limits import RowLimits, row_limits, stored_limits
from ablate.study.plan.time_estimate import expected_seconds, shapes_to_run
from ablate.study.plan.trial_states import ACCEPTED, FAILED, STALE, PlannedTrial, PreviousResult, resolve
from ablate.study.trials.identity import REFERENCE, ROW, Trial
from ablate.study.trials.unread_factors import unread_factors
from ablate.text import listed_in_part, plural

MOST_REASONS = 3
"""Reasons that a note about stale results lists."""


@dataclass(frozen=True)
class PreparedRun:
    """The work of one run."""

    planned: Sequence[PlannedTrial]
    """All trials of the study with their states."""
    selected: Sequence[PlannedTrial]
    """The trials of the rows that were selected."""
    trials: Sequence[Trial]
    """The trials of all trainings to run. A training may also be evaluated for rows that were not selected."""
    before: Mapping[str, str]
    """{training key: its state before the run}."""
    notes: Sequence[str]
    """Sentences about the plan that this one replaced, and about the results that it leaves out."""
    expected: Mapping[str, float]
    """{training key: seconds that it will probably take}, if finished trainings of its shape exist."""
    plan: StoredPlan
    """The plan that was saved."""


def prepare(
    store: Store,
    study: Study,
    trials: Sequence[Trial],
    selected: Sequence[Trial],
    overrides: Sequence[str] = (),
    *,
    retry_failed: bool = False,
    accept_stale: bool = False,
) -> PreparedRun:
    """Save the study's plan and trials in the store, accept stale results and queue failed trainings on request.

    `selected` are the trials of the selected rows, `overrides` the options that changed the file. All changes are one
    transaction.
    """
    labels = {trial.label for trial in selected}
    with store.write(alone=True) as connection:
        records = trial_records.read_records(connection, trials)
        if accept_stale:
            kept = _to_accept(resolve(trials, records), labels)
            trial_records.accept(connection, kept)
            records = replace(records, accepted={**records.accepted, **kept})
        planned = resolve(trials, records)
        current = [item.trial for item in planned if item.state != ACCEPTED]
        plans.save_trials(connection, [item.trial for item in planned])  # a reset may queue what is accepted now
        former, hidden = plans.read_document(connection, study.name, study.profile), {}
        if former and may_hide(former, study):
            stored = plans.read_plan(connection, study.name, study.profile)
            hidden = hidden_seeds(stored, planned, partial(plans.finished, connection))
        plan = plan_of(study, planned, overrides, hidden)
        plans.save_plan(connection, plan)
        keys = list(dict.fromkeys(trial.training_key for trial in current if trial.label in labels))
        if retry_failed:
            claims.retry(connection, keys)
        states = plans.training_states(connection, set(keys))
        chosen = [item for item in planned if item.trial.label in labels]
        times = trial_records.read_times(connection, shapes_to_run(chosen))
    before = {key: states[key] for key in keys}
    running = [trial for trial in current if trial.training_key in before]
    notes = [*_stale_notes(chosen), *([other] if (other := other_file(former, study)) else []), *_left_out(hidden)]
    return PreparedRun(planned, chosen, running, before, notes, expected_seconds(chosen, times), plan)


def _stale_notes(chosen: Sequence[PlannedTrial]) -> list[str]:
    """Return a sentence about results that are no longer valid and are made again, with the first reasons."""
    stale = [item for item in chosen if item.state == STALE and item.older]
    if not stale:
        return []
    reasons = dict.fromkeys(change.text for item in stale if item.older for change in item.older.changes)
    are = "is stale and is" if len(stale) == 1 else "are stale and are"
    return [
        f"{plural(len(stale), 'result')} {are} trained again ({listed_in_part(list(reasons), MOST_REASONS)}); "
        "--accept-stale keeps them"
    ]


def _left_out(hidden: Mapping[str, Sequence[int]]) -> list[str]:
    if not hidden:
        return []
    results = plural(sum(map(len, hidden.values())), "result")
    seeds = sorted({seed for of_row in hidden.values() for seed in of_row})
    return [
        f"{results} of {plural(len(hidden), 'row')} with other seeds ({', '.join(map(str, seeds))}) stay in the store, "
        "and reports of this plan leave them out"
    ]


def _to_accept(planned: Sequence[PlannedTrial], labels: Set[str]) -> dict[str, PreviousResult]:
    """Return {trial key: previous result} of the selected trials that are stale, or failed after a change."""
    return {
        item.trial.key: item.older
        for item in planned
        if item.older and item.state in (STALE, FAILED) and item.trial.label in labels
    }


def plan_of(
    study: Study,
    planned: Sequence[PlannedTrial],
    overrides: Sequence[str] = (),
    hidden: Mapping[str, tuple[int, ...]] = {},
) -> StoredPlan:
    """The plan of a study with all its rows and references.

    `overrides` are the options that changed the file; `hidden` is {row: seeds with results that the plan leaves out}.
    """
    of_row: dict[str, list[PlannedTrial]] = {}
    for item in planned:
        of_row.setdefault(item.trial.label, []).append(item)
    rows = [_row(row.label, ROW, of_row[row.label], _words(row), row.title) for row in study.rows]
    rows += [_row(reference.label, REFERENCE, of_row[reference.label]) for reference in study.references]
    document = _document(study, planned[0].trial, overrides, _limits(study, planned))
    document = replace(document, unread=_unread(study, planned), file=study.absolute_file, hidden=hidden)
    return StoredPlan(study.name, study.profile, document, False, rows)


def _unread(study: Study, planned: Sequence[PlannedTrial]) -> tuple[UnreadLevels, ...]:
    found = unread_factors(study, (item.trial for item in planned))
    return tuple(UnreadLevels(one.factor, one.reason, one.rows) for one in found)


def _row(
    label: str,
    kind: str,
    planned: Sequence[PlannedTrial],
    levels: Mapping[str, LevelName] | None = None,
    title: str | None = None,
) -> StoredRow:
    return StoredRow(
        label,
        kind,
        levels or {},
        {item.trial.seed: item.key for item in planned},
        title,
        stale=frozenset(item.trial.seed for item in planned if item.older and item.state != ACCEPTED),
        changes={
            item.trial.seed: [change.text for change in item.older.changes]
            for item in planned
            if item.older and item.state == ACCEPTED
        },
    )


def _words(row: Row) -> dict[str, LevelName]:
    return {name: level.word for name, level in row.levels.items()}


def _limits(study: Study, planned: Sequence[PlannedTrial]) -> tuple[RowLimits, ...]:
    """Return the limits of the tests of all rows and references."""
    configs = {item.trial.label: item.trial.config for item in planned}
    return stored_limits(row_limits(study.entry, configs), len(configs))


def _document(study: Study, first: Trial, overrides: Sequence[str], limits: tuple[RowLimits, ...]) -> PlanDocument:
    return PlanDocument(
        trainer=study.trainer,
        script=study.entry.title,
        primary=study.primary,
        delta=study.delta,
        metrics=study.metrics,
        alpha=study.alpha,
        family=study.family,
        looks=study.looks,
        question=study.question,
        factors=tuple(map(stored_factor, study.factors)),
        excluded=study.excluded,
        seeds=study.seeds,
        config=first.config,
        data=DataIdentity(_data_name(study, first), first.training.data),
        setting=tuple(_setting(study, first)),
        aliases=study.aliases,
        overrides=tuple(overrides),
        search=study.found_by,
        limits=limits,
        steps=study.steps,
    )


def _data_name(study: Study, first: Trial) -> str | None:
    """Return the name of the data set; None if the trainer has none."""
    key = study.entry.data_name_key
    return value_at(first.config, key) if key else None


def _setting(study: Study, first: Trial) -> Sequence[Line]:
    """Return the lines of the log format's section `# setting`: the settings that all rows share."""
    baseline = {factor.name: factor.baseline.word for factor in study.factors}
    lines = study.entry.log_setting(first.config, baseline)
    return lines or [("trainer", study.entry.title or study.trainer)]
